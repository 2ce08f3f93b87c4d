import { statfs } from 'node:fs/promises';
import { MiB } from '@paravcl/shared/domain/limits';
import { DiskStoreError } from './disk-store';

export interface PoolSpace {
  readonly totalMiB: number;
  readonly availableMiB: number;
}

/** Of the file system that the pool's directory is on. */
export async function poolSpace(root: string): Promise<PoolSpace> {
  const pool = await statfs(root);
  return { totalMiB: Math.floor((pool.blocks * pool.bsize) / MiB), availableMiB: Math.floor((pool.bavail * pool.bsize) / MiB) };
}

/** Throws DiskStoreError `no-room` when `what` would leave less than the reserve. */
export async function checkPoolRoom({ root, reserveMiB }: { readonly root: string; readonly reserveMiB: number }, bytes: number, what: string): Promise<void> {
  const { availableMiB } = await poolSpace(root);
  if (availableMiB >= Math.ceil(bytes / MiB) + reserveMiB) return;
  throw new DiskStoreError('no-room', `The pool ${root} has ${availableMiB} MiB free; ${what} needs ${Math.ceil(bytes / MiB)} MiB and ${reserveMiB} MiB are kept free.`);
}
