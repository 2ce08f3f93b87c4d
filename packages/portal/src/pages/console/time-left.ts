/** So long before its end a machine's person is warned. */
const warnedBeforeMs = 10 * 60_000;

export interface TimeLeft {
  readonly ms: number;
  readonly isShort: boolean;
}

/** What is left of a machine's time; null: it has no end. */
export function timeLeft(endsAt: string | null, nowMs: number): TimeLeft | null {
  if (endsAt === null) return null;
  const ms = Math.max(0, new Date(endsAt).getTime() - nowMs);
  return { ms, isShort: ms <= warnedBeforeMs };
}

/** In how many ms what is shown of it is to be made anew: when whole minutes are left, as when the warning is due; at the earliest in a second. */
export function nextLookMs({ ms }: TimeLeft): number {
  const minute = 60_000;
  return Math.max(1000, ms % minute === 0 ? minute : ms % minute);
}
