import { ParavclError } from '@paravcl/shared/errors';
import { WorkQueue } from '@paravcl/shared/work-queue';

/**
 * Runs at most `parallel` pieces of heavy work at a time and lets `capacity` more wait in order, so that
 * a class logging in at once is served one after the other while the daemon does its other work.
 */
export class HashQueue {
  private readonly queue: WorkQueue;

  constructor(
    parallel = 2,
    /** 250 logins in a minute must fit (DEFINITIONS); what waits longer than two minutes has gone away anyhow. */
    private readonly capacity = 600,
  ) {
    this.queue = new WorkQueue(parallel);
  }

  /** @throws ParavclError `rate-limited` when too many wait already */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.queue.isBusy && this.queue.waiting >= this.capacity) {
      throw new ParavclError('rate-limited', `${this.capacity} logins wait already. Try again in a minute.`, { limit: `${this.capacity} waiting`, retryAfterSeconds: 60 });
    }
    return this.queue.run(work);
  }
}
