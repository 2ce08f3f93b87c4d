import type { Day, Hour } from './days-of-hours';
import { hourMs } from '../../states/zone-time';

/** From when until when, in milliseconds since 1970. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The whole hours from one to another, whichever is earlier. */
export function spanBetween(one: number, other: number): Span {
  return { start: Math.min(one, other), end: Math.max(one, other) + hourMs };
}

export const isWithin = ({ start, end }: Span, hour: number): boolean => hour < end && hour + hourMs > start;

/** Keys that move the focus: up and down by an hour (over midnight too), left and right by a day, to both ends of a day. */
export const moves = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End'] as const;
export type MoveKey = (typeof moves)[number];
export const isMoveKey = (key: string): key is MoveKey => (moves as readonly string[]).includes(key);

/** The hour to which a key moves from another; the same one at an edge. */
export function movedTo(days: readonly Day[], from: number, key: MoveKey): number {
  const hours = days.flatMap((day) => day.hours);
  const at = hours.findIndex(({ start }) => start === from);
  const dayAt = days.findIndex((day) => day.hours.some(({ start }) => start === from));
  const hour = hours[at];
  const day = days[dayAt];
  if (hour === undefined || day === undefined) return hours[0]?.start ?? from;
  switch (key) {
    case 'ArrowUp':
      return hours[at - 1]?.start ?? from;
    case 'ArrowDown':
      return hours[at + 1]?.start ?? from;
    case 'ArrowLeft':
      return sameHourOf(days[dayAt - 1], hour) ?? from;
    case 'ArrowRight':
      return sameHourOf(days[dayAt + 1], hour) ?? from;
    case 'Home':
      return day.hours[0]?.start ?? from;
    case 'End':
      return day.hours.at(-1)?.start ?? from;
  }
}

/** The hour of that name, or the nearest before it, else the first that the day has left. */
function sameHourOf(day: Day | undefined, { clock, again }: Hour): number | null {
  if (day === undefined) return null;
  const exact = day.hours.find((hour) => hour.clock === clock && hour.again === again);
  const before = day.hours.filter((hour) => hour.clock <= clock).at(-1);
  return (exact ?? before ?? day.hours[0])?.start ?? null;
}
