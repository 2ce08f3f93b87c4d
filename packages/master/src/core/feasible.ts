import type { Reason, ReasonCode } from '@paravcl/shared/domain/reasons';
import { freeOf, roomFor, type PoolTotals, type SlaveView, type WaitingInstance } from './snapshot';

/** Why one slave cannot take one instance now. */
export interface Refusal extends Reason {
  /** The slave could take it later by itself: when room comes back or its link does. */
  readonly passing: boolean;
}

type Filter = (slave: SlaveView, instance: WaitingInstance, pool: PoolTotals) => Refusal | null;

const lasting = (code: ReasonCode, sentence: string): Refusal => ({ code, sentence, passing: false });
const passing = (code: ReasonCode, sentence: string): Refusal => ({ code, sentence, passing: true });

const admitted: Filter = ({ admission, name }) => {
  switch (admission) {
    case 'approved':
      return null;
    case 'draining':
      return lasting('SlaveDraining', `${name} is being drained and takes nothing new.`);
    case 'pending':
      return lasting('SlaveNotApproved', `${name} waits for an operator's approval.`);
    case 'quarantined':
      return lasting('SlaveNotApproved', `${name} is quarantined until an operator has looked at it.`);
    case 'retired':
      return lasting('SlaveNotApproved', `${name} has left the pool.`);
  }
};

const hypervisorUsable: Filter = ({ hypervisor, name }) =>
  hypervisor.usable ? null : lasting('HypervisorUnusable', `${name} cannot run guests: ${hypervisor.why}`);

const notTried: Filter = (slave, instance) => {
  const attempt = instance.attempts.find(({ slaveId }) => slaveId === slave.id);
  if (attempt === undefined) return null;
  return lasting('AlreadyTried', attempt.sentence ?? `${slave.name} was tried and is still being cleaned up.`);
};

const largeEnough: Filter = (slave, instance) => {
  const need = roomFor(instance);
  const { capacity, name } = slave;
  if (need.vcpus > capacity.vcpus) return lasting('NoSlaveFits', `${name} has ${cores(capacity.vcpus)} in all.`);
  if (need.ramMiB > capacity.ramMiB) return lasting('NoSlaveFits', `${name} has ${capacity.ramMiB} MiB of RAM for guests in all.`);
  if (need.diskMiB > capacity.diskMiB) return lasting('NoSlaveFits', `${name} has ${capacity.diskMiB} MiB of disk for guests in all.`);
  return null;
};

const reachable: Filter = ({ liveness, connected, name }) => {
  if (liveness === 'lost') return lasting('SlaveOffline', `${name} is offline.`);
  return liveness === 'online' && connected ? null : passing('SlaveOffline', `${name} does not answer at the moment.`);
};

const untroubled: Filter = ({ name, troubles: [first] }) => (first === undefined ? null : passing('SlaveTroubled', `${name} takes nothing new at the moment: ${first}`));

const keepsTime: Filter = (slave, instance) => (slave.clockWrong === null || !instance.hasEnd ? null : passing('ClockWrong', slave.clockWrong));

const coresFree: Filter = (slave, instance) => {
  const free = Math.max(0, freeOf(slave).vcpus);
  return instance.vcpus <= free ? null : passing('NotEnoughCores', `${slave.name} has ${free} of ${cores(slave.capacity.vcpus)} free.`);
};

const ramFree: Filter = (slave, instance) => {
  const free = Math.max(0, freeOf(slave).ramMiB);
  return instance.ramMiB <= free ? null : passing('NotEnoughRam', `${slave.name} has ${free} of ${slave.capacity.ramMiB} MiB of RAM free.`);
};

const diskFree: Filter = (slave, instance) => {
  const free = Math.max(0, freeOf(slave).diskMiB);
  const { diskMiB } = roomFor(instance);
  return diskMiB <= free ? null : passing('NotEnoughDisk', `${slave.name} has ${free} MiB of disk free, and disk and saved RAM need ${diskMiB} MiB.`);
};

const aboveCriticalLimit: Filter = (_slave, instance, pool) => {
  if (pool.freeVcpus - instance.vcpus < pool.keptVcpus) {
    return passing('CriticalLimit', `${cores(pool.keptVcpus)} of the pool's ${pool.vcpus} are always kept free; ${pool.freeVcpus} are free now.`);
  }
  if (pool.freeRamMiB - instance.ramMiB < pool.keptRamMiB) {
    return passing('CriticalLimit', `${pool.keptRamMiB} MiB of the pool's RAM are always kept free; ${pool.freeRamMiB} MiB are free now.`);
  }
  return null;
};

/** In this order: what lasts before what passes, so that the first refusal of a slave is its true one. */
const filters: readonly Filter[] = [
  admitted,
  hypervisorUsable,
  notTried,
  largeEnough,
  reachable,
  untroubled,
  keepsTime,
  coresFree,
  ramFree,
  diskFree,
  aboveCriticalLimit,
];

/** The first reason why this slave cannot take this instance now; null when it can. */
export function refusal(slave: SlaveView, instance: WaitingInstance, pool: PoolTotals): Refusal | null {
  for (const filter of filters) {
    const refused = filter(slave, instance, pool);
    if (refused !== null) return refused;
  }
  return null;
}

export function cores(count: number): string {
  return count === 1 ? '1 core' : `${count} cores`;
}
