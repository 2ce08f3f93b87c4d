import { deltaBlockBytes } from '@paravcl/shared/chunks/delta';

/** A run of bytes that one layer holds. `offset`: where they lie in its file; null: they are zeros. */
export interface LayerExtent {
  readonly start: number;
  readonly length: number;
  readonly offset: number | null;
}

/** A run of bytes of the guest's disk, by the topmost layer that holds it; null: they are zeros. */
export interface DiskRun {
  readonly start: number;
  readonly length: number;
  readonly from: { readonly layer: number; readonly offset: number } | null;
}

/**
 * What several layers hold together, each byte by the topmost of them: what a guest reads that has them over something
 * else, and nothing of that. `layers` from the top down, of each its extents by rising start. Keeps one extent of each.
 * Throws a RangeError when one begins or ends within a block of 4 KiB, but for the disk's end.
 */
export async function* unionOfLayers(layers: readonly AsyncIterable<LayerExtent>[], sizeBytes: number): AsyncGenerator<DiskRun> {
  const cursors = layers.map((extents) => new Cursor(extents[Symbol.asyncIterator](), sizeBytes));
  try {
    for (let at = 0; at < sizeBytes; ) {
      let end = sizeBytes;
      let from: DiskRun['from'] | undefined;
      for (const [layer, cursor] of cursors.entries()) {
        const extent = await cursor.reach(at);
        if (extent === null) continue;
        if (extent.start > at) {
          end = Math.min(end, extent.start);
          continue;
        }
        end = Math.min(end, extent.start + extent.length);
        from = extent.offset === null ? null : { layer, offset: extent.offset + at - extent.start };
        break;
      }
      if (from !== undefined) yield { start: at, length: end - at, from };
      at = end;
    }
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

/** One layer’s extents, of which it holds the first that ends after where the union is. */
class Cursor {
  private extent: LayerExtent | null = null;
  private over = false;

  constructor(
    private readonly extents: AsyncIterator<LayerExtent>,
    private readonly sizeBytes: number,
  ) {}

  async reach(at: number): Promise<LayerExtent | null> {
    while (!this.over && (this.extent === null || this.extent.start + this.extent.length <= at)) {
      const next = await this.extents.next();
      this.over = next.done === true;
      this.extent = next.done === true ? null : this.checked(next.value);
    }
    return this.extent;
  }

  async close(): Promise<void> {
    await this.extents.return?.();
  }

  private checked(extent: LayerExtent): LayerExtent {
    const end = extent.start + extent.length;
    if (extent.start % deltaBlockBytes === 0 && (end % deltaBlockBytes === 0 || end >= this.sizeBytes)) return extent;
    throw new RangeError(`A layer holds bytes ${extent.start} to ${end}, which are no whole blocks of ${deltaBlockBytes}.`);
  }
}
