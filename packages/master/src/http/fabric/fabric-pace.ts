import type { Clock } from '@paravcl/shared/clock';

const windowMs = 60_000;
/** Callers remembered at once; the oldest are forgotten, so that a flood of them costs no memory. */
const remembered = 10_000;

/** So many requests a minute for each caller, counted from the first one of the minute. */
export class FabricPace {
  private readonly minutes = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly perMinute: number,
  ) {}

  /** How long this caller has to wait, milliseconds; 0: not at all. */
  waitMs(caller: string): number {
    const minute = this.minutes.get(caller);
    if (minute === undefined) return 0;
    const leftMs = minute.sinceMs + windowMs - this.clock.monotonicMs();
    if (leftMs <= 0) this.minutes.delete(caller);
    return leftMs > 0 && minute.count >= this.perMinute ? leftMs : 0;
  }

  count(caller: string): void {
    if (this.waitMs(caller) > 0) return;
    const minute = this.minutes.get(caller);
    if (minute !== undefined) {
      minute.count++;
      return;
    }
    this.minutes.set(caller, { count: 1, sinceMs: this.clock.monotonicMs() });
    const [oldest] = this.minutes.keys();
    if (this.minutes.size > remembered && oldest !== undefined) this.minutes.delete(oldest);
  }
}
