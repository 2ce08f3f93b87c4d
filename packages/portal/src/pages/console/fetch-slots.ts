/** So many at a time; the others wait for their turn, the first that came first. One that is given up while it waits takes no turn. */
export class FetchSlots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(atMost: number) {
    this.free = atMost;
  }

  /** Rejects with the signal's reason when it is given up before its turn. */
  async run<Answer>(work: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    await this.turn(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.free > 0) {
      this.free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const mine = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        const at = this.waiting.indexOf(mine);
        if (at >= 0) this.waiting.splice(at, 1);
        reject(signal.reason as Error);
      };
      this.waiting.push(mine);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}
