import type { EpochMs } from '@paravcl/shared/clock';
import { overlaps, type Window } from './calendar';
import { hourMs } from './local-time';
import { calendarOf } from './packing';
import { reservable, type BookedSlave } from './slave-timeline';
import type { SlaveView } from './snapshot';

/** What is free from the first to the last moment of an hour. */
export interface FreeHour {
  readonly start: EpochMs;
  /** Over all slaves together. */
  readonly freeVcpus: number;
  readonly freeRamMiB: number;
  /** The most that one slave alone has: a machine must fit on one. */
  readonly largestVcpus: number;
  /** Of the free cores: those that best-effort uses now, which gives way to a reservation. */
  readonly lentVcpus: number;
}

export interface Capacity {
  readonly total: { readonly vcpus: number; readonly ramMiB: number };
  readonly hours: readonly FreeHour[];
}

/**
 * How much of the pool a reservation would find in each hour, nobody giving way: by the same calendar that `admit` packs into, so a
 * machine of `largestVcpus` with little else is admitted for that hour. What is free of a slave in an hour is the least that is free at
 * a time, each dimension by itself; a slave without RAM or disk left has no cores to offer. Slaves that are not counted on offer nothing.
 *
 * @param from a whole hour of the site's clock; of an hour that has begun the part from `at` on is asked
 */
export function capacityOf(slaves: readonly SlaveView[], from: EpochMs, hours: number, at: EpochMs): Capacity {
  const taking = slaves.filter(reservable);
  const calendar = calendarOf(taking, at, undefined, { start: Math.max(from, at), end: from + hours * hourMs });
  const pairs = taking.flatMap((view) => {
    const booked = calendar.get(view.id);
    return booked === undefined ? [] : [{ booked, lent: lentOf(view, at) }];
  });
  return {
    total: { vcpus: floorSum(taking.map(({ capacity }) => capacity.vcpus)), ramMiB: floorSum(taking.map(({ capacity }) => capacity.ramMiB)) },
    hours: Array.from({ length: hours }, (_, hour) => freeHour(pairs, from + hour * hourMs, at)),
  };
}

type Lent = Window & { readonly vcpus: number };

function freeHour(pairs: readonly { readonly booked: BookedSlave; readonly lent: readonly Lent[] }[], start: EpochMs, at: EpochMs): FreeHour {
  const window = { start: Math.max(start, at), end: start + hourMs };
  let [freeVcpus, freeRamMiB, largestVcpus, lentVcpus] = [0, 0, 0, 0];
  for (const { booked, lent } of pairs) {
    const free = booked.timeline.freeDuring(window);
    if (free.vcpus < 1 || free.ramMiB < 1 || free.diskMiB < 1) continue;
    const vcpus = Math.floor(free.vcpus);
    freeVcpus += vcpus;
    freeRamMiB += Math.floor(free.ramMiB);
    largestVcpus = Math.max(largestVcpus, vcpus);
    lentVcpus += Math.min(vcpus, lent.filter((one) => overlaps(one, window)).reduce((sum, one) => sum + one.vcpus, 0));
  }
  return { start, freeVcpus, freeRamMiB, largestVcpus, lentVcpus };
}

/** Best-effort that runs now and may be suspended: the calendar leaves it out (`slaveTimeline`). */
function lentOf({ running, bookings }: SlaveView, at: EpochMs): readonly Lent[] {
  const withSlot = new Set(bookings.flatMap(({ instanceId }) => instanceId ?? []));
  return running
    .filter(({ id, type, leaving, sparedUntil }) => type === 'BE' && !leaving && sparedUntil === null && !withSlot.has(id))
    .map(({ need, endsAt }) => ({ start: at, end: endsAt ?? Infinity, vcpus: need.vcpus }));
}

const floorSum = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + Math.floor(amount), 0);
