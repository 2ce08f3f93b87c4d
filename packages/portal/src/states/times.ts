/** Moments in words, in the site's zone, with the day where it is not today. */
export interface TimeWords {
  /** "today 13:05", "Mon 7 Dec, 09:00". */
  moment(iso: string): string;
  /** "13:05". */
  clock(iso: string): string;
  /** "1 h 20 min". */
  span(ms: number): string;
}

const minuteMs = 60_000;

export function timeWords(language: string, timeZone: string, now: () => number, today: string): TimeWords {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const clock = new Intl.DateTimeFormat(language, { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const full = new Intl.DateTimeFormat(language, { timeZone, weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const isToday = (at: Date): boolean => day.format(at) === day.format(new Date(now()));
  return {
    moment: (iso) => {
      const at = new Date(iso);
      return isToday(at) ? `${today} ${clock.format(at)}` : full.format(at);
    },
    clock: (iso) => clock.format(new Date(iso)),
    span: (ms) => {
      const minutes = Math.max(0, Math.round(ms / minuteMs));
      const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
      const parts = [days > 0 ? `${days} d` : '', hours > 0 ? `${hours} h` : '', rest > 0 || minutes === 0 ? `${rest} min` : ''].filter((part) => part !== '');
      return parts.slice(0, 2).join(' ');
    },
  };
}
