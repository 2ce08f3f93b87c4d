import type { Clock } from '@paravcl/shared/clock';

/** What is done in rounds, step by step. */
export interface RoundRules<Step> {
  /** What comes next, by the books as they are now. */
  readonly due: () => AsyncIterable<Step>;
  /** Names the step and what it is about. */
  readonly keyOf: (step: Step) => string;
  /** Whether it may begin beside those that are under way; if not, a later round asks again. */
  readonly mayBegin: (step: Step, underWay: readonly Step[]) => boolean;
  /** False: it is to be tried again after a while. So is what rejects. */
  readonly carryOut: (step: Step) => Promise<boolean>;
  readonly clock: Clock;
  /** Told of steps and of woken rounds that failed. */
  readonly onFault: (error: unknown) => void;
}

/** What was not done is tried again after this; twice as long each time, up to a minute. */
const againMs = 2000;
const mostAgainMs = 60_000;
/** Nobody who ends waits longer for what is under way. */
const endMs = 5000;

/**
 * Work that follows from the books alone: each round reads what is due by them and begins it, and a step that was done wakes the next
 * round. Whatever died in between, the next round goes on from there. Wake it when the books changed; a job runs it every second
 * or so.
 *
 * Of one key one step is under way at a time. A round that had read the books before a step ended does not begin it again: they
 * did not show its end yet.
 */
export class BookRounds<Step> {
  private readonly underWay = new Map<string, Step>();
  /** Steps that ended since this round began to read. */
  private readonly endedSince = new Set<string>();
  /** Not before this, monotonic, and how long it was waited for that. */
  private readonly notBefore = new Map<string, { readonly atMs: number; readonly waitMs: number }>();
  private readonly works = new Set<Promise<void>>();
  private round: Promise<void> | null = null;
  private again = false;
  private stopped = false;

  constructor(private readonly rules: RoundRules<Step>) {}

  wake(): void {
    this.run().catch(this.rules.onFault);
  }

  /** One round; one that is asked for meanwhile follows it. */
  run(): Promise<void> {
    if (this.round !== null) {
      this.again = true;
      return this.round;
    }
    this.round = this.rounds();
    return this.round;
  }

  /** Begins nothing more, and answers when what is under way has ended, or after 5 seconds. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.round?.catch(() => undefined);
    await Promise.race([Promise.allSettled(this.works), new Promise((resolve) => this.rules.clock.after(endMs, () => resolve(undefined)))]);
  }

  private async rounds(): Promise<void> {
    try {
      do {
        this.again = false;
        this.endedSince.clear();
        this.forgetOld();
        for await (const step of this.rules.due()) this.begin(step);
      } while (this.again && !this.stopped);
    } finally {
      // In the moment of that last look: who asks from here on has a round of their own.
      this.round = null;
    }
  }

  private begin(step: Step): void {
    const { keyOf, mayBegin, carryOut, clock, onFault } = this.rules;
    const key = keyOf(step);
    if (this.stopped || this.underWay.has(key) || this.endedSince.has(key) || (this.notBefore.get(key)?.atMs ?? 0) > clock.monotonicMs()) return;
    if (!mayBegin(step, [...this.underWay.values()])) return;
    this.underWay.set(key, step);
    const work = carryOut(step)
      .catch((error: unknown) => {
        onFault(error);
        return false;
      })
      .then((isDone) => {
        if (isDone) this.notBefore.delete(key);
        else this.later(key);
        this.underWay.delete(key);
        this.endedSince.add(key);
        this.works.delete(work);
        if (isDone && !this.stopped) this.wake();
      });
    this.works.add(work);
  }

  private later(key: string): void {
    const waitMs = Math.min(mostAgainMs, 2 * (this.notBefore.get(key)?.waitMs ?? againMs / 2));
    this.notBefore.set(key, { atMs: this.rules.clock.monotonicMs() + waitMs, waitMs });
  }

  /** What could have been tried again for so long, and was not, is not due any more. */
  private forgetOld(): void {
    const before = this.rules.clock.monotonicMs() - mostAgainMs;
    for (const [key, { atMs }] of this.notBefore) if (atMs < before && !this.underWay.has(key)) this.notBefore.delete(key);
  }
}
