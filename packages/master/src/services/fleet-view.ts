import { takesNew, type Describe } from '@paravcl/shared/domain/slave';
import { savedOnOf } from '../core/saved-ram';
import { unmeasuredSaveMiBPerSecond } from '../core/save-time';
import { clockWrong } from '../core/slave-warnings';
import { noRoom, type Booking, type Room, type RunningInstance, type SlaveView } from '../core/snapshot';
import type { SlaveUsage } from '../repositories/placement-repository';
import type { SlaveRecord } from '../repositories/slave-record';
import type { SchedulingSettings } from './instance-settings';

export type CapacityLimits = Pick<SchedulingSettings, 'coreOvercommit' | 'hostRamMiB'>;

/** What else is known of a slave beside its own row; what is left out is nothing. */
export interface AboutSlave {
  readonly usage?: SlaveUsage | undefined;
  readonly connected: boolean;
  /** Of its agent; absent: nobody knows now. */
  readonly protocol?: number | null;
  readonly contributing?: boolean;
  readonly running?: readonly RunningInstance[];
  readonly bookings?: readonly Booking[];
  readonly saveMiBPerSecond?: number | undefined;
}

/** A link whose speed the host does not tell bounds nothing. */
export const unknownLinkMbps = 1_000_000;

/** A slave as the scheduler sees it: what it may be promised in all, and what is promised already. */
export function slaveView(slave: SlaveRecord, about: AboutSlave, limits: CapacityLimits): SlaveView {
  const { describe } = slave;
  return {
    id: slave.id,
    name: slave.name,
    kind: slave.kind,
    contributing: about.contributing ?? false,
    registeredAt: slave.createdAt,
    admission: slave.admission,
    liveness: slave.liveness,
    connected: about.connected,
    hypervisor: { usable: describe.hypervisor.usable, why: describe.hypervisor.why },
    savesRam: { on: savedOnOf(describe), protocol: about.protocol ?? null },
    troubles: (describe.troubles ?? []).flatMap(({ code, sentence }) => (takesNew[code] === true ? [] : [sentence])),
    clockWrong: clockWrong(slave.name, describe.clockOffsetMs),
    capacity: {
      ...lentBy(describe, limits),
      diskMiB: describe.poolTotalMiB,
      bandwidthMbps: linkMbps(slave),
      speed: speedOf(slave),
    },
    poolAvailableMiB: describe.poolAvailableMiB,
    promised: promisedRoom(about.usage),
    running: about.running ?? [],
    bookings: about.bookings ?? [],
    saveMiBPerSecond: about.saveMiBPerSecond ?? unmeasuredSaveMiBPerSecond,
  };
}

/** Cores and RAM that a host lends to guests. */
export function lentBy({ cores, ramTotalMiB }: Pick<Describe, 'cores' | 'ramTotalMiB'>, { coreOvercommit, hostRamMiB }: CapacityLimits): Pick<Room, 'vcpus' | 'ramMiB'> {
  return { vcpus: Math.floor(cores * coreOvercommit), ramMiB: Math.max(0, ramTotalMiB - hostRamMiB) };
}

/** Disk counts with room for the saved RAM of everything that is there, running or not (`roomFor`). */
function promisedRoom(usage: SlaveUsage | undefined): Room {
  if (usage === undefined) return noRoom;
  const { vcpus, ramMiB, diskMiB, saveMiB, bandwidthMbps } = usage;
  return { vcpus, ramMiB, diskMiB: diskMiB + saveMiB, bandwidthMbps };
}

/** Of one core: what somebody set, else what its agent measured. */
export function speedOf({ speed, describe }: Pick<SlaveRecord, 'speed' | 'describe'>): number {
  return speed ?? describe.relativeSpeed;
}

/** Its fastest physical link: guests leave by one. */
function linkMbps({ describe }: SlaveRecord): number {
  const speeds = describe.interfaces.flatMap(({ physical, linkSpeedMbps }) => (physical && linkSpeedMbps !== null && linkSpeedMbps > 0 ? [linkSpeedMbps] : []));
  return speeds.length === 0 ? unknownLinkMbps : Math.max(...speeds);
}
