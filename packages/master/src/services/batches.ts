import { ParavclError } from '@paravcl/shared/errors';

/** How items are put together. */
export interface BatchRules<T> {
  /** Items of one batch. */
  readonly most: number;
  /** Batches under way at a time. */
  readonly atOnce: number;
  /** Of items with the same key a batch takes one; the others wait for a later one, in their order. */
  readonly keyOf: (item: T) => string;
  /** Wanted items that wait; one more is refused. */
  readonly mostWaiting: number;
  /** False when nobody waits for the item's result any more: it is not handled. */
  readonly isWanted: (item: T) => boolean;
  /** Called with what takes the next batch, where a batch could begin; absent: at once. Later, and what comes meanwhile is of that batch too. */
  readonly begin?: (take: () => void) => void;
  /** Whether a failed batch would fail again because of one of its items, so that the others should be tried without it. */
  readonly isFaultOfOne: (error: unknown) => boolean;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Work that is cheaper together: an item that comes alone is handled at once, and what comes while others are
 * handled is the next batch. When a batch fails by the fault of one of its items, each is handled alone, so that it
 * does not fail the others; when whatever handles them is away, all fail at once, for each would wait as long again.
 * At most `mostWaiting` wait, and what nobody wants any more goes to make room.
 */
export class Batches<T, R> {
  private waiting: Waiting<T, R>[] = [];
  private running = 0;
  private isBegun = false;
  /** Keys of the batches under way. */
  private readonly busy = new Set<string>();

  constructor(
    /** One result for each item, in their order. */
    private readonly handle: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly rules: BatchRules<T>,
  ) {}

  /** The item's result, or null when nobody wanted it any more. Rejects with `not-ready` when too many wait. */
  add(item: T): Promise<R | null> {
    if (this.waiting.length >= this.rules.mostWaiting) this.dropUnwanted();
    if (this.waiting.length >= this.rules.mostWaiting) {
      return Promise.reject(new ParavclError('not-ready', `${this.waiting.length} wait already, the most this master takes. Try again in a few seconds.`, { retryAfterSeconds: 5 }));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.start();
    });
  }

  private start(): void {
    const { begin } = this.rules;
    if (begin === undefined) return this.take();
    if (this.isBegun || this.waiting.length === 0 || this.running >= this.rules.atOnce) return;
    this.isBegun = true;
    begin(() => {
      this.isBegun = false;
      this.take();
    });
  }

  private take(): void {
    while (this.running < this.rules.atOnce) {
      const batch = this.next();
      if (batch.length === 0) return;
      this.running++;
      void this.run(batch).finally(() => {
        this.running--;
        for (const { item } of batch) this.busy.delete(this.rules.keyOf(item));
        this.start();
      });
    }
  }

  private dropUnwanted(): void {
    const { isWanted } = this.rules;
    for (const { item, resolve } of this.waiting) if (!isWanted(item)) resolve(null);
    this.waiting = this.waiting.filter(({ item }) => isWanted(item));
  }

  private next(): readonly Waiting<T, R>[] {
    this.dropUnwanted();
    const batch: Waiting<T, R>[] = [];
    const left: Waiting<T, R>[] = [];
    for (const one of this.waiting) {
      const key = this.rules.keyOf(one.item);
      if (batch.length < this.rules.most && !this.busy.has(key)) {
        this.busy.add(key);
        batch.push(one);
      } else left.push(one);
    }
    this.waiting = left;
    return batch;
  }

  private async run(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.handle(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, at) => resolve(results[at] as R));
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1) only?.reject(error);
      else if (this.rules.isFaultOfOne(error)) for (const one of batch) await this.run([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}
