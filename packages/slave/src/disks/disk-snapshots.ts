import type { Command, FreezeWish, FrozenDisk } from '@paravcl/shared/protocol/commands';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { DiskStoreError } from './disk-store';

/** A disk to freeze, and what its instance is made of here. */
export interface DiskToFreeze extends FreezeWish {
  readonly spec: InstanceSpec;
}

export type SnapshotPart = NonNullable<Extract<Command, { readonly kind: 'send-disk' }>['what']>;

/** A delta (`shared/chunks/delta`) of a frozen disk, or of RAM, complete on this host's disk. */
export interface DiskDelta {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of the blocks in it. */
  readonly dirtiedBytes: number;
}

/**
 * Snapshots of this host's disks: layers that are frozen until what is in them has been sent. Every call is idempotent, and
 * of one instance the caller makes one at a time, beside which no step of that instance runs.
 */
export interface DiskSnapshots {
  /** Finds out what became of switches that an earlier process began. Called before any step; never fails. */
  recover(): Promise<void>;
  /**
   * Freezes them, all running ones as near to one moment as can be. One that cannot be frozen says why and keeps none of the
   * others; asked again for the same snapshot it answers what it answered. Nothing is left of one that was not frozen.
   */
  freeze(snapshotId: string, disks: readonly DiskToFreeze[]): Promise<readonly FrozenDisk[]>;
  /**
   * Makes the delta, of the disk or of the RAM that was kept with it, unless it is there. Throws DiskStoreError;
   * UnknownSnapshotError when no delta of it can be made here any more.
   */
  delta(snapshotId: string, instanceId: string, what?: SnapshotPart): Promise<DiskDelta>;
  /**
   * Forgets the snapshot of that disk, and merges layers that nobody needs apart any more. `manifest`: what it was taken as,
   * against which the next ones can be sent; null when it was given up. Quiet when nothing of it is known.
   */
  end(snapshotId: string, instanceId: string, manifest: string | null): Promise<void>;
}

/** Nothing is kept here of the disk for that snapshot, and nothing will be: asking again does not help. */
export class UnknownSnapshotError extends DiskStoreError {
  constructor(message: string) {
    super('failed', message);
  }
}
