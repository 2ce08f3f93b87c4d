import type { Reservation } from '@paravcl/shared/domain/reservation';
import type { BookingRecord, ReservationRecord } from '../core/reservation-record';

const iso = (at: number): string => new Date(at).toISOString();

/** A reservation as people see it, with how much of it is claimed (the report's total and used cores). */
export function reservationView(reservation: ReservationRecord, bookings: readonly BookingRecord[]): Reservation {
  const { id, state, userId, groupId, imageId, start, end, count, vcpus, ramMiB, diskMiB, bandwidthMbps, priority, moved, seriesId, sentence, createdAt, changedAt } = reservation;
  const claimed = bookings.filter(({ reservationId, instanceId }) => reservationId === id && instanceId !== null).length;
  return {
    id, state, userId, groupId, imageId,
    start: iso(start), end: iso(end),
    count, vcpus, ramMiB, diskMiB, bandwidthMbps,
    used: { count: claimed, vcpus: claimed * vcpus },
    priority,
    moved: moved === null ? null : { ...moved, from: iso(moved.from), to: iso(moved.to) },
    seriesId, sentence,
    createdAt: iso(createdAt), changedAt: iso(changedAt),
  };
}
