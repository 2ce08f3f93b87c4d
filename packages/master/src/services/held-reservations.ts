import type { HeldReservation } from '../core/reservation-request';
import { roomFor } from '../core/snapshot';
import { strangerName } from '../repositories/booking-repository';
import type { Repositories } from '../repositories/repositories';
import { rulesOf, type ReservationSettings } from './instance-settings';

/** Every reservation that holds room, with the rules of its owner, who is named as its bookings name them. */
export async function heldReservations(repositories: Repositories, settings: ReservationSettings): Promise<readonly HeldReservation[]> {
  const holding = await repositories.reservations.holding();
  const groups = await repositories.groups.namesOf([...new Set(holding.flatMap(({ groupId }) => groupId ?? []))]);
  return holding.map((reservation) => {
    const { id, state, start, end, count, priority, moved, createdAt, userId, groupId } = reservation;
    const ownerName = groups.get(groupId ?? '') ?? strangerName;
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
