import type { EpochMs } from '@paravcl/shared/clock';
import type { Utilisation } from './simulation-outcome';

/** What is in use at a moment. */
export interface InUse {
  readonly bestEffortCores: number;
  readonly reservedCores: number;
  readonly waiting: number;
}

/** Adds up what is in use along time, as means over equal intervals. */
export class SiteRecord {
  private readonly intervals: Utilisation[] = [];
  private from: EpochMs;
  private now: EpochMs;
  private sum = { bestEffortCores: 0, reservedCores: 0, waiting: 0 };

  constructor(
    beginsAt: EpochMs,
    private readonly intervalMs: number,
  ) {
    this.from = beginsAt;
    this.now = beginsAt;
  }

  /** From where it stands until `to` that was in use. */
  passed(to: EpochMs, use: InUse): void {
    while (this.now < to) {
      const next = Math.min(to, this.from + this.intervalMs);
      const ms = next - this.now;
      this.sum.bestEffortCores += use.bestEffortCores * ms;
      this.sum.reservedCores += use.reservedCores * ms;
      this.sum.waiting += use.waiting * ms;
      this.now = next;
      if (next === this.from + this.intervalMs) this.close();
    }
  }

  /** The means, the last one over what there is of its interval. */
  ended(): readonly Utilisation[] {
    this.close();
    return this.intervals;
  }

  private close(): void {
    const { from, now, sum } = this;
    const ms = now - from;
    if (ms > 0) this.intervals.push({ from, to: now, bestEffortCores: sum.bestEffortCores / ms, reservedCores: sum.reservedCores / ms, waiting: sum.waiting / ms });
    this.from = now;
    this.sum = { bestEffortCores: 0, reservedCores: 0, waiting: 0 };
  }
}
