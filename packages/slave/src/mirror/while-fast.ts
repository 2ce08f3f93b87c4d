export interface WhileFastLimits {
  /** One that took longer waited for the disk, or for a processor. */
  readonly slowMs: number;
  /** So many of these in a row, or some more of them with fast ones between, did not wait for a processor. */
  readonly slowInRow: number;
  /** So many go to another thread then. */
  readonly elsewhere: number;
}

/** Whoever waited so long once does not try it again at once. */
const verySlowMs = 100;
/** So many fast ones make up for a slow one: a disk that answers every second time keeps us waiting all the same. */
const fastPerSlow = 8;

/**
 * Whether a read or a write is done at once or handed to another thread. Mostly the page cache answers, in less time than the handing over costs;
 * while the disk does not keep up whoever asks it waits, and this process has others to serve.
 */
export class WhileFast {
  /** Slow ones that were not made up for, `fastPerSlow` for each. */
  private slow = 0;
  private left = 0;

  constructor(private readonly limits: WhileFastLimits) {}

  /** Asked once for each. */
  mayBlock(): boolean {
    if (this.left === 0) return true;
    this.left -= 1;
    return false;
  }

  /** How long one took that was done at once. */
  took(ms: number): void {
    const { slowMs, slowInRow, elsewhere } = this.limits;
    if (ms <= slowMs) {
      if (this.slow > 0) this.slow -= 1;
      return;
    }
    this.slow += fastPerSlow;
    if (ms > verySlowMs || this.slow > (slowInRow - 1) * fastPerSlow) [this.slow, this.left] = [0, elsewhere];
  }
}
