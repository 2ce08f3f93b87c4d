import { open } from 'node:fs/promises';

/** A name in a directory is durable only when the directory is: fsync(2). */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
