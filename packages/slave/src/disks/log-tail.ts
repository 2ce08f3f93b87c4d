import { open } from 'node:fs/promises';

/** virtlogd keeps this many older files beside the newest by default. */
const rotated = 3;

/** The end of a log with its rotated files. */
export interface LogEnd {
  readonly tail: Buffer;
  /** Of all of them together: what it grew by between two looks was written between them; less than before: the oldest file went. */
  readonly totalBytes: number;
}

/** The last bytes of a log and of the files it was rotated into (`.0` is the newest of them). Empty when there is none. */
export async function readLogTail(path: string, tailBytes: number): Promise<string> {
  return (await readLogEnd(path, tailBytes)).tail.toString('utf8');
}

export async function readLogEnd(path: string, tailBytes: number): Promise<LogEnd> {
  const parts: Buffer[] = [];
  let [wanted, totalBytes] = [tailBytes, 0];
  for (const name of [path, ...Array.from({ length: rotated }, (_, index) => `${path}.${index}`)]) {
    const { part, size } = await endOf(name, wanted);
    parts.unshift(part);
    wanted -= part.length;
    totalBytes += size;
  }
  return { tail: Buffer.concat(parts), totalBytes };
}

async function endOf(path: string, bytes: number): Promise<{ readonly part: Buffer; readonly size: number }> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return { part: Buffer.alloc(0), size: 0 };
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { part: buffer.subarray(0, bytesRead), size };
  } finally {
    await file.close();
  }
}
