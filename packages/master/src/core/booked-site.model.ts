import type { Admission, HeldReservation, ReservationRequest, SlotOnSlave } from './reservation-request';
import type { ReservationRules } from './reservation-rules';
import type { Window } from './calendar';
import { room } from './small-world.model';
import type { Booking, Snapshot } from './snapshot';

/** A site with its reservations, for tests: what an admission answers is written into it as the service writes it. */
export interface BookedSite {
  readonly world: Snapshot;
  readonly held: readonly HeldReservation[];
}

export const hourMs = 3_600_000;

/** 08:00 to 22:00 UTC, 1 to 4 h by the hour, two weeks ahead. */
export const siteRules: ReservationRules = {
  timeZone: 'UTC', opensAtMinute: 480, closesAtMinute: 1320, latestStartMinute: null, stepMinutes: 60, minMinutes: 60, maxMinutes: 240, firstDay: 0, lastDay: 14, mostOpen: 3, moveSteps: 1,
};

/** So many machines of so many cores (a GiB of RAM and two of disk each) for so many hours. */
export function asking(id: string, count: number, vcpus: number, start: number, hours: number, facts: Partial<ReservationRequest> = {}): ReservationRequest {
  return { id, count, need: room(vcpus), start, end: start + hours * hourMs, pi: 8, rules: siteRules, fixed: [], ...facts };
}

/** The site with what was admitted; as it was, when it was refused. */
export function written(site: BookedSite, request: ReservationRequest, admission: Admission, createdAt: number): BookedSite {
  if (admission.kind === 'refused') return site;
  const { id, start, end, count, need, pi, rules } = request;
  const before = site.held.find((one) => one.id === id);
  const confirmed: HeldReservation = { id, ownerName: before?.ownerName ?? id, state: before?.state ?? 'confirmed', start, end, count, need, pi, moved: before?.moved ?? false, createdAt: before?.createdAt ?? createdAt, rules };
  let after = booked({ ...site, held: [...site.held.filter((one) => one.id !== id), confirmed] }, confirmed, admission.bookings);
  for (const { reservationId, to, bookings } of admission.moves) {
    const held = after.held.map((one) => (one.id === reservationId ? { ...one, ...to, moved: true } : one));
    const moved = held.find((one) => one.id === reservationId);
    if (moved !== undefined) after = booked({ ...after, held }, moved, bookings);
  }
  return after;
}

export function withoutReservation(site: BookedSite, id: string): BookedSite {
  const slaves = site.world.slaves.map((slave) => ({ ...slave, bookings: slave.bookings.filter(({ reservationId }) => reservationId !== id) }));
  return { world: { ...site.world, slaves }, held: site.held.filter((one) => one.id !== id) };
}

function booked(site: BookedSite, { id, ownerName, start, end, need }: HeldReservation, slots: readonly SlotOnSlave[]): BookedSite {
  const slaves = site.world.slaves.map((slave) => {
    const others = slave.bookings.filter(({ reservationId }) => reservationId !== id);
    const own = slots.filter(({ slaveId }) => slaveId === slave.id).map(({ slot }): Booking => ({ reservationId: id, ownerName, slot, start, end, need, instanceId: null }));
    return { ...slave, bookings: [...others, ...own] };
  });
  return { ...site, world: { ...site.world, slaves } };
}

/** What breaks the promise of the calendar: a slave on which more is booked at an instant than it has, in any dimension. */
export function oversubscribed(site: BookedSite): readonly string[] {
  return site.world.slaves.flatMap(({ name, capacity, promised, bookings }) =>
    [...new Set(bookings.map(({ start }) => start))].flatMap((instant) => {
      const there = bookings.filter(({ start, end }) => start <= instant && instant < end).map(({ need }) => need);
      return (['vcpus', 'ramMiB', 'diskMiB', 'bandwidthMbps'] as const)
        .filter((dimension) => there.reduce((sum, need) => sum + need[dimension], dimension === 'diskMiB' ? promised.diskMiB : 0) > capacity[dimension])
        .map((dimension) => `${name} has more ${dimension} booked than it has at ${new Date(instant).toISOString()}`);
    }),
  );
}

/** Whose slots are not as many as it reserved, or not in its window. */
export function halfBooked(site: BookedSite): readonly string[] {
  return site.held
    .filter(({ id, count, start, end }) => {
      const slots = site.world.slaves.flatMap(({ bookings }) => bookings.filter(({ reservationId }) => reservationId === id));
      const numbers = new Set(slots.map(({ slot }) => slot));
      return numbers.size !== count || slots.length !== count || slots.some((slot: Window) => slot.start !== start || slot.end !== end);
    })
    .map(({ id }) => id);
}
