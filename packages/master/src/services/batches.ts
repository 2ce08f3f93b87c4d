/** How items are put together. */
export interface BatchRules<T> {
  /** Items of one batch. */
  readonly most: number;
  /** Batches under way at a time. */
  readonly atOnce: number;
  /** Of items with the same key a batch takes one; the others wait for a later one, in their order. */
  readonly keyOf: (item: T) => string;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Work that is cheaper together: an item that comes alone is handled at once, and what comes while others are
 * handled is the next batch. When a batch fails, each of its items is handled alone, so that one of them does not
 * fail the others. Whoever adds bounds how many wait.
 */
export class Batches<T, R> {
  private waiting: Waiting<T, R>[] = [];
  private running = 0;
  /** Keys of the batches under way. */
  private readonly busy = new Set<string>();

  constructor(
    /** One result for each item, in their order. */
    private readonly handle: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly rules: BatchRules<T>,
  ) {}

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.start();
    });
  }

  private start(): void {
    while (this.running < this.rules.atOnce) {
      const batch = this.take();
      if (batch.length === 0) return;
      this.running++;
      void this.run(batch).finally(() => {
        this.running--;
        for (const { item } of batch) this.busy.delete(this.rules.keyOf(item));
        this.start();
      });
    }
  }

  private take(): readonly Waiting<T, R>[] {
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
      else for (const one of batch) await this.run([one]);
    }
  }
}
