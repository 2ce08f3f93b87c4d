import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Decision } from '@paravcl/shared/domain/decision';
import type { Knex } from 'knex';
import { runBound } from '../db/bound-statement';
import { decisionColumns, decisionFromRow, decisionToRow, type DecisionRecord, type DecisionRow } from './decision-rows';
import { firstIdOf } from './first-id';
import { insertRows } from './insert-rows';
import { newestFirst, type PageRequest } from './newest-first';

const insertInputs = 'INSERT INTO decision_inputs (hash, body, created_at) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE';

/** What the scheduler decided, whole, and what it was made of. */
export class DecisionRepository {
  constructor(private readonly db: Knex) {}

  async insert(record: DecisionRecord): Promise<void> {
    await this.insertAll([record]);
  }

  async insertAll(records: readonly DecisionRecord[]): Promise<void> {
    await insertRows(this.db, 'decisions', records.map(decisionToRow));
  }

  async find(id: string): Promise<{ readonly decision: Decision; readonly userId: string; readonly groupId: string | null } | null> {
    const row = await this.db<DecisionRow>('decisions').where({ id }).first(...decisionColumns, 'user_id', 'group_id');
    return row === undefined ? null : { decision: decisionFromRow(row), userId: row.user_id, groupId: row.group_id };
  }

  /** Of one instance or reservation, newest first. Throws `invalid-input` for a cursor that is none. */
  async page(filter: PageRequest & { readonly subjectId: string }): Promise<Page<Decision>> {
    const query = this.db('decisions').where({ subject_id: filter.subjectId }).select(...decisionColumns);
    const found = await newestFirst<DecisionRow>(query, 'id', filter);
    return { items: found.items.map(decisionFromRow), next: found.next };
  }

  /** Of a time, oldest first, after the one with this id: which were made of the same. */
  async between({ since, until, after, limit }: { readonly since: EpochMs; readonly until: EpochMs; readonly after: string | null; readonly limit: number }): Promise<readonly { readonly id: string; readonly inputsHash: string }[]> {
    const query = this.db('decisions').where('id', '>=', firstIdOf(since)).where('id', '<', firstIdOf(until)).select('id', 'inputs_hash as inputsHash').orderBy('id').limit(limit);
    if (after !== null) void query.where('id', '>', after);
    return (await query) as readonly { readonly id: string; readonly inputsHash: string }[];
  }

  /** Those of these ids that there are, oldest first. */
  async these(ids: readonly string[]): Promise<readonly Decision[]> {
    const rows = await this.db<DecisionRow>('decisions').whereIn('id', [...ids]).select(...decisionColumns).orderBy('id');
    return rows.map(decisionFromRow);
  }

  /** The others that were made of the same inputs as this one, and itself; oldest first. Those of a round lie close together. */
  async madeOfTheSame({ inputsHash, at }: Pick<Decision, 'inputsHash' | 'at'>, withinMs: number): Promise<readonly Decision[]> {
    const made = Date.parse(at);
    const rows: readonly DecisionRow[] = await this.db('decisions')
      .where('id', '>=', firstIdOf(made - withinMs))
      .where('id', '<', firstIdOf(made + withinMs))
      .where({ inputs_hash: inputsHash })
      .select(...decisionColumns)
      .orderBy('id');
    return rows.map(decisionFromRow);
  }

  /** At most `limit`, oldest first; says how many. */
  async deleteBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('decisions').where('id', '<', firstIdOf(before)).orderBy('id').limit(limit).delete();
  }

  /** Kept once however many decisions were made of it, and as long as the newest of them. `body` is gzip'ed JSON. */
  async keepInputs(hash: string, body: Buffer, now: EpochMs): Promise<void> {
    await runBound(this.db, `${insertInputs} created_at = VALUES(created_at)`, [hash, body, new Date(now)]);
  }

  /** The same inputs told otherwise, under the hash that they have. */
  async tellInputsAnew(hash: string, body: Buffer, now: EpochMs): Promise<void> {
    await runBound(this.db, `${insertInputs} body = VALUES(body)`, [hash, body, new Date(now)]);
  }

  /** gzip'ed JSON; null when there is none of this hash, or it was too old to be kept. */
  async inputs(hash: string): Promise<Buffer | null> {
    const row = (await this.db('decision_inputs').where({ hash }).first('body')) as { readonly body: Buffer } | undefined;
    return row?.body ?? null;
  }

  /** At most `limit`, oldest first; says how many. */
  async deleteInputsBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('decision_inputs').where('created_at', '<', new Date(before)).orderBy('created_at').limit(limit).delete();
  }
}
