import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import type { DomainFiles } from '../hypervisor/driver';
import { chainFromTop, diskLayersSchema, onlyOverlay, type DiskLayers } from './disk-layers';
import { DiskStoreError } from './disk-store';
import { names } from './pool-layout';
import { syncDirectory } from './sync-directory';

/** From an instance's directory; null where nothing is written, as of a disk that never was snapshotted. Throws DiskStoreError `failed`. */
export async function readLayers(directory: string): Promise<DiskLayers | null> {
  const file = join(directory, names.layers);
  try {
    return diskLayersSchema.parse(parseJson(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const top = 'the newest layer-*.qcow2 beside it names those below: qemu-img info --force-share --backing-chain';
    throw new DiskStoreError('failed', `${file} does not say what the instance’s disk consists of; ${top}`, { cause: error });
  }
}

export async function layersOrOnlyOverlay(directory: string): Promise<DiskLayers> {
  return (await readLayers(directory)) ?? onlyOverlay;
}

/** Paths of what a domain that is started now writes, and of what is below that. */
export function chainFiles(directory: string, disk: DiskLayers): Pick<DomainFiles, 'overlay' | 'layers'> {
  const [top, ...below] = chainFromTop(disk);
  return { overlay: join(directory, top), layers: below.map((name) => join(directory, name)) };
}

/** Durable when it returns: the record, and the names of files that were made in the directory before. */
export async function writeLayers(directory: string, layers: DiskLayers): Promise<void> {
  const [file, next] = [join(directory, names.layers), join(directory, `${names.layers}.new`)];
  const handle = await open(next, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(layers)}\n`);
    await handle.datasync();
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(next, file);
  await syncDirectory(directory);
}
