import type { EpochMs } from '@paravcl/shared/clock';
import type { Role } from '@paravcl/shared/domain/people';
import type { Knex } from 'knex';

export interface NewSession {
  readonly id: string;
  readonly tokenHash: string;
  readonly userId: string;
  readonly expiresAt: EpochMs;
  readonly clientAddress: string;
}

/** A session with what the edge must know of its user. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  readonly userName: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly lastUsedAt: EpochMs;
  readonly expiresAt: EpochMs;
}

export class SessionRepository {
  constructor(private readonly db: Knex) {}

  async findByTokenHash(tokenHash: string): Promise<Session | null> {
    const row = (await this.db('sessions as s')
      .join('users as u', 'u.id', 's.user_id')
      .where('s.token_hash', tokenHash)
      .first('s.id', 's.user_id', 's.last_used_at', 's.expires_at', 'u.name', 'u.role', 'u.disabled')) as
      | { id: string; user_id: string; last_used_at: Date; expires_at: Date; name: string; role: Role; disabled: number }
      | undefined;
    if (row === undefined) return null;
    return {
      id: row.id,
      userId: row.user_id,
      userName: row.name,
      role: row.role,
      disabled: row.disabled !== 0,
      lastUsedAt: row.last_used_at.getTime(),
      expiresAt: row.expires_at.getTime(),
    };
  }

  async insert(session: NewSession, now: EpochMs): Promise<void> {
    await this.db('sessions').insert({
      id: session.id,
      token_hash: session.tokenHash,
      user_id: session.userId,
      created_at: new Date(now),
      last_used_at: new Date(now),
      expires_at: new Date(session.expiresAt),
      client_address: session.clientAddress,
    });
  }

  async touch(id: string, now: EpochMs): Promise<void> {
    await this.db('sessions').where('id', id).update({ last_used_at: new Date(now) });
  }

  async delete(id: string): Promise<void> {
    await this.db('sessions').where('id', id).delete();
  }

  /** Those of these that can still be used. */
  async livingAmong(ids: readonly string[], now: EpochMs, idleSince: EpochMs): Promise<readonly string[]> {
    const rows = (await this.db('sessions as s')
      .join('users as u', 'u.id', 's.user_id')
      .whereIn('s.id', [...ids])
      .where('s.expires_at', '>', new Date(now))
      .where('s.last_used_at', '>', new Date(idleSince))
      .where('u.disabled', false)
      .select('s.id')) as readonly { id: string }[];
    return rows.map((row) => row.id);
  }

  /** All of a user's sessions, except one when given. */
  async deleteOfUser(userId: string, exceptId?: string): Promise<void> {
    const query = this.db('sessions').where('user_id', userId);
    if (exceptId !== undefined) void query.whereNot('id', exceptId);
    await query.delete();
  }

  /** At most `limit` of those that ended by their absolute end, or are idle since `idleSince`; says how many. */
  async deleteEnded(now: EpochMs, idleSince: EpochMs, limit: number): Promise<number> {
    return this.db('sessions').where('expires_at', '<=', new Date(now)).orWhere('last_used_at', '<=', new Date(idleSince)).limit(limit).delete();
  }
}
