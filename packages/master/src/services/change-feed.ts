import { feedTopicSchema, type FeedMessage, type FeedTopic } from '@paravcl/shared/api/feed';
import type { Action } from '@paravcl/shared/api/actions';
import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Change, CommittedChanges, SeenBy, WrittenTopic } from '../repositories/committed-changes';
import type { Shown } from '../repositories/feed-repository';
import { runsSite } from './image-access';
import { may } from './policy';

/** What the feed asks: `FeedRepository`. */
export interface FeedBooks {
  seenBy(topic: WrittenTopic, ids: readonly string[]): Promise<readonly Shown[]>;
  principals(userIds: readonly string[]): Promise<ReadonlyMap<string, Principal>>;
}

export interface FeedParts {
  readonly changes: CommittedChanges;
  readonly books: FeedBooks;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/** One open feed: called with a whole message, as text. */
export type Tell = (message: string) => void;

/** Changes are gathered for this long. */
const gatherMs = 200;
/** A topic that changes all the time is told at most this often: slaves describe themselves, and everybody is told of the pool. */
const atMostEveryMs: Readonly<Partial<Record<FeedTopic, number>>> = { slaves: 2000, pool: 1000 };
/** Groups and roles of who listens are read again after this time, and at once when a group changed. */
const principalsLastMs = 30_000;
const retryMs = 1000;
/** Things of one topic that are looked at singly; of more, everybody is told that all of the topic may have changed. */
const mostThings = 5000;
/** Ids of one topic in one message; whoever sees more of what changed is told that all of it may have. */
const mostIds = 200;

/** What free room and the queue follow from. */
const poolFollows: ReadonlySet<FeedTopic> = new Set<FeedTopic>(['instances', 'reservations', 'slaves']);

/** Who sees what changed: the actions of the routes that show it. Images and notices have rules of their own. */
const seeing: Readonly<Partial<Record<FeedTopic, Action>>> = {
  instances: 'instance.see',
  reservations: 'reservation.see',
  slaves: 'slave.see',
  templates: 'template.see',
  snapshots: 'snapshot.see',
  deployments: 'deployment.see',
  operations: 'operation.see',
  groups: 'group.see',
  connections: 'connection.list',
};

interface Gathered {
  /** To be asked for in the books. */
  readonly ids: Set<string>;
  /** Of which we were told whose they are. */
  readonly shown: Shown[];
  all: boolean;
}

/**
 * Tells who listens what changed of the things they may see. It is told of every committed write (`CommittedChanges`), gathers for a
 * moment, asks the books once a topic whose the things are, and tells each person of theirs: never more than the routes would show.
 * While nobody listens it hears nothing.
 */
export class ChangeFeed {
  private readonly listeners = new Map<string, Set<Tell>>();
  private principals: ReadonlyMap<string, Principal> = new Map();
  private principalsReadAt = Number.NEGATIVE_INFINITY;
  private gathered = new Map<FeedTopic, Gathered>();
  private readonly toldAt = new Map<FeedTopic, number>();
  private cancel: Cancel | null = null;
  private telling = false;
  private unhear: (() => void) | null = null;

  constructor(private readonly parts: FeedParts) {}

  /** Feeds that are open. */
  get size(): number {
    return [...this.listeners.values()].reduce((sum, tells) => sum + tells.size, 0);
  }

  /** From now on nothing is missed. The answer ends it. */
  listen({ userId }: Principal, tell: Tell): () => void {
    this.unhear ??= this.parts.changes.hear((changes) => this.gather(changes));
    const of = this.listeners.get(userId) ?? new Set<Tell>();
    this.listeners.set(userId, of);
    of.add(tell);
    // Who comes anew may have come back with another role.
    this.principalsReadAt = Number.NEGATIVE_INFINITY;
    return () => {
      of.delete(tell);
      if (of.size === 0 && this.listeners.get(userId) === of) this.listeners.delete(userId);
      if (this.listeners.size === 0) this.rest();
    };
  }

  /** Of a thing in no book: whose it is must be said. */
  changed(topic: 'connections', id: string, seenBy: SeenBy): void {
    if (this.listeners.size > 0) this.gather([{ topic, id, seenBy }]);
  }

  private rest(): void {
    this.unhear?.();
    this.unhear = null;
    this.cancel?.();
    this.cancel = null;
    this.gathered.clear();
  }

  private gather(changes: readonly Change[]): void {
    for (const { topic, id, seenBy } of changes) {
      const of = this.of(topic);
      if (of.all) continue;
      if (seenBy === undefined) of.ids.add(id);
      else of.shown.push({ id, seenBy });
      if (of.ids.size + of.shown.length > mostThings) this.takeAll(of);
      if (poolFollows.has(topic)) this.of('pool').all = true;
    }
    this.schedule(gatherMs);
  }

