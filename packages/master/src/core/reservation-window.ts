import type { EpochMs } from '@paravcl/shared/clock';
import type { Window } from './calendar';
import { dayMs, dayOf, minuteMs, minuteOfDay, momentsOf, steadyOffsetMs, wallAt } from './local-time';
import type { ReservationRules } from './reservation-rules';
import { tellDay, tellLength, tellMoment, tellTimeOfDay, tellWindow } from './tell-time';

/** What is wrong with a window: the field of the request, the limit, and a sentence with the way out. */
export interface WindowFault {
  readonly field: 'start' | 'end';
  readonly limit: string;
  readonly sentence: string;
}

type Check = (rules: ReservationRules, window: Window, at: EpochMs) => WindowFault | null;

const notPast: Check = ({ timeZone }, { start }, at) =>
  start >= at ? null : { field: 'start', limit: 'from now on', sentence: `${tellMoment(start, timeZone, at)} is past; it is ${tellMoment(at, timeZone, at)} now. Choose a later start.` };

const endsLater: Check = ({ timeZone, minMinutes }, { start, end }, at) =>
  end > start
    ? null
    : {
        field: 'end',
        limit: 'after the start',
        sentence: `It would end ${tellMoment(end, timeZone, at)}, which is not after its start, ${tellMoment(start, timeZone, at)}. Choose ${tellMoment(start + minMinutes * minuteMs, timeZone, at)} or later as its end.`,
      };

/** How near and how far a start may be, in dates of the zone. */
const withinHorizon: Check = (rules, { start }, at) => {
  const { timeZone, firstDay, lastDay } = rules;
  const days = dayOf(start, timeZone) - dayOf(at, timeZone);
  if (days >= firstDay && days <= lastDay) return null;
  const first = tellDay(noonOf(at, firstDay, timeZone), timeZone, at);
  const last = tellDay(noonOf(at, lastDay, timeZone), timeZone, at);
  const asked = tellMoment(start, timeZone, at);
  if (firstDay === lastDay) {
    const only = firstDay === 0 ? 'today' : firstDay === 1 ? 'tomorrow' : `the day ${firstDay} days ahead`;
    return { field: 'start', limit: `${only} only`, sentence: `Reservations are for ${only} only, not for ${asked}. Choose a start on ${first}.` };
  }
  const limit = `${firstDay} to ${lastDay} days ahead`;
  return days < firstDay
    ? { field: 'start', limit, sentence: `${asked} is too soon: reservations begin ${firstDay === 1 ? 'tomorrow' : `${firstDay} days ahead`} at the earliest. Choose a start from ${first} on.` }
    : { field: 'start', limit, sentence: `${asked} is too far ahead: reservations begin at most ${lastDay} days ahead. Choose a start up to ${last}.` };
};

/** Where nothing is ever closed, a window may reach over midnight. */
const alwaysOpen = ({ opensAtMinute, closesAtMinute }: ReservationRules): boolean => opensAtMinute <= 0 && closesAtMinute >= 1440;

/** Whether the wall's minutes from `begins` to `ends` are, both counted from the midnight before the start. */
const open = (rules: ReservationRules, begins: number, ends: number): boolean => alwaysOpen(rules) || (begins >= rules.opensAtMinute && ends <= rules.closesAtMinute);

const inOpenHours: Check = (rules, window, at) => {
  const { timeZone, opensAtMinute, closesAtMinute, latestStartMinute } = rules;
  const begins = minuteOfDay(window.start, timeZone);
  if (begins > (latestStartMinute ?? Infinity)) {
    const latest = tellTimeOfDay(latestStartMinute ?? 0);
    return { field: 'start', limit: `until ${latest}`, sentence: `${tellMoment(window.start, timeZone, at)} is too late: reservations begin at ${latest} at the latest. Choose an earlier start or another day.` };
  }
  // Midnight at the end is minute 1440 of the day before, and the 0 of no other.
  const ends = minuteOfDay(window.end, timeZone) + (dayOf(window.end, timeZone) - dayOf(window.start, timeZone)) * 1440;
  if (open(rules, begins, ends)) return null;
  const hours = `${tellTimeOfDay(opensAtMinute)} to ${tellTimeOfDay(closesAtMinute)}`;
  const field = begins < opensAtMinute || begins >= closesAtMinute ? 'start' : 'end';
  return { field, limit: hours, sentence: `${tellWindow(window, timeZone, at)} is not within the opening hours, ${hours}. Choose a time that lies wholly within them.` };
};

const onAStep: Check = ({ timeZone, stepMinutes }, { start }, at) => {
  const minute = minuteOfDay(start, timeZone);
  if (minute % stepMinutes === 0) return null;
  const below = Math.floor(minute / stepMinutes) * stepMinutes;
  const above = below + stepMinutes;
  const limit = `every ${tellLength(stepMinutes * minuteMs)} from midnight`;
  const near = above < 1440 ? `${tellTimeOfDay(below)} or ${tellTimeOfDay(above)}` : tellTimeOfDay(below);
  // Told as a time of day alone, it would look like one that is on a step.
  if (below === Math.floor(minute)) {
    return { field: 'start', limit, sentence: `${Math.ceil((start % minuteMs) / 1000)} s past ${tellMoment(start, timeZone, at)} is between two starts: reservations begin ${limit}, without seconds. Choose ${near}.` };
  }
  return { field: 'start', limit, sentence: `${tellMoment(start, timeZone, at)} is between two starts: reservations begin ${limit}. Choose ${near}.` };
};

