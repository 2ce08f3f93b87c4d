import type { InstanceRecord } from '../core/instance-record';
import { isDeclaredDead } from '../core/slave-silence';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';

/**
 * Of these instances, those whose slave was declared dead, or left the pool, and that can start elsewhere: a snapshot of them is kept, or nobody has
 * heard that they ran there, so that the store has all they came with.
 */
export async function keptElsewhere({ snapshots }: Pick<Repositories, 'snapshots'>, instances: Iterable<InstanceRecord>, slaves: ReadonlyMap<string, SlaveRecord>): Promise<ReadonlySet<string>> {
  const stranded = [...instances].filter(({ slaveId }) => {
    const slave = slaves.get(slaveId ?? '');
    return slave !== undefined && (slave.admission === 'retired' || isDeclaredDead(slave));
  });
  const kept = await snapshots.keptAmong(stranded.map(({ id }) => id));
  return new Set([...kept, ...stranded.filter(({ booted }) => !booted).map(({ id }) => id)]);
}
