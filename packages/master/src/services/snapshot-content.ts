import { MiB } from '@paravcl/shared/domain/limits';
import type { SnapshotPart } from '../core/snapshot-record';
import type { NewImageRecord } from '../repositories/image-record';

/**
 * What an image version is that a disk of a snapshot becomes: raw, whole, ready. Nobody hashed it as a whole, for it is in the
 * store chunk by chunk; its manifest names it.
 */
export function snapshotContent({ imageId, instanceName, manifestId, sizeBytes }: SnapshotPart) {
  if (manifestId === null || sizeBytes === null) throw new Error(`The disk of ${instanceName} is not in the store.`);
  return {
    id: imageId,
    format: 'raw',
    sizeBytes,
    sha256: null,
    importPath: null,
    manifestId,
    contentSha256: null,
    contentBytes: sizeBytes,
    checkPercent: null,
    virtualSizeMiB: Math.ceil(sizeBytes / MiB),
    state: 'ready',
  } as const satisfies Partial<NewImageRecord>;
}
