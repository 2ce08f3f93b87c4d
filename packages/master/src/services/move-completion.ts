import type { InstanceRecord } from '../core/instance-record';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { Repositories } from '../repositories/repositories';
import { leaveSlave } from './leave-slave';
import type { InstanceSettings } from './instance-settings';
import { snapshotContent } from './snapshot-content';

/** Whether it is as it was when its move was asked for: off where it was, also when its slave fell silent since, and nobody asked for anything. */
export function stillMoves(instance: InstanceRecord | null, snapshot: Pick<SnapshotRecord, 'generation'>, part: Pick<SnapshotPart, 'slaveId'>): instance is InstanceRecord {
  const isOff = instance?.observed === 'stopped' || (instance?.observed === 'lost' && instance.reason?.code === 'SlaveOffline');
  return isOff && instance.desired === 'stopped' && instance.queuedAt === null && instance.slaveId === part.slaveId && instance.generation === snapshot.generation;
}

/**
 * The disk is in the store as a whole: the instance leaves its slave for it, in this one transaction. Answers what is to be
 * told, or null when it is not as it was, and stays where it is.
 */
export async function completeMove(repositories: Repositories, snapshot: SnapshotRecord, part: SnapshotPart, context: { readonly now: number; readonly slaveName: string; readonly settings: Pick<InstanceSettings, 'deadlinesMs'> }): Promise<string | null> {
  const instance = await repositories.instances.lock(part.instanceId);
  if (!stillMoves(instance, snapshot, part)) return null;
  await keepDisk(repositories, snapshot, part, context.now);
  const sentence = `Its disk left ${context.slaveName} and is in the store. Start it, and it goes on wherever there is room.`;
  await leaveSlave(repositories, instance, part.imageId, { observed: 'stopped', reason: { code: 'StoppedByUser', sentence } }, { ...context, by: 'master' });
  return `${instance.name} left ${context.slaveName}: its disk is in the store, and it starts wherever there is room.`;
}

async function keepDisk(repositories: Repositories, snapshot: SnapshotRecord, part: SnapshotPart, now: number): Promise<void> {
  const { imageId, instanceId, instanceName } = part;
  await repositories.images.insertOfInstance(
    {
      ...snapshotContent(part),
      friendlyId: `EMI-DISK-${imageId.slice(-12).toUpperCase()}`,
      kind: 'disk',
      name: `Disk of ${instanceName}`,
      description: `The disk of ${instanceName}, kept while it is on no slave and for as long as it lies over it.`,
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
