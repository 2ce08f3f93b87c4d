import type { Clock, EpochMs } from '@paravcl/shared/clock';

/** Which sessions go on: `SessionRepository`. */
export interface LivingSessions {
  livingAmong(ids: readonly string[], now: EpochMs, idleSince: EpochMs): Promise<readonly string[]>;
}

/**
 * Ends what stays open beside a session's requests, its feed and its consoles, when the session ends: by logout, a new password, a
 * disabled account, another role or its time. Found by asking the books each round, so nothing that ends a session has to know of it.
 */
export class SessionWatch {
  private readonly watched = new Map<string, Set<() => void>>();

  constructor(
    private readonly sessions: LivingSessions,
    private readonly clock: Clock,
    private readonly idleMs: number,
  ) {}

  /** `ended` is called once, within a round of the session's end. The answer takes that back. */
  watch(sessionId: string, ended: () => void): () => void {
    const of = this.watched.get(sessionId) ?? new Set();
    this.watched.set(sessionId, of);
    const call = (): void => ended();
    of.add(call);
    return () => {
      of.delete(call);
      if (of.size === 0 && this.watched.get(sessionId) === of) this.watched.delete(sessionId);
    };
  }

  /** One round: a job. */
  async run(): Promise<void> {
    const ids = [...this.watched.keys()];
    if (ids.length === 0) return;
    const now = this.clock.now();
    const living = new Set(await this.sessions.livingAmong(ids, now, now - this.idleMs));
    for (const id of ids) {
      if (living.has(id)) continue;
      const calls = this.watched.get(id) ?? new Set();
      this.watched.delete(id);
      for (const ended of calls) ended();
    }
  }
}
