import { DateTime, IANAZone } from 'luxon';
import type { EpochMs } from '@paravcl/shared/clock';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * 60 * minuteMs;

/**
 * What the clock on the wall of a zone shows, in milliseconds since it showed 1970-01-01T00:00. It jumps where the zone's
 * offset does, so differences of it are no durations; its whole days are the zone's dates.
 */
export type WallMs = number;

export function knownZone(zone: string): boolean {
  return IANAZone.isValidZone(zone);
}

export function wallAt(at: EpochMs, zone: string): WallMs {
  return at + offsetMs(at, zone);
}

/** Number of the zone's date at that moment; the next date has the next number. */
export function dayOf(at: EpochMs, zone: string): number {
  return Math.floor(wallAt(at, zone) / dayMs);
}

/** Time of day that the wall shows, in minutes since midnight; not whole when seconds have passed. */
export function minuteOfDay(at: EpochMs, zone: string): number {
  const wall = wallAt(at, zone);
  return (wall - Math.floor(wall / dayMs) * dayMs) / minuteMs;
}

/** The last moment at which the wall showed a whole hour; zones with half hours have them at other moments than UTC. */
export function hourBegun(at: EpochMs, zone: string): EpochMs {
  return at - (((wallAt(at, zone) % hourMs) + hourMs) % hourMs);
}

/**
 * When the wall shows this: once as a rule, never in the hour that spring leaves out, twice in the one that autumn
 * repeats; earliest first. Asks for the offsets a day before and after, as no zone changes twice within that time.
 */
export function momentsOf(wall: WallMs, zone: string): readonly EpochMs[] {
  const before = offsetMs(wall - dayMs, zone);
  const after = offsetMs(wall + dayMs, zone);
  const offsets = before === after ? [before] : [before, after];
  return offsets
    .map((offset) => wall - offset)
    .filter((moment) => wallAt(moment, zone) === wall)
    .sort((a, b) => a - b);
}

/** What the wall is ahead of UTC by, when that changes neither on the date that begins at this midnight nor on those beside it; else null. */
export function steadyOffsetMs(midnight: WallMs, zone: string): number | null {
  const offset = offsetMs(midnight - dayMs, zone);
  return offset === offsetMs(midnight + 3 * dayMs, zone) ? offset : null;
}

export type ReadMoment = { readonly kind: 'moment'; readonly at: EpochMs } | { readonly kind: 'unknown'; readonly limit: string; readonly sentence: string; readonly field: 'zone' | 'moment' };

const withOffset = /(?:Z|[+-]\d{2}(?::?\d{2})?)$/i;

/**
 * A moment as people write it: with an offset it is itself, without one it is that time on the wall of `zone`. One that
 * autumn shows twice means the earlier; one that spring leaves out is refused, for nobody can say what was meant.
 */
export function readMoment(text: string, zone: string): ReadMoment {
  if (!knownZone(zone)) {
    return { kind: 'unknown', field: 'zone', limit: 'a zone of the IANA list', sentence: `There is no time zone "${zone}". Name one of the IANA list, such as Europe/Berlin or UTC.` };
  }
  const time = text.slice(text.indexOf('T'));
  const read = DateTime.fromISO(text, { zone: 'utc' });
  if (!read.isValid) {
    return { kind: 'unknown', field: 'moment', limit: 'ISO 8601', sentence: `"${text}" is no date and time. Write it as 2026-11-24T14:00, with an offset behind it if another zone is meant.` };
  }
  const wall = read.toMillis();
  if (text.includes('T') && withOffset.test(time)) return { kind: 'moment', at: wall };
  const [earliest] = momentsOf(wall, zone);
  return earliest === undefined ? leftOut(wall, zone) : { kind: 'moment', at: earliest };
}

function leftOut(wall: WallMs, zone: string): ReadMoment {
  const jump = jumpWithin(wall - dayMs, wall + dayMs, zone);
  const from = clockText(wallAt(jump - 1, zone) + 1);
  const to = clockText(wallAt(jump, zone));
  const asked = DateTime.fromMillis(wall, { zone: 'utc' }).setLocale('en-GB').toFormat('ccc d LLL yyyy HH:mm');
  return {
    kind: 'unknown',
    field: 'moment',
    limit: `a time that exists in ${zone}`,
    sentence: `${asked} does not exist in ${zone}: the clocks go from ${from} to ${to} there. Choose ${to} or later, or a time before ${from}.`,
  };
}

/** The first moment with the later offset, of two moments between which it changes once. */
function jumpWithin(from: EpochMs, to: EpochMs, zone: string): EpochMs {
  const later = offsetMs(to, zone);
  let before = from;
  let after = to;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetMs(middle, zone) === later) after = middle;
    else before = middle;
  }
  return after;
}

function clockText(wall: WallMs): string {
  return DateTime.fromMillis(wall, { zone: 'utc' }).toFormat('HH:mm');
}

function offsetMs(at: EpochMs, zone: string): number {
  // Asking the calendar takes longer than all the rest of telling a time.
  if (zone === 'UTC') return 0;
  return IANAZone.create(zone).offset(at) * minuteMs;
}
