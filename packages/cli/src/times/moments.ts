import { wrongUsage } from '../errors/refusal';
import { durationMinutes } from './durations';

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const dayMs = 24 * 60 * 60_000;

/**
 * A moment as people say it, as the API takes it: a time of day on the wall of the site's zone ("2026-12-07T10:00", which the master reads in that
 * zone), or one with its offset. "10:00" is today's, "tomorrow 10:00", "mon 10:00" the next such day, "2026-12-07 10:00", "now", "in 2h". Throws Refusal.
 */
export function momentSaid(text: string, option: string, { zone, now }: { readonly zone: string; readonly now: number }): string {
  const said = text.trim().toLowerCase().replace(/\s+/g, ' ');
  if (said === 'now') return new Date(now).toISOString();
  const relative = /^(?:in |\+)(.+)$/.exec(said)?.[1];
  if (relative !== undefined) return new Date(now + durationMinutes(relative, option) * 60_000).toISOString();
  if (/^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(:\d{2}(\.\d+)?)?(z|[+-]\d{2}:\d{2})$/.test(said)) return said.toUpperCase();
  const match = /^(?:(\d{4}-\d{2}-\d{2}|[a-z]+)[ t])?(\d{1,2}):(\d{2})$/.exec(said);
  const date = match === null ? null : dateOf(match[1] ?? 'today', zone, now);
  if (match?.[2] === undefined || date === null || Number(match[2]) > 23 || Number(match[3]) > 59) {
    throw wrongUsage(`${option} takes a time such as "tomorrow 10:00", "mon 10:00", "2026-12-07 10:00" (in ${zone}), "now" or "in 2h", not "${text}".`);
  }
  return `${date}T${match[2].padStart(2, '0')}:${match[3] ?? '00'}`;
}

/** A moment that is over, with its offset: "2h" and "2h ago" are so long before now, the others as `momentSaid` reads them. Throws Refusal. */
export function pastMoment(text: string, option: string, at: { readonly zone: string; readonly now: number }): string {
  const ago = /^((?:\d+(?:[.,]\d+)?\s*(?:d|h|min|m)\s*)+)(?:ago)?$/i.exec(text.trim())?.[1];
  return ago === undefined ? wholeMoment(momentSaid(text, option, at), at.zone) : new Date(at.now - durationMinutes(ago, option) * 60_000).toISOString();
}

/** A moment as `momentSaid` answers it, with its offset: lists take no other. */
export function wholeMoment(said: string, zone: string): string {
  if (/(Z|[+-]\d{2}:\d{2})$/.test(said)) return said;
  const wall = Date.parse(`${said}Z`);
  const shown = (at: number): number => Date.parse(`${new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(at).replace(' ', 'T')}Z`);
  const first = wall - (shown(wall) - wall);
  return new Date(wall - (shown(first) - first)).toISOString();
}

function dateOf(said: string, zone: string, now: number): string | null {
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(now));
  const midnight = Date.parse(`${today}T00:00Z`);
  const later = (days: number): string => new Date(midnight + days * dayMs).toISOString().slice(0, 10);
  if (said === 'today') return today;
  if (said === 'tomorrow') return later(1);
  const weekday = said.length < 3 ? -1 : weekdays.indexOf(said.slice(0, 3));
  // Next such day: of today's own name it is the one in a week, for "today" says today.
  if (weekday >= 0 && ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'][weekday]?.startsWith(said) === true) return later((weekday - new Date(midnight).getUTCDay() + 6) % 7 + 1);
  return /^\d{4}-\d{2}-\d{2}$/.test(said) && !Number.isNaN(Date.parse(`${said}T00:00Z`)) ? said : null;
}
