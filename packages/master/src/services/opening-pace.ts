import type { EpochMs } from '@paravcl/shared/clock';

/** Each connection costs the books two events and the slave a dial: so many a second, for ever. */
const perSecond = 5;

/** How fast one person opens connections: `burst` at once, then five a second (a token bucket, RFC 2697 with one rate). */
export class OpeningPace {
  /** By person: what is left of the burst, and when that was so. Who has all of it is not kept. */
  private readonly left = new Map<string, { readonly tokens: number; readonly at: EpochMs }>();

  constructor(private readonly burst: number) {}

  /** Takes one; answers 0, or the seconds after which there is one again. */
  take(userId: string, now: EpochMs): number {
    for (const [id, each] of this.left) if (this.tokensOf(each, now) >= this.burst) this.left.delete(id);
    const there = this.left.get(userId);
    const tokens = there === undefined ? this.burst : this.tokensOf(there, now);
    if (tokens < 1) return Math.ceil((1 - tokens) / perSecond);
    this.left.set(userId, { tokens: tokens - 1, at: now });
    return 0;
  }

  private tokensOf({ tokens, at }: { readonly tokens: number; readonly at: EpochMs }, now: EpochMs): number {
    return Math.min(this.burst, tokens + (Math.max(0, now - at) / 1000) * perSecond);
  }
}
