import type { EpochMs } from '@paravcl/shared/clock';
import { DateTime } from 'luxon';
import { dayMs, momentsOf, wallAt } from './local-time';

/** "2026-10-27T10:00": a time on the wall of the site's zone, to the minute. Text in this form sorts by time. */
export type LocalStart = string;

const format = "yyyy-MM-dd'T'HH:mm";

/** What the wall shows at that moment. */
export function localStart(at: EpochMs, zone: string): LocalStart {
  return DateTime.fromMillis(wallAt(at, zone), { zone: 'utc' }).toFormat(format);
}

/** The same time of day so many weeks later, whatever the clock did in between. */
export function weeksLater(local: LocalStart, weeks: number): LocalStart {
  return DateTime.fromISO(local, { zone: 'utc' }).plus({ weeks }).toFormat(format);
}

/** The zone's midnight that ends the date so many days after that of `at`. */
export function endOfDay(at: EpochMs, days: number, zone: string): LocalStart {
  return DateTime.fromMillis(wallAt(at, zone), { zone: 'utc' }).startOf('day').plus({ days: days + 1 }).toFormat(format);
}

/** When the wall shows it, the earlier of two; null in the hour that spring leaves out. */
export function momentOf(local: LocalStart, zone: string): EpochMs | null {
  return momentsOf(DateTime.fromISO(local, { zone: 'utc' }).toMillis(), zone)[0] ?? null;
}

/** A repeat from `first` on, each week up to and including the date `until` ("2026-12-22"), split at the horizon. */
export interface Weeks {
  /** Those that begin before the horizon ends, `first` included. */
  readonly near: readonly LocalStart[];
  /** The first one beyond it; null when all of them are near. */
  readonly next: LocalStart | null;
}

/** @param horizonEnd what begins from then on is not asked for yet (`endOfDay`) */
export function weeksUntil(first: LocalStart, until: string, horizonEnd: LocalStart): Weeks {
  const near: LocalStart[] = [];
  for (let week = 0; ; week++) {
    const start = weeksLater(first, week);
    if (start.slice(0, 10) > until) return { near, next: null };
    if (start >= horizonEnd) return { near, next: start };
    near.push(start);
  }
}

/** Longest that a weekly repeat may reach ahead: a year of teaching. */
export const longestSeriesMs = 366 * dayMs;
