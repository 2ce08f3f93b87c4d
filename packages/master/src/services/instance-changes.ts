import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { idleSinceAfter } from '../core/aging';
import { deletedName } from '../core/deleted-name';
import { fit } from '../core/say';
import type { InstanceRecord } from '../core/instance-record';
import { operationProgress } from '../core/operation-progress';
import { newStamp } from '../repositories/fleet-repository';
import type { InstanceChange } from '../repositories/instance-repository';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { followHome } from './home-attachment';
import { deadlineAt, type InstanceSettings } from './instance-settings';

export interface ChangeContext {
  /** "user alice", "slave lab-pc-07", "scheduler", "deadline". */
  readonly by: string;
  /** Who asks for a run; absent of what goes on with what was asked before. */
  readonly asker?: Principal;
  readonly now: EpochMs;
  readonly slaveName: string | null;
  readonly settings: Pick<InstanceSettings, 'deadlinesMs'>;
  /** A new wish ends the pending operations with this sentence; otherwise they are carried along. */
  readonly supersede?: string;
  /** See `HomeChange`. */
  readonly neverRan?: boolean;
  /** Slaves that left the pool with something of an instance of which the deletion ends with this change. */
  readonly leftOn?: readonly string[];
}

/**
 * The only way an instance changes after it was made. Keeps these true together, in the caller's
 * transaction: the row changes only if state and generation are still what the caller saw; its history
 * gets a line; the operations that people follow say where it stands. Its owner's home volume goes with it, or back. Null when somebody was faster.
 */
export async function changeInstance(
  repositories: Repositories,
  before: InstanceRecord,
  wish: InstanceChange,
  context: ChangeContext,
): Promise<InstanceRecord | null> {
  const { now } = context;
  const change = wish.reason == null ? wish : { ...wish, reason: { ...wish.reason, sentence: fit(wish.reason.sentence) } };
  const moved = change.observed !== undefined && change.observed !== before.observed;
  const timed: InstanceChange =
    moved && change.observed !== undefined
      ? { progressPercent: null, ...change, changedAt: now, deadlineAt: deadlineAt(change.observed, now, context.settings, before.ramMiB) }
      : change;
  const idleSince = timed.idleSince === undefined ? idleSinceAfter(before, { ...before, ...timed }, now) : timed.idleSince;
  const written: InstanceChange = idleSince === before.idleSince ? timed : { ...timed, idleSince };
  if (!(await repositories.instances.change(before.id, before, written))) return null;
  const after: InstanceRecord = { ...before, ...written };
  if (after.slaveId !== null && takesRoom(before, after)) await repositories.fleet.promise([after.slaveId], newStamp());
  await followHome(repositories, before, after, context);

  const told =
    moved || after.desired !== before.desired || after.slaveId !== before.slaveId || after.generation !== before.generation || after.reason?.code !== before.reason?.code;
  if (told) {
    await repositories.transitions.append({
      instanceId: before.id,
      at: now,
      generation: after.generation,
      desired: after.desired,
      from: before.observed,
      to: after.observed,
      slaveId: after.slaveId ?? before.slaveId,
      reason: after.reason,
      by: context.by,
    });
  }
  if (context.supersede !== undefined) await repositories.operations.supersede(before.id, context.supersede, now);
  else if (after.generation !== before.generation) await repositories.operations.carry(before.id, after.generation);
  const progress = operationProgress({ ...after, name: before.name }, context.slaveName, context.leftOn);
  await repositories.operations.progress(before.id, after.generation, progress.state, progress.sentence, now);
  return after;
}

/** It is promised cores and RAM of its slave with this: who promises from memory has to know. */
const takesRoom = (before: InstanceRecord, after: InstanceRecord): boolean => after.slaveId !== before.slaveId || (after.desired === 'running' && before.desired !== 'running');

/** A new operation of an instance, standing where the instance stands; under the id that was reserved for it, if one was. `leftOn` as of `ChangeContext`. */
export function newOperation(kind: string, instance: InstanceRecord, slaveName: string | null, userId: string, now: EpochMs, reservedId: string | null = null, leftOn: readonly string[] = []): OperationRecord {
  return {
    id: reservedId ?? newId(now),
    kind,
    subjectType: 'instance',
    subjectId: instance.id,
    generation: instance.generation,
    ...operationProgress(instance, slaveName, leftOn),
    userId,
    createdAt: now,
    changedAt: now,
  };
}

/** A deletion under way: the instance as it is now, and who has to be told that nothing of it may remain. */
export interface Deletion {
  readonly instance: InstanceRecord;
  /** To be pushed once the transaction is there; losing them is harmless, since they are owed in the books. */
  readonly tombstones: readonly { readonly slaveId: string; readonly generation: number }[];
  /** Slaves that left the pool with something of it. */
  readonly leftOn: readonly string[];
}

/**
 * What follows when an instance was made to be deleted (`after`, under its new generation): every slave that may have something of
 * it owes the proof that nothing remains; when none does, it is gone at once.
 */
export async function beginDeletion(repositories: Repositories, after: InstanceRecord, context: ChangeContext): Promise<Deletion> {
  const { id, generation } = after;
  for (const { slaveId } of await repositories.placements.unclean(id)) await repositories.placements.clean(id, slaveId, generation, null);
  await repositories.placements.giveUpOnRetired(id, context.now);
  await repositories.bookings.unclaim(id);
  const tombstones = (await repositories.placements.unclean(id)).map(({ slaveId }) => ({ slaveId, generation }));
  const leftOn = await repositories.placements.givenUpOn(id);
  return { instance: tombstones.length > 0 ? after : ((await finishDeletion(repositories, after, { ...context, leftOn })) ?? after), tombstones, leftOn };
}

/**
 * Ends an instance of which nothing remains on any slave of the pool: its address goes back to the pool, and so do what
 * of the network outside led to it and its name: that is kept with digits of the id behind it, so that the history still tells which it was.
 */
async function finishDeletion(repositories: Repositories, instance: InstanceRecord, context: ChangeContext): Promise<InstanceRecord | null> {
  const gone = await changeInstance(
    repositories,
    instance,
    {
      observed: 'deleted',
      observedGeneration: instance.generation,
      reason: null,
      mac: null,
      address: null,
      deletedAt: context.now,
      name: deletedName(instance),
    },
    context,
  );
  if (gone !== null) {
    await repositories.addresses.release(instance.id);
    await repositories.publicMappings.removeOf(instance.id);
  }
  return gone;
}

/**
 * Ends the deletion of an instance that is locked, when no slave owes a proof any more. Call it in the transaction
 * that settles the last of them: between the two nobody would remember that it is still to be done.
 * Says whether the instance is gone.
 */
export async function finishIfClean(repositories: Repositories, instance: InstanceRecord | null, context: ChangeContext): Promise<boolean> {
  if (instance?.desired !== 'deleted') return false;
  if (instance.observed === 'deleted') return true;
  if ((await repositories.placements.unclean(instance.id)).length > 0) return false;
  const leftOn = await repositories.placements.givenUpOn(instance.id);
  return (await finishDeletion(repositories, instance, { ...context, leftOn })) !== null;
}
