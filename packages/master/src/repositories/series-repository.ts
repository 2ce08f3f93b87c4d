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

  /** Those whose next one begins before this local time ("2026-10-27T10:00"), the earliest first. */
  async due(localUntil: string): Promise<readonly SeriesRecord[]> {
    return (await this.db<SeriesRow>('reservation_series').where('next_start', '<', localUntil).orderBy(['next_start', 'id']).select(...columns)).map(fromRow);
  }

  async change(id: string, change: Pick<SeriesRecord, 'nextStart'>): Promise<void> {
    await this.db('reservation_series').where({ id }).update({ next_start: change.nextStart });
  }
}
