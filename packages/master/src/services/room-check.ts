import { cores } from '../core/say';
import { subtract } from '../core/snapshot';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';
import { slaveView, type CapacityLimits } from './fleet-view';

/**
 * Locks a slave against other promises until the transaction ends and tells what is missing there for
 * the cores, RAM and bandwidth of one more instance, and for the disk that it takes there beyond what it has (`diskMiB`, its home
 * volume included); null when there is room. The instance must not be counted among what the slave runs yet. What is held for
 * reservations is the plan's business, as is what others have written into the pool's file system: it decided before.
 */
export async function missingRoom(
  repositories: Repositories,
  slaveId: string,
  instance: Pick<InstanceRecord, 'vcpus' | 'ramMiB' | 'bandwidthMbps'>,
  limits: CapacityLimits,
  diskMiB: number,
): Promise<string | null> {
  const slave = await repositories.fleet.lock(slaveId);
  if (slave === null) return 'Its host is gone.';
  const usage = await repositories.placements.usage([slaveId]);
  const { capacity, promised, name } = slaveView(slave, { usage: usage.get(slaveId), connected: true }, limits);
  const free = subtract(capacity, promised);
  if (instance.vcpus > free.vcpus) return `${name} has ${Math.max(0, free.vcpus)} of ${cores(capacity.vcpus)} free and it needs ${instance.vcpus}.`;
  if (instance.ramMiB > free.ramMiB) return `${name} has ${Math.max(0, free.ramMiB)} of ${capacity.ramMiB} MiB of RAM free and it needs ${instance.ramMiB}.`;
  if (diskMiB > 0 && diskMiB > free.diskMiB) return `${name} has ${Math.max(0, free.diskMiB)} of ${capacity.diskMiB} MiB of disk free and it needs ${diskMiB}.`;
  if ((instance.bandwidthMbps ?? 0) > free.bandwidthMbps) return `The link of ${name} has ${Math.max(0, free.bandwidthMbps)} of ${capacity.bandwidthMbps} Mbit/s free and it needs ${instance.bandwidthMbps ?? 0}.`;
  return null;
}
