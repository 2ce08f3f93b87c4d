import type { SiteEvent } from '@paravcl/shared/api/events';
import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';
import { firstIdOf } from './first-id';
import { insertRows } from './insert-rows';
import { likeLiteral, newestFirst, type PageRequest } from './newest-first';

export interface NewEvent {
  /** noun.verb: slave.enrolled, user.login-failed, instance.created */
  readonly kind: string;
  readonly subjectType: SiteEvent['subject']['type'];
  readonly subjectId: string | null;
  /** "user alice", "slave lab-pc-07", "master" */
  readonly actor: string;
  readonly actorUserId: string | null;
  readonly clientAddress: string | null;
  /** One sentence for people, without secrets. */
  readonly sentence: string;
}

export interface EventFilter extends PageRequest {
  /** The kind or its beginning. */
  readonly kind?: string | undefined;
  readonly subjectId?: string | undefined;
  readonly actorUserId?: string | undefined;
  /** From this time on. */
  readonly since?: EpochMs | undefined;
  /** Before this time. */
  readonly until?: EpochMs | undefined;
}

interface EventRow {
  readonly id: string;
  readonly at: Date;
  readonly kind: string;
  readonly subject_type: SiteEvent['subject']['type'];
  readonly subject_id: string | null;
  readonly actor: string;
  readonly actor_user_id: string | null;
  readonly client_address: string | null;
  readonly sentence: string;
}

export function eventToRow(event: NewEvent, now: EpochMs): EventRow {
  return {
    id: newId(now),
    at: new Date(now),
    kind: event.kind,
    subject_type: event.subjectType,
    subject_id: event.subjectId,
    actor: event.actor.slice(0, 120),
    actor_user_id: event.actorUserId,
    client_address: event.clientAddress,
    sentence: event.sentence.slice(0, 1000),
  };
}

/** The append-only log of who did what to what. */
export class EventRepository {
  constructor(private readonly db: Knex) {}

  async append(event: NewEvent, now: EpochMs): Promise<void> {
    await this.appendAll([event], now);
  }

  /** In their order. */
  async appendAll(events: readonly NewEvent[], now: EpochMs): Promise<void> {
    await insertRows(this.db, 'events', events.map((event) => eventToRow(event, now)));
  }

  /** At most `limit`, oldest first; says how many. */
  async deleteBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('events').where('id', '<', firstIdOf(before)).orderBy('id').limit(limit).delete();
  }

  async page(filter: EventFilter): Promise<Page<SiteEvent>> {
    const query = this.db('events').select('id', 'at', 'kind', 'subject_type', 'subject_id', 'actor', 'actor_user_id', 'client_address', 'sentence');
    const { kind, subjectId, actorUserId, since, until } = filter;
    if (kind !== undefined && kind !== '') void query.whereILike('kind', `${likeLiteral(kind)}%`);
    if (subjectId !== undefined) void query.where('subject_id', subjectId);
    if (actorUserId !== undefined) void query.where('actor_user_id', actorUserId);
    if (since !== undefined) void query.where('at', '>=', new Date(since));
    if (until !== undefined) void query.where('at', '<', new Date(until));
    const page = await newestFirst<EventRow>(query, 'id', filter);
    return { items: page.items.map(toEvent), next: page.next };
  }
}

function toEvent(row: EventRow): SiteEvent {
  return {
    id: row.id,
    at: row.at.toISOString(),
    kind: row.kind,
    subject: { type: row.subject_type, id: row.subject_id },
    actor: row.actor,
    actorUserId: row.actor_user_id,
    clientAddress: row.client_address,
    sentence: row.sentence,
  };
}
