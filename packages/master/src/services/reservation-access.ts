import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { ReservationRecord } from '../core/reservation-record';
import { authorise, may, type Subject } from './policy';

/** A reservation belongs to whoever asked for it; the teacher of its group operates it, its members see it and claim. */
const asSubject = ({ userId, groupId }: Pick<ReservationRecord, 'userId' | 'groupId'>): Subject => ({ ownerUserId: userId, groupId, sharedWithGroupId: groupId });

const named = (id: string): string => `reservation ${id}`;

/** Throws `not-found` for a reservation that is not the principal's to see. */
export function requireSee(principal: Principal, reservation: ReservationRecord): void {
  authorise(principal, 'reservation.see', 'reservation.see', asSubject(reservation), named(reservation.id));
}

/** Throws `not-found`, or `forbidden` for a member, who may only claim. */
export function requireOperate(principal: Principal, reservation: ReservationRecord): void {
  requireSee(principal, reservation);
  if (may(principal, 'reservation.operate', asSubject(reservation))) return;
  throw new ParavclError('forbidden', 'Members claim from their group’s reservation. To change it, ask whoever made it, the group’s teacher or an operator.');
}

/** Throws `not-found`, or `forbidden` for those who see every reservation but for whom this one is not. */
export function requireClaim(principal: Principal, reservation: ReservationRecord): void {
  requireSee(principal, reservation);
  if (may(principal, 'reservation.claim', asSubject(reservation))) return;
  throw new ParavclError('forbidden', 'This is reserved for others: whoever made it and the members of its group claim from it. Join the group, or launch an instance without it.');
}

/** Whoever would see what is reserved for a group may reserve for it: its members, its teacher, operators, administrators. */
export function mayReserveFor(principal: Principal, groupId: string): boolean {
  return may(principal, 'reservation.see', { ownerUserId: null, groupId, sharedWithGroupId: groupId });
}

export function missingReservation(id: string): ParavclError {
  return new ParavclError('not-found', `There is no ${named(id)}, or it is not yours to see.`);
}
