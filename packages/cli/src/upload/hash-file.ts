import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const pieceBytes = 1024 * 1024;

/** SHA-256 of a file's first so many bytes, in hexadecimal. Throws what the signal was aborted with, and an Error when the file is shorter. */
export async function hashFile(file: FileHandle, sizeBytes: number, signal: AbortSignal, onDone: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0; at < sizeBytes; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(piece, 0, Math.min(pieceBytes, sizeBytes - at), at);
    if (bytesRead === 0) throw new Error(`the file became shorter while it was read: ${String(at)} bytes are left of ${String(sizeBytes)}`);
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
    onDone(at);
  }
  return hash.digest('hex');
}
