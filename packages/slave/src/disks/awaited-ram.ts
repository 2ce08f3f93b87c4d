import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import { DiskStoreError } from './disk-store';
import { names } from './pool-layout';
import { syncDirectory } from './sync-directory';

/**
 * The RAM that the disk in an instance's directory was made to go on with, while it has not come. It is written there before
 * the disk appears and never again, and removed before anybody starts it: so RAM never meets a disk that was written since, whatever
 * becomes of the journal and the hypervisor's notes. Throws DiskStoreError `failed` when it cannot be read.
 */
export async function awaitedRam(directory: string): Promise<ManifestId | null> {
  const file = join(directory, names.ram);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new DiskStoreError('failed', `${file} cannot be read: ${error.message}`, { cause: error });
  });
  if (text === null) return null;
  const manifest = text.trimEnd();
  if (sha256Schema.safeParse(manifest).success) return manifest;
  throw new DiskStoreError('failed', `${file} does not say which RAM the instance awaits. Begin it anew, or stop it and start it without its RAM.`);
}

/** Durable when it returns. Quiet when none is awaited, or the directory is gone. */
export async function endRamWait(directory: string): Promise<void> {
  const file = join(directory, names.ram);
  await rm(file).then(
    () => syncDirectory(directory),
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw new DiskStoreError('failed', `${file} cannot be removed: ${error.message}`, { cause: error });
    },
  );
}
