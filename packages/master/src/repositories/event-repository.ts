import { newId } from '@paravcl/shared/ids';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';

export interface NewEvent {
  /** noun.verb: slave.enrolled, user.login-failed, instance.created */
  readonly kind: string;
  readonly subjectType: 'slave' | 'user' | 'group' | 'image' | 'instance' | 'join-token' | 'site';
  readonly subjectId: string | null;
  /** "user alice", "slave lab-pc-07", "master" */
  readonly actor: string;
  readonly actorUserId: string | null;
  readonly clientAddress: string | null;
  /** One sentence for people, without secrets. */
  readonly sentence: string;
}

/** The append-only log of who did what to what. */
export class EventRepository {
  constructor(private readonly db: Knex) {}

  async append(event: NewEvent, now: EpochMs): Promise<void> {
    await this.db('events').insert({
      id: newId(now),
      at: new Date(now),
      kind: event.kind,
      subject_type: event.subjectType,
      subject_id: event.subjectId,
      actor: event.actor.slice(0, 120),
      actor_user_id: event.actorUserId,
      client_address: event.clientAddress,
      sentence: event.sentence.slice(0, 1000),
    });
  }
}
