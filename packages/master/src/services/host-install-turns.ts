/** Ends a turn; the next who waits has it then. */
export type EndTurn = () => void;

/** So many at a time, in the order they came. A turn is taken or waited for within one step of the event loop, so none that ends is missed. */
export class HostInstallTurns {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(readonly atOnce: number) {}

  /**
   * Waits for a turn; `onWait` says so first where there is none, and never rejects: that it could not be said is no reason to lose a turn. Null
   * when the signal ends the wait: then there is no turn to end.
   */
  async take(signal: AbortSignal, onWait: () => Promise<void>): Promise<EndTurn | null> {
    if (signal.aborted) return null;
    if (this.taken < this.atOnce) {
      this.taken += 1;
      return this.end;
    }
    const turn = new Promise<EndTurn | null>((resolve) => {
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(this.end);
      };
      const giveUp = (): void => {
        const at = this.waiting.indexOf(begin);
        if (at !== -1) this.waiting.splice(at, 1);
        resolve(null);
      };
      this.waiting.push(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
    await onWait();
    return turn;
  }

  private readonly end = (): void => {
    const next = this.waiting.shift();
    if (next === undefined) this.taken -= 1;
    else next();
  };
}
