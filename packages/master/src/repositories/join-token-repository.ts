import type { JoinTokenState } from '@paravcl/shared/api/join-tokens';
import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import type { Knex } from 'knex';
import { newestFirst, type PageRequest } from './newest-first';

/** A join token as stored: without its secret. Times are epoch milliseconds. */
export interface JoinTokenRecord {
  readonly id: string;
  readonly kind: SlaveKind;
  readonly ownerUserId: string | null;
  readonly createdByUserId: string;
  readonly preapproved: boolean;
  readonly note: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly usedAt: EpochMs | null;
  readonly usedBySlaveId: string | null;
  readonly revokedAt: EpochMs | null;
}

interface Row {
  id: string;
  kind: SlaveKind;
  owner_user_id: string | null;
  created_by_user_id: string;
  preapproved: number;
  note: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  used_by_slave_id: string | null;
  revoked_at: Date | null;
}

const columns = ['id', 'kind', 'owner_user_id', 'created_by_user_id', 'preapproved', 'note', 'created_at', 'expires_at', 'used_at', 'used_by_slave_id', 'revoked_at'];

export class JoinTokenRepository {
  constructor(private readonly db: Knex) {}

  async insert(token: JoinTokenRecord, tokenHash: string): Promise<void> {
    await this.db('join_tokens').insert({
      id: token.id,
      token_hash: tokenHash,
      kind: token.kind,
      owner_user_id: token.ownerUserId,
      created_by_user_id: token.createdByUserId,
      preapproved: token.preapproved ? 1 : 0,
      note: token.note,
      created_at: new Date(token.createdAt),
      expires_at: new Date(token.expiresAt),
    });
  }

  async find(id: string): Promise<JoinTokenRecord | null> {
    const row = (await this.db('join_tokens').select(columns).where({ id }).first()) as Row | undefined;
    return row === undefined ? null : record(row);
  }

  async findByHash(tokenHash: string): Promise<JoinTokenRecord | null> {
    const row = (await this.db('join_tokens').select(columns).where({ token_hash: tokenHash }).first()) as Row | undefined;
    return row === undefined ? null : record(row);
  }

  /** Newest first. Throws `invalid-input` for a cursor that is none. */
  async page(filter: PageRequest & { readonly createdByUserId?: string | undefined; readonly state?: JoinTokenState | undefined }, now: EpochMs): Promise<Page<JoinTokenRecord>> {
    const query = this.db('join_tokens').select(columns);
    if (filter.createdByUserId !== undefined) void query.where('created_by_user_id', filter.createdByUserId);
    // The same precedence as joinTokenState: used, revoked, expired, open.
    if (filter.state === 'used') void query.whereNotNull('used_at');
    else if (filter.state !== undefined) {
      void query.whereNull('used_at');
      if (filter.state === 'revoked') void query.whereNotNull('revoked_at');
      else void query.whereNull('revoked_at').where('expires_at', filter.state === 'expired' ? '<=' : '>', new Date(now));
    }
    const { items, next } = await newestFirst<Row>(query, 'id', filter);
    return { items: items.map(record), next };
  }

  /** Takes the token for one slave. False when it is used, revoked or expired by now: somebody was first. */
  async consume(id: string, slaveId: string, now: EpochMs): Promise<boolean> {
    const at = new Date(now);
    const changed = await this.db('join_tokens').where({ id }).whereNull('used_at').whereNull('revoked_at').where('expires_at', '>', at).update({ used_at: at, used_by_slave_id: slaveId });
    return changed === 1;
  }

  /** At most `limit` of those that were used, revoked or expired before then; says how many. */
  async deleteEndedBefore(before: EpochMs, limit: number): Promise<number> {
    const at = new Date(before);
    return this.db('join_tokens')
      .where('used_at', '<', at)
      .orWhere((unused) => unused.whereNull('used_at').andWhere((ended) => ended.where('revoked_at', '<', at).orWhere('expires_at', '<', at)))
      .limit(limit)
      .delete();
  }

  /** False when it was used or revoked before. */
  async revoke(id: string, now: EpochMs): Promise<boolean> {
    const changed = await this.db('join_tokens').where({ id }).whereNull('used_at').whereNull('revoked_at').update({ revoked_at: new Date(now) });
    return changed === 1;
  }
}

function record(row: Row): JoinTokenRecord {
  return {
    id: row.id,
    kind: row.kind,
    ownerUserId: row.owner_user_id,
    createdByUserId: row.created_by_user_id,
    preapproved: row.preapproved === 1,
    note: row.note,
    createdAt: row.created_at.getTime(),
    expiresAt: row.expires_at.getTime(),
    usedAt: row.used_at?.getTime() ?? null,
    usedBySlaveId: row.used_by_slave_id,
    revokedAt: row.revoked_at?.getTime() ?? null,
  };
}
