import type { HeldReservation } from '../core/reservation-request';
import { roomFor } from '../core/snapshot';
import type { HeldBooking } from '../repositories/booking-repository';
import type { Repositories } from '../repositories/repositories';
import { rulesOf, type ReservationSettings } from './instance-settings';

/** Every reservation that holds room, with the rules of its owner; `bookings` were read in the same transaction. */
export async function heldReservations(repositories: Repositories, bookings: readonly HeldBooking[], settings: ReservationSettings): Promise<readonly HeldReservation[]> {
  const ownerNames = new Map(bookings.map(({ reservationId, ownerName }) => [reservationId, ownerName]));
  return (await repositories.reservations.holding()).map((reservation) => {
    const { id, state, start, end, count, priority, moved, createdAt, userId, groupId } = reservation;
    const ownerName = ownerNames.get(id) ?? '';
    return {
      id, ownerName, userId: groupId === null ? userId : undefined, state, start, end, count, createdAt,
      need: roomFor(reservation),
      pi: priority.pi,
      moved: moved !== null,
      // A group's reservations go by its name.
      rules: rulesOf(groupId === null ? null : ownerName, settings),
    };
  });
}
