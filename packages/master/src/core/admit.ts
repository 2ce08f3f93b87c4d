import type { EpochMs } from '@paravcl/shared/clock';
import { refusedReason } from './explain-refusal';
import { makeRoom } from './give-way';
import { offersFor } from './offers';
import { calendarOf, mostInEmptyPool, pack, slotNumbers, type Parcel } from './packing';
import type { Admission, HeldReservation, ReservationRequest } from './reservation-request';
import type { Snapshot } from './snapshot';

/**
 * Decides about a request for reserved machines, in a window that the rules allow. Every confirmed reservation has a slave
 * for each of its slots, so what is confirmed is packed; admitting is packing more of it.
 *
 * 1. The calendar is what every slave has taken through time, without the request's own present slots.
 * 2. If every slot finds a slave that has room for the whole window, it is admitted (`pack`).
 * 3. Else weaker reservations that are in the way are moved, each within its own rules and at most once, as few as
 *    suffice (`makeRoom`). Equal priority moves nobody.
 * 4. Else it is refused, with the reason and with what one can have instead (`offersFor`).
 *
 * Only the present and the future are asked: of a window that has begun, the part from `at` on. Equal inputs give equal
 * answers, in whatever order slaves, slots and reservations are listed.
 */
export function admit(world: Snapshot, held: readonly HeldReservation[], request: ReservationRequest, at: EpochMs): Admission {
  const { id, start, end, need, count } = request;
  const fixed = [...request.fixed].sort((a, b) => a.slot - b.slot);
  // One more than the empty pool holds is as impossible as a thousand million, and does not have to be counted through.
  const slots = slotNumbers(Math.min(count, fixed.length + mostInEmptyPool(world.slaves, need, count) + 1));
  const anywhere = slots.filter((slot) => !fixed.some((one) => one.slot === slot));
  const window = { start: Math.max(start, at), end };
  const parcel: Parcel = { window, need, slots: anywhere, fixed };

  // One that holds nothing yet has no slots to leave out.
  const own = new Set(held.flatMap((one) => (one.id === id ? [id] : [])));
  const packed = pack(calendarOf(world.slaves, at, own, window), parcel);
  if (packed !== null) return { kind: 'admitted', bookings: packed.bookings, moves: [] };

  const made = makeRoom(world.slaves, held, request, parcel, at);
  if (made !== null) return { kind: 'admitted', ...made };

  const refused = { world, calendar: calendarOf(world.slaves, at, own), held, request, parcel, at };
  const offers = offersFor(refused);
  return { kind: 'refused', reason: refusedReason(refused, offers), offers };
}
