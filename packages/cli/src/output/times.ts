/** Moments in words, in the site's zone, with the day where it is not today, and the year where it is another: as the portal tells them. */
export interface Times {
  readonly zone: string;
  /** "today 13:05", "Mon 7 Dec, 09:00", "Tue, 7 Dec 2027, 09:00" in another year; "-" for none. */
  moment(iso: string | null): string;
  /** "1 h 20 min". */
  span(ms: number): string;
  /** "in 1 h 20 min", "1 h 20 min ago". */
  away(iso: string): string;
}

const minuteMs = 60_000;

export function timesIn(zone: string, now: () => number): Times {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const dated: Intl.DateTimeFormatOptions = { timeZone: zone, weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  const full = new Intl.DateTimeFormat('en-GB', dated);
  const withYear = new Intl.DateTimeFormat('en-GB', { ...dated, year: 'numeric' });
  const moment = (iso: string | null): string => {
    if (iso === null) return '-';
    const at = new Date(iso);
    const [its, ours] = [day.format(at), day.format(new Date(now()))];
    if (its === ours) return `today ${clock.format(at)}`;
    return (its.slice(0, 4) === ours.slice(0, 4) ? full : withYear).format(at);
  };
  const away = (iso: string): string => {
    const ms = Date.parse(iso) - now();
    return ms >= 0 ? `in ${spanOf(ms)}` : `${spanOf(-ms)} ago`;
  };
  return { zone, moment, span: spanOf, away };
}

function spanOf(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / minuteMs));
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const parts = [days > 0 ? `${String(days)} d` : '', hours > 0 ? `${String(hours)} h` : '', rest > 0 || minutes === 0 ? `${String(rest)} min` : ''].filter((part) => part !== '');
  return parts.slice(0, 2).join(' ');
}
