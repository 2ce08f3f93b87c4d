import type { InstanceRecord } from '../core/instance-record';
import { isDeclaredDead } from '../core/slave-silence';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';

type Recoverable = Pick<InstanceRecord, 'id' | 'booted'>;

/** Of these instances, those that could start elsewhere without their slave: a snapshot of them is kept, or nobody has heard that they ran there, so that the store has all they came with. */
export async function recoverableAmong({ snapshots }: Pick<Repositories, 'snapshots'>, instances: readonly Recoverable[]): Promise<ReadonlySet<string>> {
  const kept = await snapshots.keptAmong(instances.map(({ id }) => id));
  return new Set(instances.flatMap(({ id, booted }) => (!booted || kept.has(id) ? [id] : [])));
}

/** Of these instances, those whose slave was declared dead, or left the pool, and that can be recovered. */
export async function keptElsewhere(repositories: Pick<Repositories, 'snapshots'>, instances: Iterable<InstanceRecord>, slaves: ReadonlyMap<string, SlaveRecord>): Promise<ReadonlySet<string>> {
  const stranded = [...instances].filter(({ slaveId }) => {
    const slave = slaves.get(slaveId ?? '');
    return slave !== undefined && (slave.admission === 'retired' || isDeclaredDead(slave));
  });
  return recoverableAmong(repositories, stranded);
}
