import { ParavclError } from '@paravcl/shared/errors';

/**
 * Runs at most `parallel` pieces of heavy work at a time and lets `capacity` more wait in order, so that
 * a class logging in at once is served one after the other while the daemon does its other work.
 */
export class HashQueue {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly parallel = 2,
    /** 250 logins in a minute must fit (DEFINITIONS); what waits longer than two minutes has gone away anyhow. */
    private readonly capacity = 600,
  ) {}

  /** @throws ParavclError `rate-limited` when too many wait already */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.parallel) {
      if (this.waiting.length >= this.capacity) {
        throw new ParavclError('rate-limited', `${this.capacity} logins wait already. Try again in a minute.`, { limit: `${this.capacity} waiting`, retryAfterSeconds: 60 });
      }
      await new Promise<void>((turn) => this.waiting.push(turn));
    } else {
      this.running += 1;
    }
    try {
      return await work();
    } finally {
      // The place is handed on, not given back and fought for, so that nobody overtakes.
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
