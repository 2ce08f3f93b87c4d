import type { EpochMs } from '@paravcl/shared/clock';
import type { InstanceRecord } from './instance-record';

/** Minutes that a student or teacher may ask for, and what one gets who does not ask. */
export interface MinutesLimits {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** Minutes, or null for an instance without end. `refused` names the limit and the way out. */
export type ChosenMinutes = { readonly kind: 'chosen'; readonly minutes: number | null } | { readonly kind: 'refused'; readonly sentence: string; readonly limit: string };

/**
 * What a wish for time comes to; absent it is the site's default. `free`: operators and administrators
 * may ask for any time and for none.
 */
export function chooseMinutes(wished: number | null | undefined, limits: MinutesLimits, free: boolean): ChosenMinutes {
  if (wished === undefined) return { kind: 'chosen', minutes: limits.default };
  const allowed = free ? wished === null || wished >= 1 : wished !== null && wished >= limits.min && wished <= limits.max;
  if (allowed) return { kind: 'chosen', minutes: wished };
  if (free) return { kind: 'refused', limit: 'at least 1 minute', sentence: `You asked for ${wished} min. Ask for at least 1 min, or for no end.` };
  const limit = `${limits.min} to ${limits.max} minutes`;
  const asked = wished === null ? 'An instance without end is for operators and administrators' : `You asked for ${wished} min`;
  return { kind: 'refused', limit, sentence: `${asked}; you may have ${limits.min} to ${limits.max} min at a time, and more when they are over.` };
}

/** When `minutes` that begin now are over; null when they never are. */
export function endAfter(minutes: number | null, now: EpochMs): EpochMs | null {
  return minutes === null ? null : now + minutes * 60_000;
}

/** Time of an instance that is started or resumed on its slave. */
export interface NewTime {
  readonly minutes: number | null;
  readonly endsAt: EpochMs | null;
}

/** `given` is new time from now on; without, it keeps what is left, or gets its minutes again when none is. */
export function timeOfRun(instance: Pick<InstanceRecord, 'minutes' | 'endsAt'>, given: number | null | undefined, now: EpochMs): NewTime {
  if (given !== undefined) return { minutes: given, endsAt: endAfter(given, now) };
  const { minutes, endsAt } = instance;
  if (minutes === null) return { minutes, endsAt: null };
  return { minutes, endsAt: endsAt !== null && endsAt > now ? endsAt : endAfter(minutes, now) };
}

/**
 * E of an instance whose time is changed (DEFINITIONS, "Priority"): what was asked for in all. Only what the new end adds
 * to what was left counts; time given back does not make it less. `endless` is what no end counts as.
 */
export function requestedInAll(instance: Pick<InstanceRecord, 'requestedMinutes' | 'endsAt'>, time: NewTime, now: EpochMs, endless: number): number {
  if (time.endsAt === null) return time.minutes === null ? endless : Math.max(instance.requestedMinutes, time.minutes);
  const from = Math.max(now, instance.endsAt ?? now);
  return instance.requestedMinutes + Math.max(0, Math.round((time.endsAt - from) / 60_000));
}
