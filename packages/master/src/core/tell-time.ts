import { DateTime } from 'luxon';
import type { EpochMs } from '@paravcl/shared/clock';
import { dayOf, minuteMs, momentsOf, wallAt } from './local-time';
import type { Window } from './calendar';

/**
 * A moment as people are told it: "Tue 14:20"; with its date when it is not within the six days to come, where a
 * weekday says it all: "Tue 8 Dec 14:20"; with its offset when the clock shows that time twice.
 */
export function tellMoment(at: EpochMs, zone: string, now: EpochMs): string {
  return `${tellDay(at, zone, now)} ${tellClock(at, zone)}`;
}

/** "Tue", "Tue 8 Dec" or "Tue 8 Dec 2027". */
export function tellDay(at: EpochMs, zone: string, now: EpochMs): string {
  const days = dayOf(at, zone) - dayOf(now, zone);
  return days >= 0 && days <= 6 ? local(at, zone).toFormat('ccc') : tellDate(at, zone, now);
}

function tellDate(at: EpochMs, zone: string, now: EpochMs): string {
  const sameYear = local(at, zone).year === local(now, zone).year;
  return local(at, zone).toFormat(sameYear ? 'ccc d LLL' : 'ccc d LLL yyyy');
}

/** A moment in what is kept and read on another day too, when a weekday alone would mean another: "Tue 8 Dec 14:20". */
export function tellDatedMoment(at: EpochMs, zone: string, now: EpochMs): string {
  return `${tellDate(at, zone, now)} ${tellClock(at, zone)}`;
}

/** The same for a window: "Tue 8 Dec 14:20 to 16:20". */
export function tellDatedWindow({ start, end }: Window, zone: string, now: EpochMs): string {
  const until = dayOf(end, zone) === dayOf(start, zone) ? tellClock(end, zone) : tellDatedMoment(end, zone, now);
  return `${tellDatedMoment(start, zone, now)} to ${until}`;
}

/** "14:20", or "02:30 (UTC+1)" on the day on which 02:30 comes twice. */
export function tellClock(at: EpochMs, zone: string): string {
  const twice = momentsOf(wallAt(at, zone), zone).length > 1;
  return local(at, zone).toFormat(twice ? "HH:mm '(UTC'Z')'" : 'HH:mm');
}

/** "Tue 14:20 to 16:20"; the day of the end only where it is another. */
export function tellWindow({ start, end }: Window, zone: string, now: EpochMs): string {
  return `${tellMoment(start, zone, now)} to ${tellAfter(end, start, zone, now)}`;
}

/** A moment that is told after `told`: its day is left out when it is the same. */
export function tellAfter(at: EpochMs, told: EpochMs, zone: string, now: EpochMs): string {
  return dayOf(at, zone) === dayOf(told, zone) ? tellClock(at, zone) : tellMoment(at, zone, now);
}

/** Minutes since midnight as a clock shows them: "08:00"; 1440 is "24:00". */
export function tellTimeOfDay(minute: number): string {
  const whole = Math.floor(minute);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}

/** "4 h", "90 min". */
export function tellLength(ms: number): string {
  const minutes = Math.round(ms / minuteMs);
  return minutes % 60 === 0 && minutes > 0 ? `${minutes / 60} h` : `${minutes} min`;
}

function local(at: EpochMs, zone: string): DateTime {
  return DateTime.fromMillis(at, { zone }).setLocale('en-GB');
}
