/** Ends a turn; the next who waits has it then. */
export type EndTurn = () => void;

/** So many at a time, in the order they came. A turn is taken or waited for within one step of the event loop, so none that ends is missed. */
export class HostInstallTurns {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(readonly atOnce: number) {}

  /**
   * Waits for a turn; `onWait` says so first where there is none. Null when the signal ends the wait: then there is no turn to end. Throws
   * what `onWait` throws, and nobody waits or has a turn then.
   */
  async take(signal: AbortSignal, onWait: () => Promise<void>): Promise<EndTurn | null> {
    if (signal.aborted) return null;
    if (this.taken < this.atOnce) {
      this.taken += 1;
      return this.end;
    }
    let giveUp: () => void = () => undefined;
    const turn = new Promise<EndTurn | null>((resolve) => {
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(this.end);
      };
      giveUp = (): void => {
        const at = this.waiting.indexOf(begin);
        if (at !== -1) this.waiting.splice(at, 1);
        resolve(null);
      };
      this.waiting.push(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
    try {
      await onWait();
    } catch (error) {
      signal.removeEventListener('abort', giveUp);
      giveUp();
      // It may have come meanwhile.
      (await turn)?.();
      throw error;
    }
    return turn;
  }

  private readonly end = (): void => {
    const next = this.waiting.shift();
    if (next === undefined) this.taken -= 1;
    else next();
  };
}
