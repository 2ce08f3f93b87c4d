/** Moments in words, in the site's zone, with the day where it is not today, and the year where it is another. */
export interface TimeWords {
  /** "today 13:05", "Mon 7 Dec, 09:00", "Tue, 7 Dec 2027, 09:00" in another year. */
  moment(iso: string): string;
  /** "13:05". */
  clock(iso: string): string;
  /** "1 h 20 min". */
  span(ms: number): string;
}

const minuteMs = 60_000;

/** How days are written in a language; in English as in the lab's part of the world, the day before the month: "Mon, 7 Dec". */
export const dateLocale = (language: string): string => (language === 'en' ? 'en-GB' : language);

/** Words for moments in a language and a zone, as they are told at `now`; `today` is how that day is called. */
export function timeWords(language: string, timeZone: string, now: () => number, today: string): TimeWords {
  const locale = dateLocale(language);
  const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const clock = new Intl.DateTimeFormat(locale, { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const dated: Intl.DateTimeFormatOptions = { timeZone, weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  const full = new Intl.DateTimeFormat(locale, dated);
  const withYear = new Intl.DateTimeFormat(locale, { ...dated, year: 'numeric' });
  return {
    moment: (iso) => {
      const at = new Date(iso);
      const [its, ours] = [day.format(at), day.format(new Date(now()))];
      if (its === ours) return `${today} ${clock.format(at)}`;
      return (its.slice(0, 4) === ours.slice(0, 4) ? full : withYear).format(at);
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
