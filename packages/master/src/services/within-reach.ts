import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import { outOfReach } from '../core/out-of-reach';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { recoverableAmong } from './kept-elsewhere';

/** Throws `conflict` with the way out for an instance whose slave left the pool for good: nobody would ever do there what is asked of it. */
export async function requireWithinReach(repositories: Pick<Repositories, 'snapshots'>, instance: InstanceRecord, slave: Pick<SlaveRecord, 'name' | 'admission'> | null): Promise<void> {
  if (slave?.admission !== 'retired' || instance.desired === 'deleted') return;
  const isKept = (await recoverableAmong(repositories, [instance])).has(instance.id);
  throw new ParavclError('conflict', outOfReach(instance, slave.name, isKept).sentence);
}
