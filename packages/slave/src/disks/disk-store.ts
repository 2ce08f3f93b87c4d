import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { DomainFiles } from '../hypervisor/driver';

/**
 * The pool of one host: cached images and what each instance keeps on disk. Real files under libvirt,
 * a map in memory under simulation. Every call is idempotent.
 */
export interface DiskStore {
  /** Opens the pool directory; the first time also sweeps half-made files of earlier crashes and images long unused. */
  open(): Promise<void>;
  /** True when the image is in the cache, complete and checked since the host was started: the first answer may take as long as hashing it. */
  hasImage(image: ImageRef): Promise<boolean>;
  /**
   * Fetches the image into the cache unless it is there, resuming a partial one, and checks size and
   * SHA-256 before it counts. Concurrent calls for the same image share one fetch.
   * Throws DiskStoreError `image-missing`, `image-corrupt`, `no-room` or `fetch-failed` (worth retrying).
   */
  fetchImage(image: ImageRef, onProgress: (percent: number) => void): Promise<void>;
  /** Makes overlay and seed of an instance; returns its files. Keeps an overlay that exists. */
  createInstanceFiles(instanceId: string, spec: InstanceSpec): Promise<DomainFiles>;
  filesOf(instanceId: string, spec: InstanceSpec): DomainFiles;
  /** Instances that have a directory in the pool. */
  instancesOnDisk(): Promise<readonly string[]>;
  /** Removes everything the instance has in the pool. */
  removeInstanceFiles(instanceId: string): Promise<void>;
  /** Last `tailBytes` of the serial console's log, across its rotation. Empty when nothing was printed. */
  readSerialLog(instanceId: string, tailBytes: number): Promise<string>;
  space(): Promise<{ readonly totalMiB: number; readonly availableMiB: number }>;
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

/** Where images come from: the master now, the mirror later. Streams the bytes of one image from an offset. */
export interface ImageSource {
  open(image: ImageRef, offsetBytes: number): Promise<AsyncIterable<Uint8Array>>;
}
