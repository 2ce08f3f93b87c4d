import type { Reservation, ReservationState } from '@paravcl/shared/domain/reservation';
import type { Role } from '@paravcl/shared/domain/people';

export type ReservationAction = 'claim' | 'accept' | 'reschedule' | 'extend' | 'cancel' | 'cancel-series' | 'release';

export interface Who {
  readonly userId: string;
  readonly role: Role;
  /** Groups that they own as a teacher. */
  readonly ownedGroupIds: readonly string[];
}

type Asked = Pick<Reservation, 'id' | 'state' | 'userId' | 'groupId' | 'start' | 'end' | 'moved' | 'seriesId'>;

const holding: readonly ReservationState[] = ['confirmed', 'active', 'no-show'];

/** Who made it, the teacher of its group, and those who run the site; the master decides. */
export function mayOperate({ userId, groupId }: Pick<Reservation, 'userId' | 'groupId'>, who: Who): boolean {
  return userId === who.userId || who.role === 'operator' || who.role === 'admin' || (groupId !== null && who.ownedGroupIds.includes(groupId));
}

/** Whether its people still have to say what they think of its new time. */
export function isMovedAnew({ state, moved, start }: Pick<Reservation, 'state' | 'moved' | 'start'>, now: number): boolean {
  return moved !== null && !moved.accepted && state === 'confirmed' && Date.parse(start) > now && moved.to === start;
}

/** What can be done with a reservation now, the nearest first. */
export function actionsOf(reservation: Asked, who: Who, claimable: ReadonlySet<string>, now: number): readonly ReservationAction[] {
  const { id, state, seriesId } = reservation;
  const begun = Date.parse(reservation.start) <= now;
  const over = Date.parse(reservation.end) <= now || !holding.includes(state);
  const actions: ReservationAction[] = claimable.has(id) ? ['claim'] : [];
  if (over || !mayOperate(reservation, who)) return actions;
  if (isMovedAnew(reservation, now)) actions.push('accept');
  if (!begun) actions.push('reschedule');
  actions.push('extend');
  if (begun) actions.push('release');
  else actions.push('cancel', ...(seriesId === null ? [] : ['cancel-series' as const]));
  return actions;
}
