import type { Want } from './frames';

/** A chunk that the other end asked for, from the question to the answer: it may be raised and given up meanwhile. */
export class ServedWant implements Want {
  readonly request: number;
  readonly channel: number;
  readonly index: number;
  readonly insist: boolean;
  readonly rank: number;
  private isUrgent: boolean;
  private isGivenUp = false;
  private readonly listeners: (() => void)[] = [];

  constructor(
    { request, channel, index, urgent, insist, rank }: Want,
    private readonly onElsewhere: (begins: boolean) => void = () => undefined,
  ) {
    this.request = request;
    this.channel = channel;
    this.index = index;
    this.isUrgent = urgent;
    this.insist = insist;
    this.rank = rank;
  }

  /** Somebody waits for it now, whether it was asked so or raised later. */
  get urgent(): boolean {
    return this.isUrgent;
  }

  /** Nobody waits for it any more. */
  get cancelled(): boolean {
    return this.isGivenUp;
  }

  /** Called once, when it becomes urgent; never of one that was so from the beginning. */
  whenRaised(run: () => void): void {
    this.listeners.push(run);
  }

  /** Waits for what others are to bring first: meanwhile it takes no place among those that are looked for here. */
  async elsewhere<T>(found: Promise<T>): Promise<T> {
    this.onElsewhere(true);
    try {
      return await found;
    } finally {
      this.onElsewhere(false);
    }
  }

  raise(): void {
    if (this.isUrgent) return;
    this.isUrgent = true;
    for (const run of this.listeners.splice(0)) run();
  }

  cancel(): void {
    this.isGivenUp = true;
  }
}
