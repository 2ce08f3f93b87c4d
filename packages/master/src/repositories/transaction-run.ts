import { ChangeList, type Change } from './committed-changes';

/**
 * Transactions of this process that have the calendar. They stay here until this process was told what they wrote, which is a
 * moment later than when the database lets others see it.
 */
export class CalendarRuns {
  private readonly sharing = new Set<TransactionRun>();
  private readonly alone = new Map<string, TransactionRun>();

  shared(run: TransactionRun): void {
    this.sharing.add(run);
  }

  /** @param value what it gave the calendar */
  taken(run: TransactionRun, value: string): void {
    this.alone.set(value, run);
  }

  ended(run: TransactionRun): void {
    this.sharing.delete(run);
    for (const [value, one] of this.alone) if (one === run) this.alone.delete(value);
  }

  /**
   * Resolves when all who share it now have ended. For who has it alone: theirs ended in the database before. Launches that are written together are not
   * among them, as one that is under way may wait for whoever asks; `WorkingWorld` has their room from before they are sent.
   */
  async sharersTold(): Promise<void> {
    await Promise.all([...this.sharing].map((run) => run.end));
  }

  /** Resolves when it is told what was written by who gave the calendar this value. For who has read it, and so after it was committed. */
  async told(value: string | null): Promise<void> {
    await this.alone.get(value ?? '')?.end;
  }
}

/** One run of a transaction, from before its first statement until everybody was told what it wrote. */
export class TransactionRun {
  readonly notes = new ChangeList();
  /** Resolves when it was committed and told, or undone. */
  readonly end: Promise<void>;
  private resolveEnd: () => void = () => undefined;
  private readonly thens: ((isCommitted: boolean) => void)[] = [];

  constructor() {
    this.end = new Promise((resolve) => (this.resolveEnd = resolve));
  }

  /** What it wrote so far, which nobody else sees. */
  get written(): readonly Change[] {
    return this.notes.changes;
  }

  /** Called at its end, with whether it is known to be committed. */
  whenOver(then: (isCommitted: boolean) => void): void {
    this.thens.push(then);
  }

  ended(isCommitted: boolean): void {
    try {
      for (const then of this.thens) then(isCommitted);
    } finally {
      this.resolveEnd();
    }
  }
}
