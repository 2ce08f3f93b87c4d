import { open } from 'node:fs/promises';

/** virtlogd keeps this many older files beside the newest by default. */
const rotated = 3;

/** The last bytes of a log and of the files it was rotated into (`.0` is the newest of them). Empty when there is none. */
export async function readLogTail(path: string, tailBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let wanted = tailBytes;
  for (const name of [path, ...Array.from({ length: rotated }, (_, index) => `${path}.${index}`)]) {
    if (wanted <= 0) break;
    const part = await tailOf(name, wanted);
    parts.unshift(part);
    wanted -= part.length;
  }
  return Buffer.concat(parts).toString('utf8');
}

async function tailOf(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
