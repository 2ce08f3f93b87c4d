import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from './report';

/** What the disk below `directory` needs to make 4 KiB durable: the median of 50 writes with fdatasync, milliseconds. */
export async function syncMs(directory: string): Promise<number> {
  const path = join(directory, 'sync-reference');
  const file = await open(path, 'w');
  const times: number[] = [];
  try {
    for (let at = 0; at < 50; at++) {
      const startedAtMs = performance.now();
      await file.write(Buffer.alloc(4096, at));
      await file.datasync();
      times.push(performance.now() - startedAtMs);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  return median(times);
}
