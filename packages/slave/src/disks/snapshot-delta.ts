import { open, stat, type FileHandle } from 'node:fs/promises';
import { layersOf, withSnapshot, type DiskSnapshot } from './disk-layers';
import { DiskStoreError } from './disk-store';
import { UnknownSnapshotError, type DiskDelta } from './disk-snapshots';
import { writeDelta } from './delta-writer';
import { unionOfLayers, type DiskRun } from './layer-blocks';
import type { LayeredDisk } from './layered-disk';
import { extentsOfLayer } from './layer-map';
import { checkPoolRoom } from './pool-space';

/** Of a chunk's record beside its blocks, and of the delta itself: less than this for each block. */
const perBlockBytes = 16;

/**
 * The delta of a snapshot: made of its layers unless it is there, and written down with the snapshot. What it takes is
 * counted first. Throws DiskStoreError `no-room` or `failed`.
 */
export async function snapshotDelta(disk: LayeredDisk, snapshot: DiskSnapshot, pool: { readonly root: string; readonly reserveMiB: number }): Promise<DiskDelta> {
  const path = disk.deltaPath(snapshot);
  const { delta } = snapshot;
  if (delta !== null) {
    if ((await stat(path).catch(() => null))?.size === delta.sizeBytes) return { path, ...delta };
    if (snapshot.how !== 'running') throw new UnknownSnapshotError(`${path} is gone, and its guest may have written since: take the snapshot again.`);
  }
  const names = layersOf(disk.layers, snapshot).map((name) => disk.path(name));
  const runs = (): AsyncIterable<DiskRun> => unionOfLayers(names.map(extentsOfLayer), snapshot.sizeBytes);
  await checkPoolRoom(pool, await neededBytes(runs()), `what differs in the disk of ${disk.instanceId}`);
  const layers: FileHandle[] = [];
  try {
    for (const name of names) layers.push(await open(name, 'r'));
    const { chunkBytes, sizeBytes, base } = snapshot;
    const made = await writeDelta(path, { head: { chunkBytes, sizeBytes, base }, runs: runs(), layers });
    await disk.write(withSnapshot(disk.layers, { ...snapshot, delta: made }));
    return { path, ...made };
  } catch (error) {
    throw asStoreError(error, disk.instanceId);
  } finally {
    await Promise.all(layers.map((file) => file.close()));
  }
}

async function neededBytes(runs: AsyncIterable<DiskRun>): Promise<number> {
  let bytes = 0;
  for await (const { length, from } of runs) bytes += (from === null ? 0 : length) + Math.ceil(length / 4096) * perBlockBytes;
  return bytes;
}

export function asStoreError(error: unknown, instanceId: string, what = 'what differs in the disk'): DiskStoreError {
  if (error instanceof DiskStoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new DiskStoreError('no-room', `The pool filled up while ${what} of ${instanceId} was written.`, { cause: error });
  return new DiskStoreError('failed', `${what[0]?.toUpperCase() ?? ''}${what.slice(1)} of ${instanceId} cannot be told: ${message}`, { cause: error });
}
