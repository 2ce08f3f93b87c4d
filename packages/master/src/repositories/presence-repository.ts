import type { Knex } from 'knex';

/** How long each slave was online on which day (YYYY-MM-DD, of UTC), in milliseconds. */
export class PresenceRepository {
  constructor(private readonly db: Knex) {}

  async add(slaveId: string, day: string, ms: number): Promise<void> {
    await this.db.raw(
      'INSERT INTO slave_presence (slave_id, day, online_ms) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE online_ms = online_ms + VALUES(online_ms)',
      [slaveId, day, Math.round(ms)],
    );
  }

  /** By slave, from this day on, all days together; none for those that were not online. */
  async since(day: string): Promise<ReadonlyMap<string, number>> {
    const rows = (await this.db('slave_presence').where('day', '>=', day).groupBy('slave_id').select('slave_id').sum({ ms: 'online_ms' })) as readonly {
      readonly slave_id: string;
      readonly ms: number | string;
    }[];
    return new Map(rows.map((row) => [row.slave_id, Number(row.ms)]));
  }

  /** At most `limit` of the days before this one; says how many. */
  async deleteBefore(day: string, limit: number): Promise<number> {
    return this.db('slave_presence').where('day', '<', day).limit(limit).delete();
  }
}