/** Time that really passes, which on the days of the change is not what the clock shows. */
const allowedLength: Check = ({ stepMinutes, minMinutes, maxMinutes }, { start, end }) => {
  const lengthMs = end - start;
  const [least, most, step] = [minMinutes, maxMinutes, stepMinutes].map((minutes) => tellLength(minutes * minuteMs));
  const range = least === most ? `exactly ${least}` : `${least} to ${most}`;
  const fault = (sentence: string): WindowFault => ({ field: 'end', limit: `${range} in steps of ${step}`, sentence });
  if (lengthMs < minMinutes * minuteMs) return fault(`${tellLength(lengthMs)} is too short: a reservation lasts ${range}. Choose a later end.`);
  if (lengthMs > maxMinutes * minuteMs) return fault(`${tellLength(lengthMs)} is too long: a reservation lasts ${range}. Choose an earlier end, or reserve twice.`);
  if (lengthMs % (stepMinutes * minuteMs) !== 0) return fault(`${tellLength(lengthMs)} is not a whole number of steps: a reservation lasts ${range} in steps of ${step}. Choose another end.`);
  return null;
};

/** First what makes no sense, then which day, then which hours, then the grid. */
const checksOfNew: readonly Check[] = [endsLater, notPast, withinHorizon, inOpenHours, onAStep, allowedLength];
const checksOfExtension: readonly Check[] = [endsLater, inOpenHours, allowedLength];
const checksOfPlace: readonly Check[] = [notPast, withinHorizon, inOpenHours, onAStep];

const firstFault = (checks: readonly Check[], rules: ReservationRules, window: Window, at: EpochMs): WindowFault | null => {
  for (const check of checks) {
    const fault = check(rules, window, at);
    if (fault !== null) return fault;
  }
  return null;
};

/** What the rules have against a new window, or a new time for an old reservation; null when nothing. */
export function windowFault(rules: ReservationRules, window: Window, at: EpochMs): WindowFault | null {
  return firstFault(checksOfNew, rules, window, at);
}

/** What the rules have against a later end of a reservation, which may have begun: `window` reaches from its start to the new end. */
export function extensionFault(rules: ReservationRules, window: Window, at: EpochMs): WindowFault | null {
  return firstFault(checksOfExtension, rules, window, at);
}

/** Every start from `from` on that the rules allow at `at` for a reservation of this length, in order; ends with the horizon. */
export function* nextStarts(rules: ReservationRules, from: EpochMs, lengthMs: number, at: EpochMs = from): Generator<EpochMs, void, undefined> {
  const { timeZone, firstDay, lastDay } = rules;
  const today = dayOf(at, timeZone);
  for (let day = Math.max(today + firstDay, dayOf(from, timeZone)); day <= today + lastDay; day++) {
    for (const start of startsOfDay(rules, day, lengthMs, at)) if (start >= from) yield start;
  }
}

function startsOfDay(rules: ReservationRules, day: number, lengthMs: number, at: EpochMs): readonly EpochMs[] {
  const { timeZone, opensAtMinute, latestStartMinute, stepMinutes } = rules;
  const latest = Math.min(latestStartMinute ?? 1439, 1439);
  const first = Math.ceil(opensAtMinute / stepMinutes) * stepMinutes;
  const minutes = Array.from({ length: Math.max(0, Math.floor((latest - first) / stepMinutes) + 1) }, (_, step) => first + step * stepMinutes);
  const midnight = day * dayMs;
  const offsetMs = steadyOffsetMs(midnight, timeZone);
  // Nearly every day is steady, and then nobody has to be asked what the wall shows: that takes longest.
  if (offsetMs !== null) {
    return minutes.filter((minute) => open(rules, minute, minute + lengthMs / minuteMs)).map((minute) => midnight + minute * minuteMs - offsetMs).filter((start) => start >= at);
  }
  // Autumn shows some minutes twice: the moments of such a day are in order only once they are sorted.
  return minutes
    .flatMap((minute) => momentsOf(midnight + minute * minuteMs, timeZone))
    .filter((start) => firstFault(checksOfPlace, rules, { start, end: start + lengthMs }, at) === null)
    .sort((a, b) => a - b);
}

/**
 * A window moved to so many of the rules' steps later, as long as before; null when that is closed or beyond the
 * horizon. A step is real time; only where the clock changes by less than a step, the time of day on the grid wins.
 */
export function movedWindow(rules: ReservationRules, { start, end }: Window, steps: number, at: EpochMs): Window | null {
  const { timeZone, stepMinutes, lastDay } = rules;
  const shiftMs = steps * stepMinutes * minuteMs;
  const wall = wallAt(start, timeZone);
  const onGrid = (wallAt(start + shiftMs, timeZone) - wall) % (stepMinutes * minuteMs) === 0;
  const later = onGrid ? start + shiftMs : momentsOf(wall + shiftMs, timeZone)[0];
  if (later === undefined || dayOf(later, timeZone) - dayOf(at, timeZone) > lastDay) return null;
  const window = { start: later, end: later + (end - start) };
  return inOpenHours(rules, window, at) === null ? window : null;
}

/** Noon of the date that is so many days after that of `at`: a moment that every date has. */
function noonOf(at: EpochMs, days: number, timeZone: string): EpochMs {
  const wall = (dayOf(at, timeZone) + days) * dayMs + dayMs / 2;
  return momentsOf(wall, timeZone)[0] ?? wall;
}
