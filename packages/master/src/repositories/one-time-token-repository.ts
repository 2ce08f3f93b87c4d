import type { EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';

/** `setup` makes the first admin; `password` sets one user's password. */
export type OneTimePurpose = 'setup' | 'password';

export interface NewOneTimeToken {
  readonly purpose: OneTimePurpose;
  readonly tokenHash: string;
  readonly userId: string | null;
  readonly expiresAt: EpochMs;
}

export class OneTimeTokenRepository {
  constructor(private readonly db: Knex) {}

  async insert(token: NewOneTimeToken, now: EpochMs): Promise<void> {
    await this.db('one_time_tokens').insert({
      id: newId(now),
      purpose: token.purpose,
      token_hash: token.tokenHash,
      user_id: token.userId,
      created_at: new Date(now),
      expires_at: new Date(token.expiresAt),
      used_at: null,
    });
  }

  /** A token that would be taken now; null when it is unknown, of another purpose, used or expired. */
  async findOpen(purpose: OneTimePurpose, tokenHash: string, now: EpochMs): Promise<{ readonly userId: string | null } | null> {
    const row = (await this.open(purpose, now).where('token_hash', tokenHash).first('user_id')) as { user_id: string | null } | undefined;
    return row === undefined ? null : { userId: row.user_id };
  }

  /** Whether any token of the purpose would be taken now. */
  async anyOpen(purpose: OneTimePurpose, now: EpochMs): Promise<boolean> {
    return (await this.open(purpose, now).first('id')) !== undefined;
  }

  /** Uses the token up. False when it cannot be taken (any more): of two at once, one gets it. */
  async take(purpose: OneTimePurpose, tokenHash: string, now: EpochMs): Promise<boolean> {
    return (await this.open(purpose, now).where('token_hash', tokenHash).update({ used_at: new Date(now) })) === 1;
  }

  /** Those of a purpose, or of one user, that are not used yet stop working. */
  async revoke(purpose: OneTimePurpose, userId: string | null): Promise<void> {
    await this.db('one_time_tokens').where({ purpose, user_id: userId }).whereNull('used_at').delete();
  }

  /** At most `limit` of those that expired before then, used or not; says how many. */
  async deleteExpiredBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('one_time_tokens').where('expires_at', '<', new Date(before)).limit(limit).delete();
  }

  private open(purpose: OneTimePurpose, now: EpochMs): Knex.QueryBuilder {
    return this.db('one_time_tokens').where('purpose', purpose).whereNull('used_at').where('expires_at', '>', new Date(now));
  }
}
