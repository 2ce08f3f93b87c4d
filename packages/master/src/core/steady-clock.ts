import type { EpochMs } from '@paravcl/shared/clock';

/** Both clocks of a machine, read at one moment. */
export interface ClockReading {
  readonly wallMs: EpochMs;
  readonly monotonicMs: number;
}

/** Corrections of NTP are far below this; a clock that was set wrong, or right again, is far above. */
const toleranceMs = 5 * 60_000;

/** By how much the time of day was set between two readings, ahead above 0; 0 when it ran steadily. A machine that slept counts as set ahead. */
export function setBetween(before: ClockReading, after: ClockReading): number {
  const byMs = after.wallMs - before.wallMs - (after.monotonicMs - before.monotonicMs);
  return Math.abs(byMs) <= toleranceMs ? 0 : byMs;
}
