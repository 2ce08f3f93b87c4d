import type { EpochMs } from '@paravcl/shared/clock';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { Repositories } from '../repositories/repositories';
import { snapshotContent } from './snapshot-content';

/** Keeps a disk, or RAM, that is in the store as a whole for its instance alone: nobody sees it, and it goes when nothing needs it. */
export async function keepOfInstance(repositories: Repositories, snapshot: Pick<SnapshotRecord, 'userId'>, part: SnapshotPart, now: EpochMs): Promise<void> {
  const { imageId, instanceId, instanceName, what } = part;
  const kind = what === 'ram' ? 'RAM' : 'Disk';
  await repositories.imageContents.insertOfInstance(
    {
      ...snapshotContent(part),
      friendlyId: `EMI-${kind.toUpperCase()}-${imageId.slice(-12).toUpperCase()}`,
      kind: 'disk',
      name: `${kind} of ${instanceName}`,
      description: what === 'ram' ? `The RAM that ${instanceName} was saved with, kept until it goes on with it.` : `The disk of ${instanceName}, kept while it is on no host and for as long as it lies over it.`,
      familyId: imageId,
      version: 1,
      visibility: 'private',
      reason: null,
      defaultKernelId: null,
      defaultRamdiskId: null,
      defaultVcpus: null,
      defaultRamMiB: null,
      kernelArguments: '',
      platformValue: 1,
      ownerGroupId: null,
      createdByUserId: snapshot.userId,
      createdAt: now,
    },
    instanceId,
  );
}
