import type { ChunkEncoding } from '@paravcl/shared/chunks/frames';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';

/** How a chunk lies in a pack: as it is sent, or as the difference to another chunk (chunk-delta). */
export type KeptEncoding = ChunkEncoding | 'delta';

/** A chunk whole, as it is kept and sent. */
export interface StoredChunk {
  readonly encoding: ChunkEncoding;
  readonly data: Buffer;
}

const deflate = promisify<Buffer, { level: number }, Buffer>(deflateRaw);
const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw);
/** More than any manifest's chunks have. */
const mostChunkBytes = 4 * 1024 * 1024;
const samples = 2048;

/**
 * The chunk deflated when that saves an eighth or more, else a copy of it; `bytes` may be used again afterwards. Works
 * in libuv's pool, level 1: higher ones take several times as long for a few percent.
 */
export async function encodeChunk(bytes: Buffer): Promise<StoredChunk> {
  if (!looksRandom(bytes)) {
    const deflated = await deflate(bytes, { level: 1 });
    // Copied out of zlib's block of 16 KiB or more, which it would keep alive.
    if (deflated.length <= bytes.length - bytes.length / 8) return { encoding: 'deflate', data: Buffer.from(deflated) };
  }
  return { encoding: 'plain', data: Buffer.from(bytes) };
}

/** Throws when it cannot be inflated, or to more than any chunk has. */
export async function decodeChunk({ encoding, data }: StoredChunk): Promise<Buffer> {
  return encoding === 'plain' ? data : inflate(data, { maxOutputLength: mostChunkBytes });
}

/**
 * Whether deflating is sure to be for nothing: encrypted or compressed content. Of bytes that are all equally frequent
 * chi-square with 255 degrees of freedom is 255, with a standard deviation of 23; text and programs have thousands.
 */
export function looksRandom(bytes: Buffer): boolean {
  if (bytes.length < samples * 2) return false;
  const counts = new Uint32Array(256);
  // An odd step, so that records of a fixed size are met at all their bytes.
  const step = Math.floor(bytes.length / samples) | 1;
  let taken = 0;
  for (let at = 0; at < bytes.length; at += step) {
    const byte = bytes[at] ?? 0;
    counts[byte] = (counts[byte] ?? 0) + 1;
    taken += 1;
  }
  const expected = taken / 256;
  let chiSquare = 0;
  for (const count of counts) chiSquare += (count - expected) ** 2 / expected;
  return chiSquare < 340;
}