  private of(topic: FeedTopic): Gathered {
    const found = this.gathered.get(topic) ?? { ids: new Set(), shown: [], all: false };
    this.gathered.set(topic, found);
    return found;
  }

  private takeAll(of: Gathered): void {
    of.all = true;
    of.ids.clear();
    of.shown.length = 0;
  }

  private schedule(atLeastMs: number): void {
    if (this.cancel !== null || this.telling || this.gathered.size === 0) return;
    const now = this.parts.clock.monotonicMs();
    const wait = Math.max(atLeastMs, Math.min(...[...this.gathered.keys()].map((topic) => this.dueAt(topic) - now)));
    this.cancel = this.parts.clock.after(wait, () => {
      this.cancel = null;
      void this.tellDue();
    });
  }

  private dueAt(topic: FeedTopic): number {
    return (this.toldAt.get(topic) ?? Number.NEGATIVE_INFINITY) + (atMostEveryMs[topic] ?? 0);
  }

  private async tellDue(): Promise<void> {
    const now = this.parts.clock.monotonicMs();
    const due = [...this.gathered].filter(([topic]) => this.dueAt(topic) <= now);
    for (const [topic] of due) this.gathered.delete(topic);
    this.telling = true;
    try {
      const things = await Promise.all(due.map(async ([topic, of]) => [topic, await this.shown(topic, of)] as const));
      if (now - this.principalsReadAt >= principalsLastMs || due.some(([topic]) => topic === 'groups')) {
        // Read before they are used and after what changed, so that nobody is told by what they were before it.
        this.principalsReadAt = now;
        this.principals = await this.parts.books.principals([...this.listeners.keys()]);
      }
      for (const [topic] of due) this.toldAt.set(topic, now);
      for (const [userId, tells] of this.listeners) {
        const principal = this.principals.get(userId);
        if (principal === undefined) continue;
        const changes = changesFor(principal, things);
        if (changes.length === 0) continue;
        const message = JSON.stringify({ type: 'changed', changes } satisfies FeedMessage);
        for (const tell of [...tells]) tell(message);
      }
      this.telling = false;
      this.schedule(gatherMs);
    } catch (error) {
      this.parts.onFault(error);
      this.principalsReadAt = Number.NEGATIVE_INFINITY;
      this.putBack(due);
      this.telling = false;
      this.schedule(retryMs);
    }
  }

  /** Null: all of the topic. */
  private async shown(topic: FeedTopic, of: Gathered): Promise<readonly Shown[] | null> {
    if (of.all || topic === 'pool') return null;
    return of.ids.size === 0 || topic === 'connections' ? of.shown : [...of.shown, ...(await this.parts.books.seenBy(topic, [...of.ids]))];
  }

  private putBack(due: readonly (readonly [FeedTopic, Gathered])[]): void {
    if (this.listeners.size === 0) return;
    for (const [topic, from] of due) {
      const of = this.of(topic);
      for (const id of from.ids) of.ids.add(id);
      of.shown.push(...from.shown);
      if (from.all || of.all || of.ids.size + of.shown.length > mostThings) this.takeAll(of);
    }
  }
}

const inOrder = new Map(feedTopicSchema.options.map((topic, at) => [topic, at]));

function changesFor(principal: Principal, things: readonly (readonly [FeedTopic, readonly Shown[] | null])[]): { topic: FeedTopic; ids: string[] | null }[] {
  const changes = things.flatMap(([topic, shown]) => {
    if (shown === null) return [{ topic, ids: null }];
    const ids = [...new Set(shown.filter(({ seenBy }) => maySee(principal, topic, seenBy)).map(({ id }) => id))];
    return ids.length === 0 ? [] : [{ topic, ids: ids.length > mostIds ? null : ids }];
  });
  return changes.sort((one, other) => (inOrder.get(one.topic) ?? 0) - (inOrder.get(other.topic) ?? 0));
}

function maySee(principal: Principal, topic: FeedTopic, seenBy: SeenBy): boolean {
  if (seenBy.everybody === true) return true;
  if (seenBy.audience?.some((id) => principal.groupIds.includes(id) || principal.ownedGroupIds.includes(id)) === true) return true;
  const action = seeing[topic];
  if (action !== undefined) return may(principal, action, seenBy);
  return seenBy.ownerUserId === principal.userId || (topic === 'images' && runsSite(principal));
}
