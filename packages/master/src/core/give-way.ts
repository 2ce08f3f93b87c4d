import type { EpochMs } from '@paravcl/shared/clock';
import { comparePi } from '@paravcl/shared/priority';
import { overlaps, type Window } from './calendar';
import { calendarOf, mostFitting, occupy, pack, slotNumbers, vacate, type Calendar, type LeaseOnSlave, type Packed, type Parcel } from './packing';
import type { HeldReservation, Move, ReservationRequest, SlotOnSlave } from './reservation-request';
import { movedWindow } from './reservation-window';
import type { SlaveView } from './snapshot';

export interface RoomMade {
  readonly bookings: readonly SlotOnSlave[];
  readonly moves: readonly Move[];
}

/** A weaker reservation that may give way: where its slots are, and the windows it may be moved to, nearest first. */
interface Weaker {
  readonly reservation: HeldReservation;
  readonly leases: readonly LeaseOnSlave[];
  readonly targets: readonly Window[];
}

/**
 * Makes room for a request that does not fit by moving weaker reservations, each at most once in its life.
 *
 * 1. Who may give way: confirmed, not begun, never moved, of strictly lower Pi, with slots in the request's window, and
 *    with a window within its own rules one step later (or as many as those rules say).
 * 2. In the order of Pi, weakest first, then newest first, then id, they are taken out of the calendar until the request fits.
 * 3. Then each that was taken is put into its nearest window in which it fits beside the request and everybody else.
 *    Whoever fits in none keeps its place and counts no more, and the taking goes on.
 * 4. At last each is put back where it was, in reverse, if the others suffice: nobody moves for nothing.
 *
 * Nobody who was not taken is touched, so moving one never breaks another. Null when room cannot be made.
 */
export function makeRoom(slaves: readonly SlaveView[], held: readonly HeldReservation[], request: ReservationRequest, parcel: Parcel, at: EpochMs): RoomMade | null {
  const weaker = whoMayGiveWay(slaves, held, request, at);
  if (weaker.length === 0) return null;
  const calendar = calendarOf(slaves, at, new Set([request.id]), spanOf([parcel.window, ...weaker.flatMap(({ targets }) => targets)]));
  if (pack(vacate(calendar, weaker.flatMap(({ leases }) => leases)), parcel) === null) return null;
  let taken: readonly Weaker[] = [];
  let without = calendar;
  let fitting = mostFitting(calendar, parcel.window, parcel.need);
  for (const next of weaker) {
    const before = fittingBeside(without, next, parcel);
    taken = [...taken, next];
    without = vacate(without, next.leases);
    fitting += fittingBeside(without, next, parcel) - before;
    // Counting is cheap and packing is not: there is nothing to try before the count is there.
    if (fitting < parcel.slots.length) continue;
    for (let tried = attempt(without, taken, parcel); tried !== null; tried = attempt(without, taken, parcel)) {
      const { stuck } = tried;
      if (stuck.length === 0) return giveBack(without, taken, tried, parcel);
      taken = taken.filter((one) => !stuck.includes(one));
      without = occupy(without, stuck.flatMap(({ leases }) => leases));
    }
    fitting = mostFitting(without, parcel.window, parcel.need);
  }
  return null;
}

/** From the first moment of these windows to the last: whoever is moved may be there before the request begins and after it ends. */
function spanOf(windows: readonly Window[]): Window {
  return { start: Math.min(...windows.map(({ start }) => start)), end: Math.max(...windows.map(({ end }) => end)) };
}

/** How many of the request's VMs fit on the slaves on which this one has its slots. */
function fittingBeside(calendar: Calendar, { leases }: Weaker, { window, need }: Parcel): number {
  const slaves = [...new Set(leases.map(({ slaveId }) => slaveId))].flatMap((id) => calendar.get(id) ?? []);
  return slaves.filter(({ takesNew }) => takesNew).reduce((sum, { timeline }) => sum + timeline.countFitting(window, need), 0);
}

function whoMayGiveWay(slaves: readonly SlaveView[], held: readonly HeldReservation[], request: ReservationRequest, at: EpochMs): readonly Weaker[] {
  const candidates = held.filter(
    ({ id, state, moved, start, end, pi }) => id !== request.id && state === 'confirmed' && !moved && start > at && comparePi(pi, request.pi) < 0 && overlaps({ start, end }, request),
  );
  const leases = leasesOf(slaves, new Set(candidates.map(({ id }) => id)));
  return candidates
    .sort((a, b) => comparePi(a.pi, b.pi) || b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
    .map((reservation) => ({ reservation, leases: leases.get(reservation.id) ?? [], targets: targetsOf(reservation, at) }))
    .filter((weaker) => weaker.leases.length > 0 && weaker.targets.length > 0);
}

function leasesOf(slaves: readonly SlaveView[], ids: ReadonlySet<string>): ReadonlyMap<string, readonly LeaseOnSlave[]> {
  const leases = new Map<string, LeaseOnSlave[]>();
  for (const { id: slaveId, bookings } of slaves) {
    for (const { reservationId, start, end, need } of bookings) {
      if (!ids.has(reservationId)) continue;
      const before = leases.get(reservationId);
      const lease = { slaveId, start, end, need };
      if (before === undefined) leases.set(reservationId, [lease]);
      else before.push(lease);
    }
  }
  return leases;
}

function targetsOf({ rules, start, end }: HeldReservation, at: EpochMs): readonly Window[] {
  const steps = Array.from({ length: rules.moveSteps }, (_, step) => step + 1);
  return steps.flatMap((step) => movedWindow(rules, { start, end }, step, at) ?? []);
}

interface Attempt extends RoomMade {
  /** For these there is no place beside the request. */
  readonly stuck: readonly Weaker[];
}

/** Packs the request where `taken` are out of the calendar, and then them; null when not even the request fits. */
function attempt(without: Calendar, taken: readonly Weaker[], parcel: Parcel): Attempt | null {
  const packed = pack(without, parcel);
  if (packed === null) return null;
  let calendar = packed.calendar;
  const moves: Move[] = [];
  const stuck: Weaker[] = [];
  for (const one of taken) {
    const place = placeOf(calendar, one);
    if (place === null) {
      stuck.push(one);
      continue;
    }
    calendar = place.packed.calendar;
    const { id, ownerName, start, end } = one.reservation;
    moves.push({ reservationId: id, ownerName, from: { start, end }, to: place.window, bookings: place.packed.bookings });
  }
  return { bookings: packed.bookings, moves, stuck };
}

function placeOf(calendar: Calendar, { reservation: { need, count }, targets }: Weaker): { readonly window: Window; readonly packed: Packed } | null {
  for (const window of targets) {
    const packed = pack(calendar, { window, need, slots: slotNumbers(count), fixed: [] });
    if (packed !== null) return { window, packed };
  }
  return null;
}

function giveBack(without: Calendar, taken: readonly Weaker[], made: RoomMade, parcel: Parcel): RoomMade {
  let best = { calendar: without, taken, made };
  for (const one of [...taken].reverse()) {
    const fewer = best.taken.filter((other) => other !== one);
    const calendar = occupy(best.calendar, one.leases);
    const tried = attempt(calendar, fewer, parcel);
    if (tried !== null && tried.stuck.length === 0) best = { calendar, taken: fewer, made: tried };
  }
  return { bookings: best.made.bookings, moves: best.made.moves };
}
