import { freeOf } from '../core/snapshot';
import { cores } from '../core/say';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';
import { slaveView } from './fleet-view';
import type { SchedulingSettings } from './instance-settings';

/**
 * Locks a slave against other promises until the transaction ends and tells what is missing there for
 * the cores and RAM of one more instance; null when there is room. The instance must not be counted
 * among what the slave runs yet.
 */
export async function missingRoom(
  repositories: Repositories,
  slaveId: string,
  instance: Pick<InstanceRecord, 'vcpus' | 'ramMiB'>,
  settings: Pick<SchedulingSettings, 'coreOvercommit' | 'hostRamMiB'>,
): Promise<string | null> {
  const slave = await repositories.fleet.lock(slaveId);
  if (slave === null) return 'Its slave is gone.';
  const usage = await repositories.placements.usage(slaveId);
  const view = slaveView(slave, usage.get(slaveId), true, settings);
  const free = freeOf(view);
  if (instance.vcpus > free.vcpus) return `${slave.name} has ${Math.max(0, free.vcpus)} of ${cores(view.capacity.vcpus)} free and it needs ${instance.vcpus}.`;
  if (instance.ramMiB > free.ramMiB) return `${slave.name} has ${Math.max(0, free.ramMiB)} of ${view.capacity.ramMiB} MiB of RAM free and it needs ${instance.ramMiB}.`;
  return null;
}
