import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import type { SeriesRecord } from '../core/reservation-record';

interface SeriesRow {
  readonly id: string;
  readonly user_id: string;
  readonly reservation_id: string;
  readonly next_start: string | null;
  readonly until_date: string;
  readonly minutes: number;
}

const columns = ['id', 'user_id', 'reservation_id', 'next_start', 'until_date', 'minutes'] as const satisfies readonly (keyof SeriesRow)[];

const fromRow = (row: SeriesRow): SeriesRecord => ({
  id: row.id,
  userId: row.user_id,
  reservationId: row.reservation_id,
  nextStart: row.next_start,
  until: row.until_date,
  minutes: row.minutes,
});

/** Whose rules say how near its next week has to be. */
export type DueSeries = SeriesRecord & { readonly groupName: string | null };

/** Weekly repeats of reservations. Their times are of the site's zone, as text: what UTC they mean is known when their week comes. */
export class SeriesRepository {
  constructor(private readonly db: Knex) {}

  async insert(series: SeriesRecord, now: EpochMs): Promise<void> {
    await this.db('reservation_series').insert({
      id: series.id,
      user_id: series.userId,
      reservation_id: series.reservationId,
      next_start: series.nextStart,
      until_date: series.until,
      minutes: series.minutes,
      created_at: new Date(now),
    });
  }

  async find(id: string): Promise<SeriesRecord | null> {
    const row = await this.db<SeriesRow>('reservation_series').where({ id }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Those whose next one begins before this local time ("2026-10-27T10:00"), the earliest first, with the name of the group they are for. */
  async due(localUntil: string): Promise<readonly DueSeries[]> {
    const rows = (await this.db('reservation_series as s')
      .join('reservations as r', 'r.id', 's.reservation_id')
      .leftJoin('user_groups as g', 'g.id', 'r.group_id')
      .where('s.next_start', '<', localUntil)
      .orderBy(['s.next_start', 's.id'])
      .select(...columns.map((column) => `s.${column}`), 'g.name as group_name')) as readonly (SeriesRow & { readonly group_name: string | null })[];
    return rows.map((row) => ({ ...fromRow(row), groupName: row.group_name }));
  }

  async change(id: string, change: Pick<SeriesRecord, 'nextStart'>): Promise<void> {
    await this.db('reservation_series').where({ id }).update({ next_start: change.nextStart });
  }
}
