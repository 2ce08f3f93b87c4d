import type { CreateImageBody } from '@paravcl/shared/api/images';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageKind } from '@paravcl/shared/domain/image';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { ImageChange, ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import { insertVersion } from './image-versions';
import { sayBytes } from './say-bytes';

export type NewImage = Pick<CreateImageBody, 'name' | 'familyId' | 'description' | 'visibility' | 'format' | 'sizeBytes' | 'ownerGroupId'> & {
  /** Null for a file of the server: nobody knows yet. */
  readonly sha256: string | null;
} & Partial<Pick<CreateImageBody, 'defaultKernelId' | 'defaultRamdiskId' | 'defaultVcpus' | 'defaultRamMiB' | 'minSpeed' | 'kernelArguments' | 'platformValue'>>;

/** Whose image it is, of which kind, since when, and the file of the server it is read from, if any. */
export interface AnnouncedBy {
  readonly principal: Principal;
  readonly kind: ImageKind;
  readonly importPath: string | null;
  readonly now: EpochMs;
}

/** Enters a version whose content is to come. Throws `invalid-input` for a family, group or default that is not there, or as `insertVersion`. */
export async function announceImage(repositories: Repositories, image: NewImage, { principal, kind, importPath, now }: AnnouncedBy): Promise<ImageRecord> {
  await requireThere(repositories, image);
  const { name, familyId, ...about } = image;
  return insertVersion(
    repositories,
    { kind, name, familyId },
    {
      ...about,
      id: newId(now),
      importPath,
      virtualSizeMiB: null,
      state: 'uploading',
      reason: null,
      manifestId: null,
      contentSha256: null,
      contentBytes: null,
      checkPercent: null,
      createdByUserId: principal.userId,
      createdAt: now,
    },
  );
}

/** Throws `invalid-input` for a file over the site's limit, with how much it is over. */
export function requireUploadSize(sizeBytes: number, largestBytes: number): void {
  if (sizeBytes <= largestBytes) return;
  throw new ParavclError(
    'invalid-input',
    `The file has ${sayBytes(sizeBytes)}, ${sayBytes(sizeBytes - largestBytes)} more than the ${sayBytes(largestBytes)} that this site takes at most. Shrink it, or ask an administrator to raise uploads.maxGiB in the master’s configuration.`,
    { field: 'sizeBytes', limit: `at most ${largestBytes} bytes` },
  );
}

/** Throws `invalid-input` for a default or a group that is not there. */
export async function requireThere(repositories: Repositories, { defaultKernelId, defaultRamdiskId, ownerGroupId }: ImageChange): Promise<void> {
  await requireDefault(repositories, defaultKernelId, 'kernel', 'defaultKernelId');
  await requireDefault(repositories, defaultRamdiskId, 'ramdisk', 'defaultRamdiskId');
  if (ownerGroupId != null && (await repositories.groups.find(ownerGroupId)) === null) {
    throw new ParavclError('invalid-input', `There is no group ${ownerGroupId}.`, { field: 'ownerGroupId', limit: 'an existing group' });
  }
}

async function requireDefault(repositories: Repositories, id: string | null | undefined, kind: 'kernel' | 'ramdisk', field: string): Promise<void> {
  if (id == null) return;
  if ((await repositories.images.lockShared(id))?.kind !== kind) {
    throw new ParavclError('invalid-input', `There is no ${kind} ${id}. Upload it first.`, { field, limit: `an existing ${kind}` });
  }
}
