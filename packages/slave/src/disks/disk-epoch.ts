import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskStoreError } from './disk-store';
import { names } from './pool-layout';

/**
 * Of which epoch the disk in an instance's directory is: written there when it was made, so that it appears and goes with
 * the disk itself, whatever becomes of the journal. 1 where it is not written, as by earlier releases.
 * Throws DiskStoreError `failed` when it cannot be read: a disk is not removed on a guess.
 */
export async function readDiskEpoch(directory: string): Promise<number> {
  const file = join(directory, names.epoch);
  try {
    const text = await readFile(file, 'utf8');
    if (/^[1-9]\d{0,8}\n$/.test(text)) return Number(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 1;
    throw new DiskStoreError('failed', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  throw new DiskStoreError('failed', `${file} does not say how often the instance began anew. Delete the instance, or write the number that the master knows there.`);
}
