import { chunkCount, chunkHash, chunkLength, isZeroChunk, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { ParavclError } from '@paravcl/shared/errors';
import { Readable } from 'node:stream';
import type { ChunkStore } from './chunk-store';
import { StoreDamaged } from './manifest-shelf';

/** Chunks read ahead of the one that is being sent. */
const ahead = 4;

/** The raw content of images, put together from their chunks, each checked. */
export class ContentReader {
  /** @param onDamage told of each chunk that could not be given, which a stream that breaks off does not say. */
  constructor(
    private readonly store: Pick<ChunkStore, 'manifest' | 'readChecked'>,
    private readonly onDamage: (manifestId: ManifestId, index: number, error: unknown) => void,
  ) {}

  /**
   * From `offset` on. Throws `not-found`, `invalid-input` for an offset past the end, `store-damaged` when nothing can be given; the stream
   * fails at a later chunk that is missing or damaged.
   */
  async open(manifestId: ManifestId, offset: number): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
    const stored = await this.store.manifest(manifestId).catch(sayDamaged);
    if (stored === null) throw new ParavclError('not-found', `There is no content ${manifestId}.`);
    const { sizeBytes } = stored.manifest;
    if (offset < 0 || offset > sizeBytes) throw new ParavclError('invalid-input', `The image has ${sizeBytes} bytes.`, { field: 'offset', limit: `0 to ${sizeBytes}` });
    const pieces = this.pieces(manifestId, stored.manifest, offset);
    // Before there is an answer: then damage can still be told.
    const first = await pieces.next().catch(sayDamaged);
    return { sizeBytes, stream: Readable.from(begunWith(first, pieces), { objectMode: false }) };
  }

  private async *pieces(id: ManifestId, manifest: Manifest, offset: number): AsyncGenerator<Buffer> {
    const first = Math.floor(offset / manifest.chunkBytes);
    const chunks = chunkCount(manifest);
    const reading: Promise<Buffer>[] = [];
    for (let next = first, index = first; index < chunks; index += 1) {
      for (; next < chunks && next < index + ahead; next += 1) {
        const bytes = this.chunk(id, manifest, next);
        // Told when it is this one's turn; a reader that leaves before never hears of it.
        bytes.catch(() => undefined);
        reading.push(bytes);
      }
      const bytes = await reading.shift();
      if (bytes === undefined) return;
      const wanted = index === first ? bytes.subarray(offset - first * manifest.chunkBytes) : bytes;
      // An empty piece would pass for the end of the stream.
      if (wanted.length > 0) yield wanted;
    }
  }

  private async chunk(id: ManifestId, manifest: Manifest, index: number): Promise<Buffer> {
    const length = chunkLength(manifest, index);
    if (isZeroChunk(manifest, index)) return Buffer.alloc(length);
    try {
      const bytes = await this.store.readChecked(chunkHash(manifest, index));
      if (bytes?.length !== length) throw new StoreDamaged(`Chunk ${index} of an image is missing in the store. Verify the store with repair: mirrors may have it.`);
      return bytes;
    } catch (error) {
      this.onDamage(id, index, error);
      throw error;
    }
  }
}

async function* begunWith(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

function sayDamaged(error: unknown): never {
  throw error instanceof StoreDamaged ? new ParavclError('store-damaged', error.message) : error;
}
