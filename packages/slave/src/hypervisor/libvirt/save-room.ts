import { statfs } from 'node:fs/promises';
import { MiB } from '@paravcl/shared/domain/limits';
import { HypervisorError } from '../driver';

/** Device state and headers beside the RAM. */
const besideRamMiB = 16;

/**
 * libvirt keeps managed saves in a directory of its own, often on another file system than the pool, and
 * writes on until that one is full. Throws `no-room` when the whole RAM would not fit; quiet when the file
 * system cannot be asked, since libvirt then says it better.
 */
export async function checkSaveRoom(directory: string, guest: string, ramMiB: number): Promise<void> {
  const space = await statfs(directory).catch(() => null);
  if (space === null) return;
  const freeMiB = Math.floor((space.bavail * space.bsize) / MiB);
  const neededMiB = ramMiB + besideRamMiB;
  if (neededMiB <= freeMiB) return;
  throw new HypervisorError(
    'no-room',
    `the RAM of "${guest}" needs up to ${neededMiB} MiB in ${directory}, where ${freeMiB} MiB are free. Make room there, or mount a larger file system on it`,
  );
}
