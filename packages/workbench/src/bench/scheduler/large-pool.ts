import type { Booking, Room, RunningInstance, SlaveView, WaitingInstance } from '@paravcl/master/core/snapshot';
import { add, noRoom, roomFor } from '@paravcl/master/core/snapshot';
import { priorityOf } from '@paravcl/shared/priority';
import { SeededRandom } from '../../recovery/seeded-random';

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

/** When the bench takes place: a Monday of term, 09:00 UTC. */
export const at = Date.parse('2026-11-23T09:00:00Z');

/** One core and half a GiB: what most of a lab asks for. */
export const smallNeed: Room = roomFor({ vcpus: 1, ramMiB: 512, diskMiB: 2048, bandwidthMbps: null });

export interface LargePool {
  readonly slaves: number;
  /** Guests on each. */
  readonly guests: number;
  /** Slots booked on each, somewhere in the next fortnight. */
  readonly bookings: number;
  /** Cores that are free on each. */
  readonly freeVcpus: number;
}

/** Slaves full of best-effort of any priority, with reservations to come; the same for the same seed. */
export function drawLargePool({ slaves, guests, bookings, freeVcpus }: LargePool, seed: number): readonly SlaveView[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: slaves }, (_, number): SlaveView => {
    const id = `host-${String(number).padStart(5, '0')}`;
    const running = Array.from({ length: guests }, (_guest, guest): RunningInstance => ({
      id: `${id}-${String(guest)}`, name: `${id}-${String(guest)}`, type: 'BE', userId: `user-${String(random.between(0, 699))}`, groupId: null, generation: 2, observed: 'running', need: smallNeed,
      pi: Math.round((6 + random.between(0, 1_999_999) / 1e6) * 1e6) / 1e6, since: at - random.between(0, 3 * hourMs - 1), endsAt: at + minuteMs + random.between(0, 5 * hourMs - 1), leaving: false, sparedUntil: null,
    }));
    const slots = Array.from({ length: bookings }, (_booking, slot): Booking => {
      const start = at + hourMs * (24 + random.between(0, 13 * 24 - 1));
      return { reservationId: `r-${String(number)}-${String(slot)}`, ownerName: 'a course', slot: 1, start, end: start + hourMs * (1 + random.between(0, 3)), need: smallNeed, instanceId: null };
    }).sort((a, b) => a.start - b.start || (a.reservationId < b.reservationId ? -1 : 1));
    return {
      id, name: id, kind: 'dedicated', contributing: false, registeredAt: 0, admission: 'approved', liveness: 'online', connected: true, hypervisor: { usable: true, why: 'KVM ran a guest' },
      troubles: [], clockWrong: null, capacity: { vcpus: guests + freeVcpus, ramMiB: 131_072, diskMiB: 2_000_000, bandwidthMbps: 10_000 }, poolAvailableMiB: 1_900_000,
      promised: running.map(({ need }) => need).reduce(add, noRoom), running, bookings: slots, saveMiBPerSecond: 60 + random.between(0, 99),
    };
  });
}

/** One that asks for a core; stronger than everybody who runs there. */
export function newcomer(number: number): WaitingInstance {
  const id = `newcomer-${String(number)}`;
  return {
    id, name: id, type: 'BE', userId: 'somebody', groupId: null, generation: 1, need: smallNeed, priority: priorityOf({ pfv: 5, ras: true, mon: true, ramMiB: 512, minutes: 60 }),
    createdAt: at, waitsSince: at, runMs: hourMs, attempts: [], boundTo: null, nominatedTo: null, booking: null, spared: false, reason: null,
  };
}

export const fortnightMs = 14 * dayMs;
