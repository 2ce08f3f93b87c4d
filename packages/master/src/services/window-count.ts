import type { Clock } from '@paravcl/shared/clock';

/** Keys remembered at once; the oldest are forgotten, so that a flood of them costs no memory. */
const remembered = 10_000;

/** Counts within a window of time for each key (an address, a person), from the first one of the window; who has had the most waits for its end. */
export class WindowCount {
  private readonly windows = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly limit: { readonly most: number; readonly windowMs: number },
  ) {}

  /** How long this key has to wait, milliseconds; 0: not at all. */
  waitMs(key: string): number {
    const window = this.windows.get(key);
    if (window === undefined) return 0;
    const leftMs = window.sinceMs + this.limit.windowMs - this.clock.monotonicMs();
    if (leftMs <= 0) this.windows.delete(key);
    return leftMs > 0 && window.count >= this.limit.most ? leftMs : 0;
  }

  /** One more; the first after the window's end begins another one. Counting on while one waits makes the wait no longer. */
  count(key: string): void {
    if (this.waitMs(key) > 0) return;
    const window = this.windows.get(key);
    if (window !== undefined) {
      window.count++;
      return;
    }
    this.windows.set(key, { count: 1, sinceMs: this.clock.monotonicMs() });
    const [oldest] = this.windows.keys();
    if (this.windows.size > remembered && oldest !== undefined) this.windows.delete(oldest);
  }
}
