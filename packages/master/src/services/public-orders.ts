import { abandoned, type InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import type { PublicMappingRecord } from '../repositories/public-mapping-repository';
import type { Repositories } from '../repositories/repositories';
import { changedUnderLock } from './changed-under-lock';
import { changeInstance, type ChangeContext } from './instance-changes';

type Context = Pick<ChangeContext, 'by' | 'now' | 'settings'>;

/** It failed, or its guest is gone: a new order would have its slave try again, which nobody asked for. */
export function hasNothingToTell(instance: Pick<InstanceRecord, 'observed' | 'reason' | 'generation' | 'observedGeneration'>): boolean {
  return instance.observed === 'failed' || abandoned(instance);
}

/** A new generation for a locked instance, so that its slave is told what leads to it; what is on none is told at its placement. Push it after the commit. */
export async function tellAnew(repositories: Repositories, instance: InstanceRecord, context: Context): Promise<InstanceRecord> {
  if (instance.slaveId === null || hasNothingToTell(instance)) return instance;
  const slave = await repositories.slaves.find(instance.slaveId);
  const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
  const after = await changeInstance(repositories, instance, { generation }, { ...context, slaveName: slave?.name ?? null });
  // The row is locked, so nobody can have been faster.
  if (after === null) throw changedUnderLock(instance.id);
  return after;
}

/** Takes mappings of a locked instance back: they are free at once where no slave has them, else when it has answered. */
export async function takeBack(repositories: Repositories, instance: InstanceRecord, records: readonly PublicMappingRecord[], context: Context): Promise<InstanceRecord> {
  const after = await tellAnew(repositories, instance, context);
  for (const record of records) await (after.generation === instance.generation ? repositories.publicMappings.remove(record) : repositories.publicMappings.leave(record, after.generation));
  return after;
}
