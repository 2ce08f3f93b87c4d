import { link, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deltaBlockBytes, emptyContent } from '@paravcl/shared/chunks/delta';
import { defaultChunkBytes, mostChunks } from '@paravcl/shared/chunks/manifest';
import { MiB } from '@paravcl/shared/domain/limits';
import { copySparse } from './copy-sparse';
import { writeDelta } from './delta-writer';
import { withSnapshot, type DiskSnapshot } from './disk-layers';
import { UnknownSnapshotError, type DiskDelta } from './disk-snapshots';
import { DiskStoreError } from './disk-store';
import type { DiskRun } from './layer-blocks';
import { storedBytes } from './layer-file';
import type { LayeredDisk } from './layered-disk';
import { checkPoolRoom } from './pool-space';
import { asStoreError } from './snapshot-delta';
import { syncDirectory } from './sync-directory';

/** As in `checkPoolRoom`. */
type Pool = Parameters<typeof checkPoolRoom>[0];

/**
 * Keeps the RAM of a saved guest for the snapshot, and answers how large its content is. The guest may go on meanwhile: libvirt, and we, remove a save
 * once it is taken up, so a second name of the same file keeps it; on another file system it is copied. The one thing
 * written in it is the disk's chain, when that is redirected, and whoever goes on with it elsewhere has another one anyway.
 */
export async function keepRam(disk: LayeredDisk, snapshot: DiskSnapshot, savedRam: string, pool: Pool): Promise<number> {
  const path = disk.ramPath(snapshot);
  try {
    // What a call that was broken off left.
    await rm(path, { force: true });
    await link(savedRam, path).catch(async (error: NodeJS.ErrnoException) => {
      if (!isNoLink(error)) throw error;
      await checkPoolRoom(pool, await storedBytes([savedRam]), `the RAM of ${disk.instanceId}`);
      await copySparse(savedRam, path);
    });
    await syncDirectory(dirname(path));
    const sizeBytes = Math.ceil((await stat(path)).size / deltaBlockBytes) * deltaBlockBytes;
    if (sizeBytes === 0 || sizeBytes / defaultChunkBytes > mostChunks) throw new DiskStoreError('failed', `its RAM of ${Math.ceil(sizeBytes / MiB)} MiB cannot be kept: there is none, or more than ${(mostChunks * defaultChunkBytes) / MiB} MiB.`);
    return sizeBytes;
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw asStoreError(error, disk.instanceId, 'the RAM');
  }
}

/** Another file system, or one that has no second names. */
function isNoLink({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK' || code === 'ENOTSUP' || code === 'EOPNOTSUPP';
}

/** The delta of the kept RAM, against nothing: made unless it is there, and written down with the snapshot; then the RAM itself goes. */
export async function ramDelta(disk: LayeredDisk, snapshot: DiskSnapshot, pool: Pool): Promise<DiskDelta> {
  const { ram, snapshotId } = snapshot;
  if (ram === undefined) throw new UnknownSnapshotError(`No RAM of instance ${disk.instanceId} was kept for snapshot ${snapshotId}: it was not saved then.`);
  const [path, kept] = [disk.ramDeltaPath(snapshot), disk.ramPath(snapshot)];
  if (ram.delta !== null) {
    await rm(kept, { force: true });
    if ((await stat(path).catch(() => null))?.size === ram.delta.sizeBytes) return { path, ...ram.delta };
    throw new UnknownSnapshotError(`${path} is gone, and the RAM it was made of with it: take the snapshot again.`);
  }
  const file = await open(kept, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new UnknownSnapshotError(`${kept} is gone: take the snapshot again.`);
    throw asStoreError(error, disk.instanceId, 'the RAM');
  });
  try {
    await checkPoolRoom(pool, (await storedBytes([kept])) + (ram.sizeBytes / deltaBlockBytes) * perBlockBytes, `sending the RAM of ${disk.instanceId}`);
    const head = { chunkBytes: defaultChunkBytes, sizeBytes: ram.sizeBytes, base: emptyContent };
    const made = await writeDelta(path, { head, runs: whole(ram.sizeBytes), layers: [file] });
    await disk.write(withSnapshot(disk.layers, { ...snapshot, ram: { ...ram, delta: made } }));
    await rm(kept, { force: true });
    return { path, ...made };
  } catch (error) {
    throw asStoreError(error, disk.instanceId, 'the RAM');
  } finally {
    await file.close();
  }
}

/** Head and masks of a chunk's record, divided among its blocks. */
const perBlockBytes = 1;

async function* whole(length: number): AsyncGenerator<DiskRun> {
  yield await Promise.resolve({ start: 0, length, from: { layer: 0, offset: 0 } });
}
