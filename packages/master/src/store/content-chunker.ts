import { chunkCount, defaultChunkBytes, manifestOf, mostChunks, type Manifest } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { WritingSession } from './writing-session';

export interface ChunkedContent {
  readonly manifest: Manifest;
  /** Of the whole content, padding included. */
  readonly sha256: string;
}

/** Read, hashed and looked through in one go: about a millisecond of the event loop. */
const blockBytes = 1024 * 1024;
const zeros = Buffer.alloc(4 * blockBytes);
/** One is read while one is hashed and the chunks of a third are deflated. */
const buffers = 3;

/** Bytes of a chunk for a content of this size. */
export function chunkBytesFor(sizeBytes: number): number {
  let chunkBytes = defaultChunkBytes;
  while (sizeBytes > chunkBytes * mostChunks) chunkBytes *= 2;
  return chunkBytes;
}

/**
 * Cuts a file into chunks and puts them into the session, padded with zeros to a multiple of `multipleOf`. Chunks of
 * zeros, so holes too, cost a comparison. `onProgress` gets percent and may throw to end it.
 */
export async function chunkFile(path: string, multipleOf: number, session: WritingSession, onProgress: (percent: number) => void): Promise<ChunkedContent> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const sizeBytes = Math.ceil(size / multipleOf) * multipleOf;
    const chunkBytes = chunkBytesFor(sizeBytes);
    const block = Math.max(blockBytes, chunkBytes);
    const hashes = Buffer.alloc(chunkCount({ sizeBytes, chunkBytes }) * hashBytes);
    const whole = createHash('sha256');
    const space = Array.from({ length: buffers }, () => Buffer.allocUnsafe(block));
    const read = (at: number): Promise<Buffer> => readPadded(file, space[(at / block) % buffers] ?? Buffer.alloc(block), at, sizeBytes);
    let [next, putting]: [Promise<Buffer>, Promise<unknown>] = [read(0), Promise.resolve()];
    for (let at = 0; at < sizeBytes; at += block) {
      const bytes = await next;
      // The buffer of the block before the last is free: its chunks were put.
      if (at + block < sizeBytes) next = read(at + block);
      next.catch(() => undefined);
      whole.update(bytes);
      const puts = isZero(bytes) ? [] : putChunks(bytes, { chunkBytes, firstIndex: at / chunkBytes, hashes, session });
      await putting;
      putting = Promise.all(puts);
      putting.catch(() => undefined);
      onProgress(Math.floor((100 * Math.min(at + block, sizeBytes)) / sizeBytes));
    }
    await putting;
    return { manifest: manifestOf({ chunkBytes, sizeBytes }, hashes), sha256: whole.digest('hex') };
  } finally {
    await file.close();
  }
}

function putChunks(bytes: Buffer, { chunkBytes, firstIndex, hashes, session }: { readonly chunkBytes: number; readonly firstIndex: number; readonly hashes: Buffer; readonly session: WritingSession }): readonly Promise<void>[] {
  const puts: Promise<void>[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    if (isZero(chunk)) continue;
    const hash = createHash('sha256').update(chunk).digest();
    hash.copy(hashes, (firstIndex + at / chunkBytes) * hashBytes);
    puts.push(session.put(hash, chunk));
  }
  return puts;
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(zeros.subarray(0, bytes.length));
}

/** From `at` on as much as the buffer holds, or up to `end`; behind the end of the file zeros. */
async function readPadded(file: FileHandle, buffer: Buffer, at: number, end: number): Promise<Buffer> {
  const wanted = buffer.subarray(0, Math.min(buffer.length, end - at));
  for (let filled = 0; filled < wanted.length; ) {
    const { bytesRead } = await file.read(wanted, filled, wanted.length - filled, at + filled);
    if (bytesRead === 0) {
      wanted.fill(0, filled);
      break;
    }
    filled += bytesRead;
  }
  return wanted;
}
