import type { Reservation, ReservationState } from '@paravcl/shared/domain/reservation';

const holding: readonly ReservationState[] = ['confirmed', 'active', 'no-show'];

type Listed = Pick<Reservation, 'id' | 'state' | 'start' | 'end'>;

/** What holds its room now or later, the nearest first; and what is over or was given back, the latest first. Each once. */
export function inOrder<One extends Listed>(reservations: readonly One[], now: number): { readonly ahead: readonly One[]; readonly over: readonly One[] } {
  const each = [...new Map(reservations.map((one) => [one.id, one])).values()];
  const isAhead = ({ state, end }: Listed): boolean => holding.includes(state) && Date.parse(end) > now;
  const byStart = (a: One, b: One): number => a.start.localeCompare(b.start) || a.id.localeCompare(b.id);
  return { ahead: each.filter(isAhead).sort(byStart), over: each.filter((one) => !isAhead(one)).sort((a, b) => byStart(b, a)) };
}
