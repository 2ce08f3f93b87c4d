import type { Cancel, Clock, EpochMs } from '@paravcl/shared/clock';

/** A clock that stands still until a test moves it: deadlines pass when the test says so, and never else. */
export class HandClock implements Clock {
  private elapsedMs = 0;
  private timers: { readonly at: number; readonly run: () => void }[] = [];

  constructor(private readonly startedAt: EpochMs = Date.parse('2026-03-02T08:00:00.000Z')) {}

  now(): EpochMs {
    return this.startedAt + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { at: this.elapsedMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }

  /** Lets this much time pass; timers run in their order, each at its own time. */
  advance(ms: number): void {
    const end = this.elapsedMs + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.elapsedMs = Math.max(this.elapsedMs, due.at);
      due.run();
    }
    this.elapsedMs = end;
  }

  /** The same without running any timer on the way, as in a process that does nothing for weeks: they run late, with the next `advance`. */
  pass(ms: number): void {
    this.elapsedMs += ms;
  }
}
