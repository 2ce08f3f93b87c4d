import type { ApiToken } from '@paravcl/shared/api/api-tokens';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Role } from '@paravcl/shared/domain/people';
import type { Knex } from 'knex';

export interface ApiTokenRecord {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly scope: ApiToken['scope'];
  readonly hint: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly lastUsedAt: EpochMs | null;
}

/** A token that was shown, with what the edge must know of its owner. */
export interface ShownApiToken {
  readonly token: ApiTokenRecord;
  readonly userName: string;
  readonly role: Role;
  readonly disabled: boolean;
}

interface Row {
  readonly id: string;
  readonly user_id: string;
  readonly name: string;
  readonly scope: ApiToken['scope'];
  readonly hint: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly last_used_at: Date | null;
}

const columns = ['t.id', 't.user_id', 't.name', 't.scope', 't.hint', 't.created_at', 't.expires_at', 't.last_used_at'] as const;

/** Tokens of people's own programs; of the secret there is its hash alone. */
export class ApiTokenRepository {
  constructor(private readonly db: Knex) {}

  async insert(token: ApiTokenRecord, tokenHash: string): Promise<void> {
    await this.db('api_tokens').insert({
      id: token.id,
      token_hash: tokenHash,
      user_id: token.userId,
      name: token.name,
      scope: token.scope,
      hint: token.hint,
      created_at: new Date(token.createdAt),
      expires_at: new Date(token.expiresAt),
      last_used_at: null,
    });
  }

  async findByTokenHash(tokenHash: string): Promise<ShownApiToken | null> {
    const row = (await this.db('api_tokens as t').join('users as u', 'u.id', 't.user_id').where('t.token_hash', tokenHash).first(...columns, 'u.name as user_name', 'u.role', 'u.disabled')) as
      | (Row & { readonly user_name: string; readonly role: Role; readonly disabled: number })
      | undefined;
    return row === undefined ? null : { token: fromRow(row), userName: row.user_name, role: row.role, disabled: row.disabled !== 0 };
  }

  /** One person's, newest first, expired ones too. */
  async ofUser(userId: string): Promise<readonly ApiTokenRecord[]> {
    return ((await this.db('api_tokens as t').where('t.user_id', userId).orderBy('t.id', 'desc').select(...columns)) as readonly Row[]).map(fromRow);
  }

  /** Those of one person that still open something. */
  async countOpen(userId: string, now: EpochMs): Promise<number> {
    const [row] = (await this.db('api_tokens').where('user_id', userId).where('expires_at', '>', new Date(now)).count({ n: '*' })) as unknown as readonly { readonly n: number }[];
    return Number(row?.n ?? 0);
  }

  async touch(id: string, now: EpochMs): Promise<void> {
    await this.db('api_tokens').where({ id }).update({ last_used_at: new Date(now) });
  }

  /** Null when it is not there, or somebody else's. */
  async remove(id: string, userId: string): Promise<ApiTokenRecord | null> {
    const row = (await this.db('api_tokens as t').where({ 't.id': id, 't.user_id': userId }).forUpdate().first(...columns)) as Row | undefined;
    if (row === undefined) return null;
    await this.db('api_tokens').where({ id }).delete();
    return fromRow(row);
  }

  /** At most `limit` of those that expired before then; says how many. */
  async deleteExpiredBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('api_tokens').where('expires_at', '<', new Date(before)).limit(limit).delete();
  }
}

const fromRow = (row: Row): ApiTokenRecord => ({
  id: row.id,
  userId: row.user_id,
  name: row.name,
  scope: row.scope,
  hint: row.hint,
  createdAt: row.created_at.getTime(),
  expiresAt: row.expires_at.getTime(),
  lastUsedAt: row.last_used_at?.getTime() ?? null,
});
