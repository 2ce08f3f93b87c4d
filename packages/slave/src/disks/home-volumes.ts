import type { HomeSpec, ImageRef } from '@paravcl/shared/protocol/desired-instance';
import type { HomeDisk } from '../hypervisor/driver';
import type { DiskDelta } from './disk-snapshots';
import type { NeededImage } from './disk-store';

/** A home volume that goes back to the store, as the image `imageId`, against what it lay over. */
export interface LeavingHome {
  readonly volumeId: string;
  readonly epoch: number;
  readonly imageId: string;
  readonly base: string;
}

/**
 * Home volumes of this host: disks that belong to people and outlive the instances they are attached to. The master has at most
 * one host have one, and says so by its epoch. Every call is idempotent; none of them knows who uses what, but for what is being written.
 */
export interface HomeVolumes {
  /** Opens the directory; the first time also sweeps what crashes left half made. */
  open(): Promise<void>;
  /** What it lies over, when that is not as it is needed. */
  missingImage(home: HomeSpec): Promise<NeededImage | null>;
  /** Whether it is here, of this epoch. */
  isHere(home: Pick<HomeSpec, 'volumeId' | 'epoch'>): Promise<boolean>;
  /**
   * Makes it of what it held in the store unless it is here of this epoch. What is here of an earlier one goes: that is in the
   * store, or was given up. Throws DiskStoreError, also for one that is here of a later epoch, or that is being written.
   */
  make(home: HomeSpec): Promise<HomeDisk>;
  /**
   * What it holds that its base does not; null where nothing of this epoch is here. Throws DiskStoreError while it is being written.
   */
  delta(home: LeavingHome): Promise<DiskDelta | null>;
  /** Removes it, unless what is here is of a later epoch. Throws DiskStoreError while it is being written. */
  drop(volumeId: string, epoch: number): Promise<void>;
}

/** Of the disk that the guest sees. */
export function homeBytes({ sizeMiB, disk }: { readonly sizeMiB: number; readonly disk: Pick<ImageRef, 'sizeBytes'> | null }): number {
  return Math.max(disk?.sizeBytes ?? 0, sizeMiB * 1024 * 1024);
}
