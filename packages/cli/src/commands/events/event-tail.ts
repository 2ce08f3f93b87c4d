import type { ItemOf } from '../../context';

export type SiteEvent = ItemOf<'get /events'>;

/** Events are written in the order of their transactions' ends, not of their times: one may appear behind another that is this much younger. */
const overlapMs = 10_000;

/**
 * What is new of a list of events that is asked for again and again. All times are the master's own: this machine's clock may be another. Ids are in the
 * order of times.
 */
export class EventTail {
  private newest: string | null;
  private seen: ReadonlyMap<string, string>;
  private isBegun = false;

  /** `last`: those that were told already, oldest first; `from`: none before are wanted. */
  constructor(
    private readonly last: readonly SiteEvent[],
    private readonly from: string | undefined,
  ) {
    this.newest = last.at(-1)?.at ?? null;
    this.seen = new Map(last.map(({ id, at }) => [id, at]));
  }

  /** Since when the list is to be asked for; undefined: all of it, for nothing of this kind ever happened. */
  get since(): string | undefined {
    if (this.newest === null) return this.from;
    const since = new Date(Date.parse(this.newest) - overlapMs).toISOString();
    return this.from !== undefined && this.from > since ? this.from : since;
  }

  /** Of what was answered, newest first, that which is to be told, oldest first. */
  fresh(items: readonly SiteEvent[]): readonly SiteEvent[] {
    // What lies before the first that was told had its place in that list, and was left out of it by its length.
    const first = this.isBegun ? undefined : this.last[0]?.id;
    this.isBegun = true;
    const fresh = items.filter(({ id }) => !this.seen.has(id) && (first === undefined || id > first)).reverse();
    for (const { at } of fresh) if (this.newest === null || at > this.newest) this.newest = at;
    const { since } = this;
    this.seen = new Map([...this.seen, ...items.map(({ id, at }) => [id, at] as const)].filter(([, at]) => since === undefined || at >= since));
    return fresh;
  }
}
