import { createHash } from 'node:crypto';
import { applyDelta } from './chunk-delta';
import { decodeChunk, type StoredChunk } from './chunk-encoding';
import { ObjectMissing } from './object-backend';
import type { KeptChunk } from './pack-format';
import type { PackShelf } from './pack-shelf';

/** Of a delta nobody can say anything while its base is gone or damaged. */
export type Soundness = 'sound' | 'damaged' | 'base-damaged';

/** Whether the bytes are those of the hash. The base of a delta is read for it. */
export async function soundnessOf(chunk: KeptChunk, packs: Pick<PackShelf, 'read'>): Promise<Soundness> {
  if (chunk.encoding !== 'delta') return isRight(await decoded(chunk), chunk.hash) ? 'sound' : 'damaged';
  const base = await baseBytes(chunk.base, packs);
  if (base === null) return 'base-damaged';
  const bytes = await applyDelta(base, chunk.data).catch(() => null);
  if (isRight(bytes, chunk.hash)) return 'sound';
  return isRight(base, chunk.base) ? 'damaged' : 'base-damaged';
}

async function baseBytes(hash: Buffer, packs: Pick<PackShelf, 'read'>): Promise<Buffer | null> {
  try {
    const stored = await packs.read(hash);
    return stored === null ? null : await decoded(stored);
  } catch (error) {
    // A fault of the disk or the network says nothing about it.
    if (error instanceof RangeError || error instanceof ObjectMissing) return null;
    throw error;
  }
}

function decoded(chunk: StoredChunk): Promise<Buffer | null> {
  return decodeChunk(chunk).catch(() => null);
}

function isRight(bytes: Buffer | null, hash: Buffer): boolean {
  return bytes !== null && createHash('sha256').update(bytes).digest().equals(hash);
}
