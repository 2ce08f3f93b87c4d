import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import type { PastUsage, UsageBook } from '../core/past-usage';

interface PastUsageRow {
  readonly kind: keyof UsageBook;
  readonly subject_id: string;
  readonly core_hours: number;
  readonly counted_at: Date;
}

/** So many rows are written by one statement. */
const batch = 500;

/** What people and groups had of the pool, fading. */
export class PastUsageRepository {
  constructor(private readonly db: Knex) {}

  async all(): Promise<UsageBook> {
    const rows = await this.db<PastUsageRow>('past_usage').select('kind', 'subject_id', 'core_hours', 'counted_at');
    const of = (kind: keyof UsageBook): ReadonlyMap<string, PastUsage> =>
      new Map(rows.filter((row) => row.kind === kind).map((row) => [row.subject_id, { coreHours: row.core_hours, countedAt: row.counted_at.getTime() }]));
    return { user: of('user'), group: of('group') };
  }

  /** Writes what is left of these at `countedAt`, in place of what was known. */
  async put(kind: keyof UsageBook, coreHours: ReadonlyMap<string, number>, countedAt: EpochMs): Promise<void> {
    const rows = [...coreHours].map(([subject_id, core_hours]): PastUsageRow => ({ kind, subject_id, core_hours, counted_at: new Date(countedAt) }));
    for (let from = 0; from < rows.length; from += batch) {
      await this.db<PastUsageRow>('past_usage').insert(rows.slice(from, from + batch)).onConflict(['kind', 'subject_id']).merge(['core_hours', 'counted_at']);
    }
  }

  /** Those of whom nothing was counted since are forgotten. */
  async forget(before: EpochMs): Promise<void> {
    await this.db<PastUsageRow>('past_usage').where('counted_at', '<', new Date(before)).delete();
  }
}
