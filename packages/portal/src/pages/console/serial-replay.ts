/** Silence after which a connection has brought all of what was printed before it. */
export const settledMs = 400;
/** The slave keeps no more than this of the end of what was printed (its `SerialConsole`). */
export const mostReplayedBytes = 64 * 1024;
/** A guest that prints without a pause: what comes so late is new. */
const mostReplayMs = 5_000;

/**
 * Tells the end of what was printed before, with which each connection to a serial console begins, from what is printed now. The slave
 * draws no line between them, but sends the old at once: it lasts until there is silence, or until there can be no more of it.
 */
export class SerialReplay {
  private bytes = 0;
  private lastMs: number | null = null;
  private isOver = false;

  constructor(private readonly openedMs: number) {}

  /** Whether these bytes, which have come now, are old. */
  brings(length: number, nowMs: number): boolean {
    const isSettled = this.lastMs !== null && nowMs - this.lastMs >= settledMs;
    if (isSettled || this.bytes >= mostReplayedBytes || nowMs - this.openedMs >= mostReplayMs) this.isOver = true;
    this.bytes += length;
    this.lastMs = nowMs;
    return !this.isOver;
  }
}
