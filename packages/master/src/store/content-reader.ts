import { chunkCount, chunkHash, chunkLength, isZeroChunk, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { ParavclError } from '@paravcl/shared/errors';
import { Readable } from 'node:stream';
import type { ChunkStore } from './chunk-store';
import { StoreDamaged } from './manifest-shelf';

/** Chunks read ahead of the one that is being sent. */
const ahead = 4;

/** The raw content of images, put together from their chunks, each checked. */
export class ContentReader {
  constructor(private readonly store: ChunkStore) {}

  /** From `offset` on. Throws `not-found`, or `invalid-input` for an offset past the end; the stream fails with StoreDamaged at a chunk that is missing or damaged. */
  async open(manifestId: ManifestId, offset: number): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
    const stored = await this.store.manifest(manifestId);
    if (stored === null) throw new ParavclError('not-found', `There is no content ${manifestId}.`);
    const { sizeBytes } = stored.manifest;
    if (offset < 0 || offset > sizeBytes) throw new ParavclError('invalid-input', `The image has ${sizeBytes} bytes.`, { field: 'offset', limit: `0 to ${sizeBytes}` });
    return { sizeBytes, stream: Readable.from(this.pieces(stored.manifest, offset), { objectMode: false }) };
  }

  private async *pieces(manifest: Manifest, offset: number): AsyncGenerator<Buffer> {
    const first = Math.floor(offset / manifest.chunkBytes);
    const chunks = chunkCount(manifest);
    const reading: Promise<Buffer>[] = [];
    for (let next = first, index = first; index < chunks; index += 1) {
      for (; next < chunks && next < index + ahead; next += 1) {
        const bytes = this.chunk(manifest, next);
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

  private async chunk(manifest: Manifest, index: number): Promise<Buffer> {
    const length = chunkLength(manifest, index);
    if (isZeroChunk(manifest, index)) return Buffer.alloc(length);
    const bytes = await this.store.readChecked(chunkHash(manifest, index));
    if (bytes?.length !== length) throw new StoreDamaged(`Chunk ${index} of an image is missing in the store. Verify the store with repair: mirrors may have it.`);
    return bytes;
  }
}
