import { isDeepStrictEqual } from 'node:util';
import type { Describe } from '@paravcl/shared/domain/slave';

/**
 * How far a figure must be from the one last told before it is told again. Heartbeats carry load, RAM
 * and pool as they are every 5 s; the describe data is what is kept and shown, and 5,000 slaves must not
 * write it for every page the kernel frees.
 */
const thresholds = {
  /** Of total RAM, and at least 256 MiB: less than the smallest guest worth placing. */
  ramShare: 0.05,
  ramMiB: 256,
  /** Of the pool, and at least 512 MiB. */
  poolShare: 0.01,
  poolMiB: 512,
  /** One more runnable process on the whole host, or a quarter of its threads. */
  load: 1,
  loadShareOfThreads: 0.25,
  /** Tokens and certificates are judged in seconds. */
  clockMs: 250,
} as const;

const apart = (before: number, after: number, by: number): boolean => Math.abs(before - after) >= by;

/** Figures that are never still, and when they count as changed. Everything else counts when it differs. */
const restless: Partial<Record<keyof Describe, (before: Describe, after: Describe) => boolean>> = {
  ramAvailableMiB: (before, after) =>
    apart(before.ramAvailableMiB, after.ramAvailableMiB, Math.max(thresholds.ramMiB, after.ramTotalMiB * thresholds.ramShare)),
  poolAvailableMiB: (before, after) =>
    apart(before.poolAvailableMiB, after.poolAvailableMiB, Math.max(thresholds.poolMiB, after.poolTotalMiB * thresholds.poolShare)),
  load1: (before, after) => apart(before.load1, after.load1, Math.max(thresholds.load, after.threads * thresholds.loadShareOfThreads)),
  clockOffsetMs: (before, after) =>
    before.clockOffsetMs === null || after.clockOffsetMs === null
      ? before.clockOffsetMs !== after.clockOffsetMs
      : apart(before.clockOffsetMs, after.clockOffsetMs, thresholds.clockMs),
};

/**
 * Parts of the describe data to tell again; empty when nothing is worth it. `told` is what the master
 * was told last, not the last reading: otherwise a slow drift never crosses a threshold.
 */
export function changedParts(told: Describe, now: Describe): Partial<Describe> {
  const keys = Object.keys(now) as (keyof Describe)[];
  const changed = keys.filter((key) => restless[key]?.(told, now) ?? !isDeepStrictEqual(told[key], now[key]));
  return Object.fromEntries(changed.map((key) => [key, now[key]]));
}
