import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import type { BookingRecord, ReservationRecord } from '../core/reservation-record';
import type { Repositories } from '../repositories/repositories';
import type { Written } from './reservation-admission';
import { movesView } from './reservation-decision';

const iso = (at: number): string => new Date(at).toISOString();

/** A reservation as people see it, with how much of it is claimed (the report's total and used cores). */
export function reservationView(reservation: ReservationRecord, bookings: readonly BookingRecord[]): Reservation {
  const { id, state, userId, groupId, imageId, start, end, count, vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed, priority, moved, seriesId, sentence, createdAt, changedAt } = reservation;
  const claimed = bookings.filter(({ reservationId, instanceId }) => reservationId === id && instanceId !== null).length;
  return {
    id, state, userId, groupId, imageId,
    start: iso(start), end: iso(end),
    count, vcpus, ramMiB, diskMiB, bandwidthMbps, ...(minSpeed == null ? {} : { minSpeed }),
    used: { count: claimed, vcpus: claimed * vcpus },
    priority,
    moved: moved === null ? null : { ...moved, from: iso(moved.from), to: iso(moved.to) },
    seriesId, sentence,
    createdAt: iso(createdAt), changedAt: iso(changedAt),
  };
}

/** The same with its slots as they are in the books now. */
export async function viewOf(repositories: Repositories, reservation: ReservationRecord): Promise<Reservation> {
  return reservationView(reservation, await repositories.bookings.ofReservations([reservation.id]));
}

/** What an admitted request is answered; `all` that was written with it made others give way. */
export function writtenAnswer({ reservation, sentence, decisionId }: Written, all: readonly Written[], bookings: readonly BookingRecord[]): ReservationAnswer {
  return {
    reservation: reservationView(reservation, bookings), admitted: true, sentence, priority: reservation.priority,
    moves: all.flatMap(({ moves }) => movesView({ kind: 'admitted', bookings: [], moves })), offers: [], series: [], pledge: null, decisionId,
  };
}

/** The answer to what was admitted before and is asked again, since the first one may have been lost: what the books say of it. */
export async function earlierAnswer(repositories: Repositories, reservation: ReservationRecord, later: ReservationAnswer['series'] = []): Promise<ReservationAnswer> {
  const decision = (await repositories.decisions.page({ subjectId: reservation.id, limit: 1 })).items[0];
  return {
    reservation: await viewOf(repositories, reservation), admitted: true, sentence: decision?.kind === 'reserve' ? decision.sentence : reservation.sentence,
    priority: reservation.priority, moves: [], offers: [], series: [...later], pledge: null, decisionId: decision?.id ?? null,
  };
}
