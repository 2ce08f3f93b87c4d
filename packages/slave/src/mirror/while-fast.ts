export interface WhileFastLimits {
  /** One that took longer waited for the disk, or for a processor. */
  readonly slowMs: number;
  /** So many of these in a row did not wait for a processor. */
  readonly slowInRow: number;
  /** So many go to another thread then. */
  readonly elsewhere: number;
}

/**
 * Whether a read or a write is done at once or handed to another thread. Mostly the page cache answers, in less time than the handing over costs;
 * while the disk does not keep up whoever asks it waits, and this process has others to serve.
 */
export class WhileFast {
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
    this.slow = ms > slowMs ? this.slow + 1 : 0;
    if (this.slow >= slowInRow) [this.slow, this.left] = [0, elsewhere];
  }
}
