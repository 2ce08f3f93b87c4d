import type { Cancel, Clock } from '@paravcl/shared/clock';

export const silentAfterMs = 10_000;
const askEveryMs = 3000;
/** While it does not answer, so that its return is noticed at once. */
const askAgainMs = 1000;

/**
 * Asks another daemon of this host (the hypervisor, the mirror) something small every few seconds, which is all it
 * takes to know whether it answers. One question at a time: a hung one is left to its own call limit, and its late
 * answer is an answer.
 */
export class AnswerWatch {
  private cancelAsk: Cancel = () => undefined;
  private cancelSilence: Cancel = () => undefined;
  private silent = false;
  private lastError: unknown = null;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly ask: () => Promise<unknown>,
    private readonly onSilent: (error: unknown) => void,
    private readonly onAnswer: () => void,
  ) {}

  start(): void {
    this.awaitAnswer();
    this.next();
  }

  stop(): void {
    this.stopped = true;
    this.cancelAsk();
    this.cancelSilence();
  }

  private next(): void {
    if (this.stopped) return;
    void this.ask().then(
      () => this.answered(),
      (error: unknown) => this.failed(error),
    );
  }

  private answered(): void {
    if (this.stopped) return;
    this.awaitAnswer();
    if (this.silent) {
      this.silent = false;
      this.onAnswer();
    }
    this.cancelAsk = this.clock.after(askEveryMs, () => this.next());
  }

  private failed(error: unknown): void {
    if (this.stopped) return;
    this.lastError = error;
    this.cancelAsk = this.clock.after(askAgainMs, () => this.next());
  }

  /** From the last answer: a restart of the daemon takes two seconds and is no trouble. */
  private awaitAnswer(): void {
    this.lastError = null;
    this.cancelSilence();
    this.cancelSilence = this.clock.after(silentAfterMs, () => {
      if (this.silent || this.stopped) return;
      this.silent = true;
      this.onSilent(this.lastError);
    });
  }
}
