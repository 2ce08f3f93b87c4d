import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { AgingPolicy } from '../core/aging';
import type { InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import { inBinSentence } from '../core/recycle-bin';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { changedUnderLock } from './changed-under-lock';
import { changeInstance, type ChangeContext } from './instance-changes';

/** Throws `conflict` with the way out for an instance that is in the recycle bin: nothing runs from there. */
export function requireOutOfBin(instance: InstanceRecord, timeZone: string, now: EpochMs): void {
  const sentence = inBinSentence(instance, timeZone, now);
  if (sentence !== null) throw new ParavclError('conflict', sentence);
}

/**
 * Puts a locked instance that lies unused into the recycle bin, or begins its time there anew. Its disk, name, MAC and address stay.
 * One that failed and should run is off from now on, so that its slave does not begin it again: push it when its generation rose.
 */
export async function putIntoBin(repositories: Repositories, instance: InstanceRecord, { recycleMs }: Pick<AgingPolicy, 'recycleMs'>, context: ChangeContext): Promise<InstanceRecord> {
  const { now } = context;
  const off: InstanceChange =
    instance.desired === 'running' ? { desired: 'stopped', stopForced: false, generation: nextGeneration(instance, await repositories.placements.ofInstance(instance.id)) } : {};
  const recycleUntil = recycleMs === null ? null : now + recycleMs;
  const after = await changeInstance(repositories, instance, { ...off, recycledAt: now, recycleUntil, agingNoticedAt: now }, context);
  // The row is locked, so nobody can have been faster.
  if (after === null) throw changedUnderLock(instance.id);
  return after;
}

/** Takes a locked instance out of the recycle bin, as it went in; its age begins anew. */
export async function takeOutOfBin(repositories: Repositories, instance: InstanceRecord, context: ChangeContext): Promise<InstanceRecord> {
  const after = await changeInstance(repositories, instance, { recycledAt: null, recycleUntil: null, agingNoticedAt: null, idleSince: context.now }, context);
  if (after === null) throw changedUnderLock(instance.id);
  return after;
}
