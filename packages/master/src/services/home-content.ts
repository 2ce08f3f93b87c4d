import { emptyContent } from '@paravcl/shared/chunks/delta';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import { MiB } from '@paravcl/shared/domain/limits';
import type { HomeRecord } from '../core/home-record';
import type { NewImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';

/** What a home volume holds, as an image that nobody sees: raw, whole, ready; its manifest names it. */
export function imageOfHome({ userId }: HomeRecord, { imageId, manifestId, sizeBytes }: { readonly imageId: string; readonly manifestId: ManifestId; readonly sizeBytes: number }, now: EpochMs): NewImageRecord {
  return {
    id: imageId,
    friendlyId: `EMI-HOME-${imageId.slice(-12).toUpperCase()}`,
    kind: 'disk',
    name: 'Home volume',
    description: 'What a home volume holds, kept for as long as that is so.',
    format: 'raw',
    sizeBytes,
    sha256: null,
    importPath: null,
    familyId: imageId,
    version: 1,
    visibility: 'private',
    manifestId,
    contentSha256: null,
    contentBytes: sizeBytes,
    checkPercent: null,
    virtualSizeMiB: Math.ceil(sizeBytes / MiB),
    state: 'ready',
    reason: null,
    defaultKernelId: null,
    defaultRamdiskId: null,
    defaultVcpus: null,
    defaultRamMiB: null,
    kernelArguments: '',
    platformValue: 1,
    ownerGroupId: null,
    createdByUserId: userId,
    createdAt: now,
  };
}

/** Of the volume that the next launch of this person gets; 0: they have none, or something has it. */
export async function freeHomeMiB({ homes }: Pick<Repositories, 'homes'>, userId: string, siteMiB: number): Promise<number> {
  const home = await homes.ofUser(userId);
  if (home === null) return siteMiB;
  if (home.state !== 'stored') return 0;
  return home.ownSize ? home.sizeMiB : Math.max(home.sizeMiB, siteMiB);
}

/** Of the disk that its slave made of it, never smaller than what it held; and what its delta is against. */
export async function sizeAndBase({ images }: Pick<Repositories, 'images'>, home: HomeRecord): Promise<{ readonly sizeBytes: number; readonly base: ManifestId }> {
  const image = home.imageId === null ? null : await images.find(home.imageId);
  return { sizeBytes: Math.max(image?.contentBytes ?? 0, (home.attachedMiB ?? home.sizeMiB) * MiB), base: image?.manifestId ?? emptyContent };
}
