/** Who asks again for want of an answer does so at once. Later it is something new: the same machine, saved again, is resumed again. */
const keptMs = 2 * 60_000;

/**
 * Idempotency-Keys, one for each thing that somebody wants done. It is kept until the master has said that it is done, so that one who
 * asks again after a lost answer, a timeout or a fault gets what the first request made and not a second of it. A request that the
 * master refused made nothing there: it may be asked again under its key. What is wanted anew after it was done is another thing.
 */
export class IntentKeys {
  private readonly keys = new Map<string, { readonly key: string; failedAtMs: number | null }>();

  constructor(
    private readonly newKey: () => string = () => crypto.randomUUID(),
    private readonly nowMs: () => number = () => Date.now(),
  ) {}

  /** Asks for what is wanted, under its key. */
  async ask<Answer>(wanted: unknown, ask: (key: string) => Promise<Answer>): Promise<Answer> {
    const what = JSON.stringify(wanted);
    const before = this.keys.get(what);
    const isOver = before === undefined || (before.failedAtMs !== null && this.nowMs() - before.failedAtMs > keptMs);
    const intent = isOver ? { key: this.newKey(), failedAtMs: null } : before;
    this.keys.set(what, intent);
    try {
      const answer = await ask(intent.key);
      if (this.keys.get(what) === intent) this.keys.delete(what);
      return answer;
    } catch (error) {
      intent.failedAtMs = this.nowMs();
      throw error;
    }
  }
}
