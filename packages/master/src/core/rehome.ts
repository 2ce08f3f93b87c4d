import type { EpochMs } from '@paravcl/shared/clock';
import { comparePi } from '@paravcl/shared/priority';
import type { Window } from './calendar';
import { calendarOf, mostFitting, pack, vacate, type Calendar } from './packing';
import type { HeldReservation } from './reservation-request';
import { reservable } from './slave-timeline';
import type { Booking, Snapshot } from './snapshot';

/** A slot whose slave does not count any more. */
interface Stranded {
  readonly slaveId: string;
  readonly slaveName: string;
  readonly booking: Booking;
}

/** What becomes of one reservation's slots on slaves that do not count any more. */
export interface Rehomed {
  readonly reservation: HeldReservation;
  readonly slots: readonly { readonly slot: number; readonly from: string; readonly fromName: string; readonly to: string }[];
  /** These found no other slave and stay where they are, in case it comes back. */
  readonly atRisk: readonly { readonly slot: number; readonly slaveId: string; readonly slaveName: string }[];
}

/**
 * New slaves for what is booked on slaves that were lost, drained, quarantined or retired, or that cannot run guests:
 * 1. slots that nobody has claimed and whose window is not over; a claimed one's disk is where it is;
 * 2. the reservations in order: highest Pi first, then first come, then id; each gets as many of them placed as fit for
 *    what is left of its window;
 * 3. nobody gives way for them, for who is in the way has done nothing to deserve it.
 */
export function rehome(world: Snapshot, held: readonly HeldReservation[], at: EpochMs): readonly Rehomed[] {
  const stranded = strandedSlots(world, at);
  // As a rule there are none: then nobody needs the calendar of the whole pool.
  if (stranded.size === 0) return [];
  let calendar = calendarOf(world.slaves, at);
  const answers: Rehomed[] = [];
  for (const reservation of [...held].sort((a, b) => comparePi(b.pi, a.pi) || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))) {
    const slots = stranded.get(reservation.id);
    if (slots === undefined) continue;
    const answer = rehomeOne(calendar, reservation, slots, { start: Math.max(reservation.start, at), end: reservation.end });
    calendar = answer.calendar;
    answers.push(answer.rehomed);
  }
  return answers;
}

/** Whether anything is booked on slaves that do not count any more. */
export function anyStranded(world: Snapshot, at: EpochMs): boolean {
  return strandedSlots(world, at).size > 0;
}

function strandedSlots({ slaves }: Snapshot, at: EpochMs): ReadonlyMap<string, readonly Stranded[]> {
  const stranded = new Map<string, Stranded[]>();
  for (const slave of slaves.filter((one) => !reservable(one))) {
    for (const booking of slave.bookings.filter(({ instanceId, end }) => instanceId === null && end > at)) {
      const before = stranded.get(booking.reservationId) ?? [];
      stranded.set(booking.reservationId, [...before, { slaveId: slave.id, slaveName: slave.name, booking }]);
    }
  }
  return stranded;
}

function rehomeOne(calendar: Calendar, reservation: HeldReservation, stranded: readonly Stranded[], window: Window): { readonly calendar: Calendar; readonly rehomed: Rehomed } {
  const { need } = reservation;
  const inOrder = [...stranded].sort((a, b) => a.booking.slot - b.booking.slot);
  const count = mostFitting(calendar, window, need, inOrder.length);
  const going = inOrder.slice(0, count);
  const packed = pack(calendar, { window, need, slots: going.map(({ booking }) => booking.slot), fixed: [] });
  if (packed === null) throw new Error(`${count} slots were counted to fit and do not.`);
  const to = new Map(packed.bookings.map(({ slot, slaveId }) => [slot, slaveId]));
  const leases = going.map(({ slaveId, booking: { start, end, need: taken } }) => ({ slaveId, start, end, need: taken }));
  const slots = going.map(({ slaveId, slaveName, booking: { slot } }) => ({ slot, from: slaveId, fromName: slaveName, to: to.get(slot) ?? slaveId }));
  const atRisk = inOrder.slice(count).map(({ slaveId, slaveName, booking: { slot } }) => ({ slot, slaveId, slaveName }));
  return { calendar: vacate(packed.calendar, leases), rehomed: { reservation, slots, atRisk } };
}
