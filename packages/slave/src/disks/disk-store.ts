import type { ReadPhase } from '@paravcl/shared/chunks/access-pattern';
import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { DomainFiles } from '../hypervisor/driver';
import type { LogEnd } from './log-tail';

/**
 * An image that an instance cannot start without, and how it needs it:
 *   served (the default)   its guest can read it, whatever of it is on this host yet
 *   whole                  every byte is here and checked since the host was started
 *   earlier-file           the file that an earlier release fetched for it, which no longer comes from anywhere
 */
export type NeededImage = ImageRef & { readonly need?: 'served' | 'whole' | 'earlier-file' };

/**
 * The pool of one host: what each instance keeps on disk, over images that the host's mirror brings. Real files
 * under libvirt, a map in memory under simulation. Every call is idempotent.
 */
export interface DiskStore {
  /** Opens the pool directory; the first time also sweeps half-made files of earlier crashes. */
  open(): Promise<void>;
  /** Images of its spec that are not as the instance needs them, its RAM too while that is to come. Quick: one that nobody can say much of is missing. */
  missingImages(instanceId: string, spec: InstanceSpec): Promise<readonly NeededImage[]>;
  /**
   * Has the image brought until it is as it is needed. What is here of it stays, so a later call goes on.
   * Throws DiskStoreError `image-missing`, `no-room` or `fetch-failed` (worth retrying).
   */
  fetchImage(image: NeededImage, onProgress: (percent: number) => void): Promise<void>;
  /** Makes overlay and seed of an instance, of its spec's disk epoch, which awaits its spec's RAM; returns its files. Keeps an overlay that exists. */
  createInstanceFiles(instanceId: string, spec: InstanceSpec): Promise<DomainFiles>;
  /** The same from one call to the next, from before they are made until they are removed. Throws DiskStoreError as fetchImage does. */
  filesOf(instanceId: string, spec: InstanceSpec): Promise<DomainFiles>;
  /** Instances that have a directory in the pool. */
  instancesOnDisk(): Promise<readonly string[]>;
  standing(instanceId: string): Promise<DiskStanding>;
  /** Path of the RAM that it awaits, whole on this host. Throws DiskStoreError as fetchImage does, `failed` when it awaits none or other RAM. */
  ramFile(instanceId: string, spec: InstanceSpec): Promise<string>;
  /** It awaits RAM no longer, for it has it or does without; durable when it returns. Quiet when it awaits none. */
  ramArrived(instanceId: string): Promise<void>;
  /** Of which epoch the files of an instance are; 1 when they do not say. Throws DiskStoreError `failed`. */
  diskEpoch(instanceId: string): Promise<number>;
  /** Removes everything the instance has in the pool, whatever it is and of whatever epoch. */
  removeInstanceFiles(instanceId: string): Promise<void>;
  /** Where its guest is, for those who record what guests read of their images. Returns at once and never fails. */
  tellPhase(instanceId: string, phase: ReadPhase): void;
  /** Last `tailBytes` of the serial console's log, across its rotation. Empty when nothing was printed. */
  readSerialLog(instanceId: string, tailBytes: number): Promise<string>;
  /** The same as bytes, and how much there is of it. */
  serialLogEnd(instanceId: string, tailBytes: number): Promise<LogEnd>;
  space(): Promise<{ readonly totalMiB: number; readonly availableMiB: number }>;
}

/** What of an instance is in the pool. */
export interface DiskStanding {
  /** Its files, complete. */
  readonly files: boolean;
  /** What is half made or half removed of it. */
  readonly leftovers: boolean;
  /** Its disk was made to go on with RAM that has not come yet; nobody has written on it. */
  readonly awaitsRam: boolean;
}

export type DiskStoreErrorCode = 'image-missing' | 'image-corrupt' | 'no-room' | 'fetch-failed' | 'failed';

export class DiskStoreError extends Error {
  override readonly name = 'DiskStoreError';
  constructor(
    readonly code: DiskStoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Every image of a spec: its disk first, then kernel and ramdisk when it has them. */
export function imagesOf(spec: InstanceSpec): readonly ImageRef[] {
  return [spec.disk, spec.kernel, spec.ramdisk].filter((image) => image !== null);
}
