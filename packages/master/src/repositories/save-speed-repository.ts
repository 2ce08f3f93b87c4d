import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';

export interface SaveSpeed {
  readonly mibPerSecond: number;
  /** How many saves it was measured at. */
  readonly samples: number;
}

/** What a new save counts beside all before it: a disk that became slower shows within a few, one odd save does not. */
const weightOfNew = 0.3;

/** How fast each slave writes the RAM of its guests, as measured. */
export class SaveSpeedRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Of all slaves, or of these, by slave; none for those that have saved nothing yet. */
  async all(slaveIds: readonly string[] | null = null): Promise<ReadonlyMap<string, SaveSpeed>> {
    interface Row {
      readonly slave_id: string;
      readonly mib_per_second: number;
      readonly samples: number;
    }
    const query = this.db('slave_save_speeds').select('slave_id', 'mib_per_second', 'samples');
    if (slaveIds !== null) void query.whereIn('slave_id', [...slaveIds]);
    const rows: readonly Row[] = await query;
    return new Map(rows.map((row) => [row.slave_id, { mibPerSecond: row.mib_per_second, samples: row.samples }]));
  }

  /** Takes one save more into the exponential mean. */
  async learn(slaveId: string, mibPerSecond: number, now: EpochMs): Promise<void> {
    await this.db.raw(
      `INSERT INTO slave_save_speeds (slave_id, mib_per_second, samples, updated_at) VALUES (?, ?, 1, ?)
       ON DUPLICATE KEY UPDATE mib_per_second = mib_per_second + ? * (VALUES(mib_per_second) - mib_per_second), samples = samples + 1, updated_at = VALUES(updated_at)`,
      [slaveId, mibPerSecond, new Date(now), weightOfNew],
    );
    this.changes.note('slaves', slaveId);
  }
}
