import { hourMs } from './local-time';

/** What the longest possible wait of a best-effort request depends on. Of all that may come, too, where it says "any". */
export interface WaitingTerms {
  readonly pi: number;
  /** The highest Pi of any request. */
  readonly mostPi: number;
  readonly agingPerHour: number;
  /** How many wait before it once nobody new can pass it. */
  readonly ahead: number;
  /** The longest any instance runs in one go. */
  readonly longestRunMs: number;
  /** From the end of a run until its room is there and another runs in it: all saves of a host, the loop, the image. */
  readonly turnoverMs: number;
  /** How often one is suspended for others in a day. */
  readonly preemptionsPerDay: number;
}

/** So long newcomers may pass one that waits: until it has risen above all that they can have; without aging, for ever. */
export function passedForMs({ pi, mostPi, agingPerHour }: Pick<WaitingTerms, 'pi' | 'mostPi' | 'agingPerHour'>): number {
  if (mostPi <= pi) return 0;
  return agingPerHour === 0 ? Infinity : ((mostPi - pi) / agingPerHour) * hourMs;
}

/**
 * The longest a best-effort request waits until it runs, if it fits the pool beside the critical limit:
 *
 * 1. After `passedForMs` every newcomer ranks behind it, and so does whoever is suspended from then on: those before it
 *    only become fewer.
 * 2. The first that waits has its earliest start kept, and everything that runs ends: it begins within one longest run
 *    and one turnover. Then the next is first.
 * 3. One that has room and is only prepared may be sent back for a higher Pi, and is first again: at most as often as
 *    allowed in a day, or twice that if midnight comes between; then it is spared.
 *
 * Holds where all runs have an end and are not extended, hosts stay, no reservation takes the room, its launch does not
 * fail and as many longest runs as one may be sent back, and one more, pass within a day.
 */
export function waitingBoundMs(terms: WaitingTerms): number {
  const { ahead, longestRunMs, turnoverMs, preemptionsPerDay } = terms;
  return passedForMs(terms) + (ahead + 1) * (2 * preemptionsPerDay + 1) * (longestRunMs + turnoverMs);
}
