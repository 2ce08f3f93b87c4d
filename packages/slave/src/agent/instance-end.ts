import type { EpochMs } from '@paravcl/shared/clock';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import type { Marks } from './marks';

/** The host's clocks at one moment. */
export interface HostTime {
  readonly utcMs: EpochMs;
  /** Since the boot of the host, its sleep included; nobody can set it. */
  readonly uptimeMs: number;
  readonly hostBootId: string;
}

/** An end, and the host's clocks when it was first told in this boot of the host. */
export interface ToldEnd extends HostTime {
  /** As the order had it. */
  readonly endsAt: string;
}

/** The end of an instance's time as the journal keeps it. */
export interface KnownEnd {
  readonly desired: DesiredInstance | null;
  /** Null in a journal of an agent that did not note it. */
  readonly told: HostTime | null;
  readonly marks: Marks;
}

/** A machine may sleep, and timers do not count sleep: nobody waits longer than this before looking at an end again. */
export const lookAgainMs = 1000;

/**
 * Until the end of an instance's time; negative when it is over.
 *
 * In the boot of the host in which the end was told the clock since boot decides: it counts sleep, and whoever
 * sets the wall clock afterwards moves nothing. After a reboot only the wall clock (UTC) is left.
 */
export function timeLeftMs(endsAtMs: EpochMs, told: HostTime | null, now: HostTime): number {
  if (told === null || told.hostBootId !== now.hostBootId) return endsAtMs - now.utcMs;
  return told.uptimeMs + (endsAtMs - told.utcMs) - now.uptimeMs;
}

/**
 * What to keep of the moment in which an order tells an end. An end that was told before in this boot was judged by
 * the wall clock then, and is not judged anew: the clock may have been set wrong meanwhile, and a plain resume
 * must not take the time away that is left. Orders without an end of their own, as a suspension, keep what is known.
 */
export function toldEnd(desired: DesiredInstance, earlier: ToldEnd | null, now: HostTime): ToldEnd | null {
  if (desired.desired === 'deleted') return null;
  if (desired.desired !== 'running') return earlier;
  if (desired.endsAt === undefined || desired.endsAt === null) return null;
  return earlier?.endsAt === desired.endsAt && earlier.hostBootId === now.hostBootId ? earlier : { endsAt: desired.endsAt, ...now };
}

/** What the end of its time means for an instance now. */
export interface InstanceEnd {
  /** It should run and its time is over: it is treated as if it should be suspended. */
  readonly over: boolean;
  /** Its end was found over before, under this generation, and that is in the journal. */
  readonly noted: boolean;
  /** When to look again; null when nothing can change but by a new order. */
  readonly lookInMs: number | null;
}

const endless: InstanceEnd = { over: false, noted: false, lookInMs: null };

/**
 * Judges the end of an instance's time. Once it was noted as over it stays over under that generation, whatever
 * the clocks say later: the master may have been told, and a guest must not begin to run again by itself. A newer
 * generation, be it more time or another wish, is judged afresh.
 */
export function instanceEnd({ desired, told, marks }: KnownEnd, now: HostTime): InstanceEnd {
  if (desired?.desired !== 'running' || desired.endsAt === undefined || desired.endsAt === null) return endless;
  if (marks.timeEnded?.generation === desired.generation) return { over: true, noted: true, lookInMs: null };
  const leftMs = timeLeftMs(Date.parse(desired.endsAt), told, now);
  return { over: leftMs <= 0, noted: false, lookInMs: leftMs <= 0 ? lookAgainMs : Math.max(1, Math.min(lookAgainMs, leftMs)) };
}
