import type { EpochMs } from '@paravcl/shared/clock';
import type { ReservationRecord } from './reservation-record';
import { tellDatedMoment, tellDatedWindow, tellMoment } from './tell-time';

type Standing = Pick<ReservationRecord, 'state' | 'start' | 'end' | 'count' | 'moved'>;

export function machines(count: number): string {
  return count === 1 ? '1 machine' : `${count} machines`;
}

/** Where a reservation stands, in a sentence that is kept: dated, since it is read on another day too. */
export function standingSentence(reservation: Standing, ownerName: string, timeZone: string, now: EpochMs): string {
  const { state, start, end, count, moved } = reservation;
  const moment = (at: EpochMs): string => tellDatedMoment(at, timeZone, now);
  const what = `${machines(count)} for ${ownerName}, ${tellDatedWindow(reservation, timeZone, now)}`;
  switch (state) {
    case 'confirmed':
      if (moved === null) return `${what}.`;
      // Its people chose another time since: where it was moved from and to is of the past.
      if (start !== moved.to) return `${what}. It gave way once, and is not moved again.`;
      return `${what}: moved from ${moment(moved.from)}, because a request with a higher priority needed the room. It is not moved again.`;
    case 'active':
      return `Open until ${moment(end)}: ${machines(count)} for ${ownerName} to claim.`;
    case 'no-show':
      return `None of its machines is claimed, so its room is lent. Whoever claims before ${moment(end)} still gets it.`;
    case 'released':
      return `Given back at ${moment(now)}, before its end. It was ${what}.`;
    case 'expired':
      return `Over. It was ${what}.`;
    case 'cancelled':
      return `Taken back at ${moment(now)}, before it began. It was ${what}.`;
    case 'requested':
    case 'refused':
      return `Not granted: ${what}.`;
  }
}

/** Where one stands that would not have all its machines if it began now; `why` is what its people were told. */
export function atRiskStanding(why: string): string {
  return `At risk: ${why}`;
}

/** "CL II has 12 machines until 13:00; 3 are taken. Start one, or resume i-ubuntu-9af." Fewer than all are claimed. */
export function claimableSentence(reservation: Pick<ReservationRecord, 'end' | 'count'>, ownerName: string, claimed: number, resumable: readonly string[], timeZone: string, now: EpochMs): string {
  const taken = claimed === 0 ? 'none is taken' : claimed === 1 ? '1 is taken' : `${claimed} are taken`;
  const way = resumable.length === 0 ? 'Start one.' : `Start one, or resume ${resumable.join(' or ')}.`;
  return `${ownerName} has ${machines(reservation.count)} until ${tellMoment(reservation.end, timeZone, now)}; ${taken}. ${way}`;
}
