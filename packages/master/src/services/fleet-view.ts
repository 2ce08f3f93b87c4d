import { clockWrong } from '../core/slave-warnings';
import type { SlaveView } from '../core/snapshot';
import type { SlaveUsage } from '../repositories/placement-repository';
import type { SlaveRecord } from '../repositories/slave-record';
import type { SchedulingSettings } from './instance-settings';

type Limits = Pick<SchedulingSettings, 'coreOvercommit' | 'hostRamMiB'>;

/** A slave as the scheduler sees it: what it may be promised in all, and what is promised already. */
export function slaveView(slave: SlaveRecord, usage: SlaveUsage | undefined, connected: boolean, limits: Limits): SlaveView {
  const { describe } = slave;
  return {
    id: slave.id,
    name: slave.name,
    kind: slave.kind,
    admission: slave.admission,
    liveness: slave.liveness,
    connected,
    hypervisor: { usable: describe.hypervisor.usable, why: describe.hypervisor.why },
    troubles: (describe.troubles ?? []).map(({ sentence }) => sentence),
    clockWrong: clockWrong(slave.name, describe.clockOffsetMs),
    capacity: {
      vcpus: Math.floor(describe.cores * limits.coreOvercommit),
      ramMiB: Math.max(0, describe.ramTotalMiB - limits.hostRamMiB),
      diskMiB: describe.poolTotalMiB,
    },
    poolAvailableMiB: describe.poolAvailableMiB,
    promised: {
      vcpus: usage?.vcpus ?? 0,
      ramMiB: usage?.ramMiB ?? 0,
      // Disk and room for the saved RAM of everything that is there, running or not (`roomFor`).
      diskMiB: (usage?.diskMiB ?? 0) + (usage?.saveMiB ?? 0),
    },
  };
}
