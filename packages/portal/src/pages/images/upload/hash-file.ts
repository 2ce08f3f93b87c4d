import { Sha256 } from './sha256';

const pieceBytes = 2 * 1024 * 1024;

/** SHA-256 of a file, piece by piece so that the page stays alive; null when the signal ended it. */
export async function hashFile(file: File, signal: AbortSignal, onDone: (bytes: number) => void): Promise<string | null> {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += pieceBytes) {
    if (signal.aborted) return null;
    const piece = new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer());
    hash.update(piece);
    onDone(at + piece.length);
  }
  return hash.digest();
}
