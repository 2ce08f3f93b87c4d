/** Runs at most `parallel` pieces of work at a time; the others wait in their order. */
export class WorkQueue {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(private readonly parallel: number) {}

  get isBusy(): boolean {
    return this.running >= this.parallel;
  }

  get waiting(): number {
    return this.queue.length;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.isBusy) await new Promise<void>((turn) => this.queue.push(turn));
    else this.running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, not given back and fought for, so that nobody overtakes.
      const next = this.queue.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
