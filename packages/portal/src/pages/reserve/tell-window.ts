import type { TimeWords } from '../../states/times';

/** "Mon 7 Dec, 10:00 – 12:00": the day of the end is said where it is another one. */
export function tellWindow({ moment, clock }: Pick<TimeWords, 'moment' | 'clock'>, start: string, end: string): string {
  const dayIn = (iso: string): string => moment(iso).slice(0, -clock(iso).length);
  return `${moment(start)} – ${dayIn(start) === dayIn(end) ? clock(end) : moment(end)}`;
}
