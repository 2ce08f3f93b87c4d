import { chunkCount, chunkHash, chunkLength, isZeroChunk, type Manifest } from '@paravcl/shared/chunks/manifest';
import { createHash } from 'node:crypto';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { ChunkStore } from './chunk-store';
import { StoreDamaged } from './manifest-shelf';

/** Chunks read ahead of the one that is being hashed. */
const ahead = 4;
/** Between two turns of the event loop: chunks of zeros wait for nothing. */
const chunksAtOnce = 16;

/**
 * SHA-256 of the whole raw content, lower-case hexadecimal. Every byte is hashed, chunks of zeros without being read; `onProgress` gets percent
 * and may throw to end it. Throws StoreDamaged.
 */
export async function contentSha256(store: Pick<ChunkStore, 'readChecked'>, manifest: Manifest, onProgress: (percent: number) => void): Promise<string> {
  const whole = createHash('sha256');
  const zeros = Buffer.alloc(manifest.chunkBytes);
  const chunks = chunkCount(manifest);
  const reading: Promise<Buffer>[] = [];
  for (let next = 0, index = 0; index < chunks; index += 1) {
    for (; next < chunks && next < index + ahead; next += 1) {
      const bytes = isZeroChunk(manifest, next) ? Promise.resolve(zeros.subarray(0, chunkLength(manifest, next))) : readChunk(store, manifest, next);
      // Told when it is this one's turn.
      bytes.catch(() => undefined);
      reading.push(bytes);
    }
    const bytes = await reading.shift();
    if (bytes !== undefined) whole.update(bytes);
    if (index % chunksAtOnce === chunksAtOnce - 1) await turnOfTheLoop();
    onProgress((100 * (index + 1)) / chunks);
  }
  return whole.digest('hex');
}

async function readChunk(store: Pick<ChunkStore, 'readChecked'>, manifest: Manifest, index: number): Promise<Buffer> {
  const bytes = await store.readChecked(chunkHash(manifest, index));
  if (bytes?.length !== chunkLength(manifest, index)) throw new StoreDamaged(`Chunk ${index} of an image is missing in the store. Verify the store with repair: mirrors may have it.`);
  return bytes;
}
