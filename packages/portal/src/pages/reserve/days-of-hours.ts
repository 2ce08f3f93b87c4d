import type { Answered } from '@paravcl/shared/client/routes';
import { wallAt } from '../../states/zone-time';

export type CapacityHour = Answered<'get /capacity'>['hours'][number];

/** One hour of a day of the site, and what is free in it. */
export interface Hour extends Omit<CapacityHour, 'start'> {
  readonly start: number;
  /** "09:00" on the wall of the site. */
  readonly clock: string;
  /** 1 for the second hour of that name on the day on which autumn repeats one. */
  readonly again: 0 | 1;
}

export interface Day {
  /** "2026-12-07". */
  readonly date: string;
  readonly hours: readonly Hour[];
}

/** What stands in a row of the table for a day: an hour; or none, because it is past or the clocks leave it out. */
export type Cell = Hour | 'past' | 'none';

export interface Row {
  readonly clock: string;
  readonly again: 0 | 1;
  /** One for each day. */
  readonly cells: readonly Cell[];
}

/** Hours by the dates of the site, in order: a day on which the clocks change has 23 or 25 of them. */
export function daysOf(hours: readonly CapacityHour[], timeZone: string, most: number): readonly Day[] {
  const days = new Map<string, Hour[]>();
  for (const hour of hours) {
    const start = Date.parse(hour.start);
    const { date, time: clock } = wallAt(start, timeZone);
    const those = days.get(date) ?? [];
    those.push({ ...hour, start, clock, again: those.some((earlier) => earlier.clock === clock) ? 1 : 0 });
    days.set(date, those);
  }
  return [...days].slice(0, most).map(([date, those]) => ({ date, hours: those }));
}

const isSame = (a: { readonly clock: string; readonly again: number }, b: { readonly clock: string; readonly again: number }): boolean => a.clock === b.clock && a.again === b.again;

/** The table's rows: every hour that any of the days has, the repeated one right below the first. */
export function rowsOf(days: readonly Day[]): readonly Row[] {
  const names: { readonly clock: string; readonly again: 0 | 1 }[] = [];
  for (const { hours } of days) {
    for (const { clock, again } of hours) if (!names.some((one) => isSame(one, { clock, again }))) names.push({ clock, again });
  }
  names.sort((a, b) => a.clock.localeCompare(b.clock) || a.again - b.again);
  return names.map((name) => ({ ...name, cells: days.map((day) => cellOf(day, name)) }));
}

function cellOf({ hours }: Day, name: { readonly clock: string; readonly again: 0 | 1 }): Cell {
  const found = hours.find((hour) => isSame(hour, name));
  if (found !== undefined) return found;
  const first = hours[0];
  return first !== undefined && name.again === 0 && name.clock < first.clock ? 'past' : 'none';
}

/** Least that is free in the hours that a span touches; null where the table does not reach it. */
export function freeIn(days: readonly Day[], { start, end }: { readonly start: number; readonly end: number }): number | null {
  const hours = days.flatMap((day) => day.hours);
  const touched = hours.filter((hour, at) => hour.start < end && (hours[at + 1]?.start ?? hour.start + 3_600_000) > start);
  const first = hours[0];
  const last = hours.at(-1);
  if (touched.length === 0 || first === undefined || last === undefined || start < first.start || end > last.start + 3_600_000) return null;
  return Math.min(...touched.map(({ freeVcpus }) => freeVcpus));
}

export interface Need {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly count: number;
}

/** Whether so much is free in an hour without anybody giving way. */
export function hasRoom(hour: Pick<Hour, 'freeVcpus' | 'freeRamMiB' | 'largestVcpus'>, { vcpus, ramMiB, count }: Need): boolean {
  return hour.freeVcpus >= vcpus * count && hour.freeRamMiB >= ramMiB * count && hour.largestVcpus >= vcpus;
}
