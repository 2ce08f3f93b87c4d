import { nextGeneration } from '../core/next-generation';
import { withoutStoredRam, type InstanceRecord } from '../core/instance-record';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { changedUnderLock } from './changed-under-lock';
import { changeInstance, type ChangeContext } from './instance-changes';

export interface Left {
  readonly instance: InstanceRecord;
  /** What its slave is to be told, once the transaction is there; null when it had none. Losing it is harmless: it is owed in the books. */
  readonly tombstone: { readonly slaveId: string; readonly generation: number } | null;
}

/**
 * Takes an instance, which is locked, from its slave: from this transaction on the slave owes the proof that nothing of it
 * remains (of one that left the pool for good it is given up), whenever it is there again, under a generation that is newer than all it ever heard. What the instance is elsewhere
 * is made over `diskImageId`. Its disk has another epoch there, so that nothing old passes for it where something is left.
 */
export async function leaveSlave(repositories: Repositories, instance: InstanceRecord, diskImageId: string, change: InstanceChange, context: ChangeContext): Promise<Left> {
  const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
  if (instance.slaveId !== null) await repositories.placements.clean(instance.id, instance.slaveId, generation, null);
  await repositories.placements.giveUpOnRetired(instance.id, context.now);
  const diskEpoch = Math.max(instance.diskEpoch, instance.observedDiskEpoch) + 1;
  // The tombstone comes first: what is told of the instance next is newer.
  const next = generation + 1;
  const after = await changeInstance(
    repositories,
    instance,
    { slaveId: null, booted: false, generation: next, observedGeneration: next, diskImageId, diskEpoch, observedDiskEpoch: diskEpoch, queuedAt: null, queuedBecause: null, nominatedSlaveId: null, endsAt: null, ...withoutStoredRam, ...change },
    context,
  );
  if (after === null) throw changedUnderLock(instance.id);
  return { instance: after, tombstone: instance.slaveId === null ? null : { slaveId: instance.slaveId, generation } };
}
