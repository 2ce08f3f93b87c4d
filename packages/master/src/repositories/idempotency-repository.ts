import type { EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';
import { isDuplicateKey } from '../db/connection';

interface IdempotencyRow {
  readonly user_id: string;
  readonly idempotency_key: string;
  readonly request_hash: string;
  readonly subject_id: string;
  readonly status: number | null;
  readonly response: string | null;
  readonly created_at: Date;
}

/**
 * `first`: the caller is the one to do it, and calls `finish` or `forget`. `running`: the first request with
 * this key has not been answered. `mismatch`: the key was used for another request. `subjectId` is reserved
 * for what the request makes, the same however often it is begun.
 */
export type Begun =
  | { readonly kind: 'first'; readonly subjectId: string }
  | { readonly kind: 'running'; readonly subjectId: string }
  | { readonly kind: 'mismatch' }
  /** `answer` as it was given to `finish`; `begunAt`: when the key was claimed first. */
  | { readonly kind: 'answered'; readonly status: number; readonly answer: string; readonly begunAt: EpochMs };

/** Requests by the key their sender gave them, so that one sent twice is done once. The primary key decides races. */
export class IdempotencyRepository {
  constructor(private readonly db: Knex) {}

  /** Claims the key. `requestHash` is SHA-256 over method, path and body in hexadecimal. Call it outside a transaction. */
  async begin(userId: string, key: string, requestHash: string, now: EpochMs): Promise<Begun> {
    const subjectId = newId(now);
    for (;;) {
      try {
        await this.rows().insert({ user_id: userId, idempotency_key: key, request_hash: requestHash, subject_id: subjectId, created_at: new Date(now) });
        return { kind: 'first', subjectId };
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const first = await this.look(userId, key, requestHash);
      // Null: forgotten between the two statements, and the key is free again.
      if (first !== null) return first;
    }
  }

  /** What `begin` would answer, without claiming the key; null when it is free. */
  async look(userId: string, key: string, requestHash: string): Promise<Exclude<Begun, { kind: 'first' }> | null> {
    const row = await this.rows().select('request_hash', 'subject_id', 'status', 'response', 'created_at').where(identity(userId, key)).first();
    if (row === undefined) return null;
    if (row.request_hash !== requestHash) return { kind: 'mismatch' };
    return row.status === null ? { kind: 'running', subjectId: row.subject_id } : { kind: 'answered', status: row.status, answer: row.response ?? '', begunAt: row.created_at.getTime() };
  }

  /** Keeps the answer for whoever sends the same request again. */
  async finish(userId: string, key: string, subjectId: string, status: number, answer: string): Promise<void> {
    await this.rows().where({ ...identity(userId, key), subject_id: subjectId }).update({ status, response: answer });
  }

  /** Gives the key back: nothing was done under this subject. A key that somebody else has claimed since is theirs. */
  async forget(userId: string, key: string, subjectId: string): Promise<void> {
    await this.rows().where({ ...identity(userId, key), subject_id: subjectId }).delete();
  }

  /** At most `limit`; says how many. */
  async deleteOlderThan(before: EpochMs, limit: number): Promise<number> {
    return this.rows().where('created_at', '<', new Date(before)).limit(limit).delete();
  }

  private rows(): Knex.QueryBuilder<IdempotencyRow, IdempotencyRow[]> {
    return this.db<IdempotencyRow>('idempotency_keys');
  }
}

function identity(userId: string, key: string): Pick<IdempotencyRow, 'user_id' | 'idempotency_key'> {
  return { user_id: userId, idempotency_key: key };
}
