/** A date and a time of day on the wall of a zone: "2026-12-07", "09:00". */
export interface WallTime {
  readonly date: string;
  readonly time: string;
}

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  formats.set(zone, made);
  return made;
}

/** What the wall of a zone shows at a moment. */
export function wallAt(at: number, zone: string): WallTime {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(at).map(({ type, value }) => [type, value]));
  return { date: `${parts.year}-${parts.month}-${parts.day}`, time: `${parts.hour}:${parts.minute}` };
}

/** Milliseconds that the wall is ahead of UTC by at a moment. */
function offsetAt(at: number, zone: string): number {
  const { date, time } = wallAt(at, zone);
  return Date.parse(`${date}T${time}Z`) - Math.floor(at / minuteMs) * minuteMs;
}

/**
 * When the wall shows this. The hour that autumn repeats is its first; what spring leaves out, and what is no date, is null,
 * as the master refuses it.
 */
export function momentOf({ date, time }: WallTime, zone: string): number | null {
  const wall = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(wall)) return null;
  // No zone changes twice within two days.
  const moments = [offsetAt(wall - dayMs, zone), offsetAt(wall + dayMs, zone)].map((offset) => wall - offset).sort((a, b) => a - b);
  return moments.find((moment) => wallAt(moment, zone).date === date && wallAt(moment, zone).time === time) ?? null;
}

/** The date so many days later. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}

/** Whole days from one date to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / dayMs);
}

/** The first moment of a date: midnight, or what comes instead where a zone leaves that out. */
export function beginOf(date: string, zone: string): number {
  for (const time of ['00:00', '00:30', '01:00', '02:00']) {
    const at = momentOf({ date, time }, zone);
    if (at !== null) return at;
  }
  return Date.parse(`${date}T00:00Z`);
}
