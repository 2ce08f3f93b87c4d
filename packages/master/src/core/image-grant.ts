import type { ImageVisibility } from '@paravcl/shared/domain/image';
import type { SlaveKind } from '@paravcl/shared/domain/slave';

/** A version that is given out, of the content that is asked for: several may have the same. */
export interface GrantedVersion {
  readonly id: string;
  readonly visibility: ImageVisibility;
}

/** What a guest starts from: ids of image versions. */
export interface GuestStart {
  readonly imageId: string;
  readonly kernelId: string | null;
  readonly ramdiskId: string | null;
}

/** `for-its-guests`: only while guests of that slave start from it. */
export type ImageGrant = 'given' | 'for-its-guests' | 'none';

/**
 * Whether a slave of this kind is given the content that these versions have (decision 0013):
 *
 * 1. Nobody is given what is not given out at all.
 * 2. A dedicated slave is given everything else: it is the department's, and the scheduler may place any guest on it.
 * 3. What is public everybody may launch and read, so every slave may have it.
 * 4. The rest a volunteer is given only for guests of its own.
 */
export function imageGrant(kind: SlaveKind, versions: readonly GrantedVersion[]): ImageGrant {
  if (versions.length === 0) return 'none';
  return kind === 'dedicated' || versions.some(({ visibility }) => visibility === 'public') ? 'given' : 'for-its-guests';
}

/** Whether one of these guests starts from one of the versions. */
export function startsFromAny(guests: readonly GuestStart[], versions: readonly Pick<GrantedVersion, 'id'>[]): boolean {
  const ids = new Set(versions.map(({ id }) => id));
  return guests.some(({ imageId, kernelId, ramdiskId }) => ids.has(imageId) || (kernelId !== null && ids.has(kernelId)) || (ramdiskId !== null && ids.has(ramdiskId)));
}
