import type { EpochMs } from '@paravcl/shared/clock';
import type { Window } from './calendar';
import type { Admission, Move, ReservationRequest } from './reservation-request';
import { cores, fit, twoPriorities } from './say';
import type { Snapshot } from './snapshot';
import { tellAfter, tellDatedWindow, tellMoment, tellWindow } from './tell-time';

/** "24 cores (12 machines of 2)"; plain "24 cores" for one machine and for machines of one core. */
export function tellMachines(count: number, vcpusEach: number): string {
  const all = cores(count * vcpusEach);
  return count === 1 || vcpusEach === 1 ? all : `${all} (${count} machines of ${vcpusEach})`;
}

/** "a", "a and b", "a, b and 3 others": three names at most. */
export function listed(names: readonly string[], others: string): string {
  const named = names.length <= 3 ? names : [...names.slice(0, 2), `${names.length - 2} ${others}`];
  return named.length <= 1 ? named.join('') : `${named.slice(0, -1).join(', ')} and ${named.at(-1) ?? ''}`;
}

/**
 * What an admission gives, for who asks beforehand as well as for who is confirmed:
 * "24 cores (12 machines of 2) for CL II, Tue 14:00 to 16:00. The reservation of Lab B gives way and moves from Tue 14:00 to 16:00."
 */
export function admittedSentence(
  request: ReservationRequest,
  ownerName: string,
  { moves }: Extract<Admission, { kind: 'admitted' }>,
  { rules: { timeZone } }: Pick<Snapshot, 'rules'>,
  at: EpochMs,
): string {
  const gives = `${tellMachines(request.count, request.need.vcpus)} for ${ownerName}, ${tellWindow(request, timeZone, at)}.`;
  return fit([gives, ...moves.map((move) => `The reservation of ${move.ownerName} gives way: it ${movesTo(move, timeZone, at)}.`)].join(' '));
}

/** What the owner of a reservation that gave way is told, with the priorities of both. */
export function movedSentence(move: Pick<Move, 'from' | 'to'>, pi: { readonly theirs: number; readonly own: number }, timeZone: string, at: EpochMs): string {
  const [theirs, own] = twoPriorities(pi.theirs, pi.own);
  const to = tellAfter(move.to.start, move.from.start, timeZone, at);
  return `Yours moved from ${tellMoment(move.from.start, timeZone, at)} to ${to}: a request with a higher priority (${theirs} against ${own}) needed the room. Keep ${to}, choose another time, or cancel.`;
}

function movesTo({ from, to }: Move, timeZone: string, at: EpochMs): string {
  return `moves from ${tellMoment(from.start, timeZone, at)} to ${tellAfter(to.start, from.start, timeZone, at)}`;
}

/** What the owner is told when machines of a reservation were booked on other slaves. */
export function replannedSentence(window: Window, slots: number, slaveNames: readonly string[], timeZone: string, at: EpochMs): string {
  const [which, nowOn] = slots === 1 ? ['1 machine', 'it is booked on another'] : [`${slots} machines`, 'they are booked on others'];
  return fit(`${which} of your reservation, ${tellDatedWindow(window, timeZone, at)}, cannot run on ${listed(slaveNames, 'other hosts')} any more: ${nowOn} now. You need not do anything.`);
}

/** What the owner is told once when no other slave has room for them. */
export function atRiskSentence(window: Window, slots: number, count: number, slaveNames: readonly string[], timeZone: string, at: EpochMs): string {
  const which = `${slots} of the ${count} machines reserved for ${tellDatedWindow(window, timeZone, at)}`;
  const names = listed(slaveNames, 'other hosts');
  return fit(
    slots === 1
      ? `${count === 1 ? `The machine reserved for ${tellDatedWindow(window, timeZone, at)}` : which} has no host to run on: ${names} cannot take it any more, and no other has room. It is booked elsewhere by itself as soon as there is room. Choose another time to be sure.`
      : `${which} have no host to run on: ${names} cannot take them any more, and no other has room. They are booked elsewhere by themselves as soon as there is room. Choose another time to be sure.`,
  );
}
