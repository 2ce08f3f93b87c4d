import type { InstanceRecord } from '../core/instance-record';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { Repositories } from '../repositories/repositories';
import { keepOfInstance } from './instance-content';
import { homeLeavesWith } from './home-attachment';
import { leaveSlave } from './leave-slave';
import type { InstanceSettings } from './instance-settings';

/** What of an instance is in the store; `ram` of one that is saved, with the home volume that this has open. */
export interface MovedParts {
  readonly disk: SnapshotPart;
  readonly ram: SnapshotPart | null;
  readonly home: SnapshotPart | null;
}

/** Whether it is as it was when its move was asked for: off or saved where it was, also when its slave fell silent since, and nobody asked for anything. */
export function stillMoves(instance: InstanceRecord | null, snapshot: Pick<SnapshotRecord, 'generation'>, { disk, ram }: { readonly disk: Pick<SnapshotPart, 'slaveId'>; readonly ram: unknown }): instance is InstanceRecord {
  const still = ram === null ? 'stopped' : 'suspended';
  const isStill = instance?.observed === still || (instance?.observed === 'lost' && instance.reason?.code === 'SlaveOffline');
  return isStill && instance.desired === still && instance.queuedAt === null && instance.slaveId === disk.slaveId && instance.generation === snapshot.generation;
}

/**
 * Disk, RAM and the home volume that this has open are in the store as a whole: the instance leaves its slave for them, in this one transaction. Answers what is to be
 * told; when it is not as it was, it stays where it is.
 */
export async function completeMove(repositories: Repositories, snapshot: SnapshotRecord, parts: MovedParts, context: { readonly now: number; readonly slaveName: string; readonly settings: Pick<InstanceSettings, 'deadlinesMs'> }): Promise<{ readonly isMoved: boolean; readonly sentence: string }> {
  const { disk, ram, home } = parts;
  const { slaveName } = context;
  const instance = await repositories.instances.lock(disk.instanceId);
  const stays = (why: string) => ({ isMoved: false, sentence: `${why}, so it stays on ${slaveName}.` });
  if (!stillMoves(instance, snapshot, parts)) return stays(`${disk.instanceName} was asked for something else meanwhile`);
  // Before the instance leaves, which would have it come back by itself.
  if (ram !== null && !(await homeLeavesWith(repositories, instance, ram, home, context.now))) return stays(`The home volume that the RAM of ${disk.instanceName} has open was given up meanwhile`);
  await keepOfInstance(repositories, snapshot, disk, context.now);
  const moved = { ...context, by: 'master' };
  if (ram === null) {
    const sentence = `Its disk left ${slaveName} and is in the store. Start it, and it goes on wherever there is room.`;
    await leaveSlave(repositories, instance, disk.imageId, { observed: 'stopped', reason: { code: 'StoppedByUser', sentence } }, moved);
    return { isMoved: true, sentence: `${instance.name} left ${slaveName}: its disk is in the store, and it starts wherever there is room.` };
  }
  await keepOfInstance(repositories, snapshot, ram, context.now);
  await leaveSlave(repositories, instance, disk.imageId, { observed: 'suspended', reason: null, ramImageId: ram.imageId, ramSavedOn: ram.savedOn }, moved);
  const sentence = `${instance.name} left ${slaveName}: its disk and its RAM are in the store${home === null ? '' : ', and the home volume that this has open'}. Resumed, it goes on with everything open wherever there is room and guests have the same machine and processor.`;
  return { isMoved: true, sentence };
}
