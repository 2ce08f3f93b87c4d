import type { EpochMs } from '@paravcl/shared/clock';
import type { MigrationStanding } from '@paravcl/shared/protocol/desired-instance';
import type { Knex } from 'knex';
import type { LiveMigration } from '../core/live-migration';
import { noNotes, type ChangeNotes } from './committed-changes';
import { firstIdOf } from './first-id';

interface MigrationRow {
  readonly id: string;
  readonly instance_id: string;
  readonly open_of: string | null;
  readonly evacuation_id: string;
  readonly from_slave_id: string;
  readonly to_slave_id: string;
  readonly ticket: string | null;
  readonly arrival_generation: number;
  readonly sent_generation: number | null;
  readonly home_epoch: number | null;
  readonly state: LiveMigration['state'];
  readonly source_said: MigrationStanding | null;
  readonly source_why: string | null;
  readonly destination_said: MigrationStanding | null;
  readonly destination_why: string | null;
  readonly sentence: string | null;
  readonly started_at: Date;
  readonly deadline_at: Date;
  readonly ended_at: Date | null;
}

const columns = [
  'id', 'instance_id', 'evacuation_id', 'from_slave_id', 'to_slave_id', 'ticket', 'arrival_generation', 'sent_generation', 'home_epoch', 'state',
  'source_said', 'source_why', 'destination_said', 'destination_why', 'sentence', 'started_at', 'deadline_at', 'ended_at',
] as const;

const fromRow = (row: Omit<MigrationRow, 'open_of'>): LiveMigration => ({
  id: row.id,
  instanceId: row.instance_id,
  evacuationId: row.evacuation_id,
  fromSlaveId: row.from_slave_id,
  toSlaveId: row.to_slave_id,
  ticket: row.ticket,
  arrivalGeneration: row.arrival_generation,
  sentGeneration: row.sent_generation,
  homeEpoch: row.home_epoch,
  state: row.state,
  sourceSaid: row.source_said,
  sourceWhy: row.source_why,
  destinationSaid: row.destination_said,
  destinationWhy: row.destination_why,
  sentence: row.sentence,
  startedAt: row.started_at.getTime(),
  deadlineAt: row.deadline_at.getTime(),
  endedAt: row.ended_at?.getTime() ?? null,
});

/** Instances that go to another slave while they run. At most one of an instance is open, which its row says twice. */
export class LiveMigrationRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when one of this instance is open. */
  async insert({ id, instanceId, evacuationId, fromSlaveId, toSlaveId, ticket, arrivalGeneration, homeEpoch, startedAt, deadlineAt }: LiveMigration): Promise<void> {
    await this.db('live_migrations').insert({
      id, instance_id: instanceId, open_of: instanceId, evacuation_id: evacuationId, from_slave_id: fromSlaveId, to_slave_id: toSlaveId, ticket,
      arrival_generation: arrivalGeneration, home_epoch: homeEpoch, state: 'opening', started_at: new Date(startedAt), deadline_at: new Date(deadlineAt),
    });
    this.changes.note('instances', instanceId);
  }

  /** The row is locked until the transaction ends. */
  async lock(id: string): Promise<LiveMigration | null> {
    const row = await this.db<MigrationRow>('live_migrations').where({ id }).forUpdate().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Those that are open, oldest first. */
  async open(): Promise<readonly LiveMigration[]> {
    return (await this.db<MigrationRow>('live_migrations').whereNotNull('open_of').orderBy('id').select(...columns)).map(fromRow);
  }

  /** Those of these instances that are open, by instance. */
  async openOf(instanceIds: readonly string[]): Promise<ReadonlyMap<string, LiveMigration>> {
    if (instanceIds.length === 0) return new Map();
    const rows = await this.db<MigrationRow>('live_migrations').whereIn('open_of', [...instanceIds]).select(...columns);
    return new Map(rows.map((row) => [row.instance_id, fromRow(row)]));
  }

  /** Those that are open and go to this slave, or to any. */
  async arriving(slaveId: string | null): Promise<readonly LiveMigration[]> {
    const query = this.db<MigrationRow>('live_migrations').whereIn('state', ['opening', 'sending']).orderBy('id').select(...columns);
    if (slaveId !== null) void query.where({ to_slave_id: slaveId });
    return (await query).map(fromRow);
  }

  /** Of an evacuation, those that came to nothing: why, by instance. */
  async stayedOf(evacuationId: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.db<MigrationRow>('live_migrations').where({ evacuation_id: evacuationId, state: 'stayed' }).orderBy('id').select('instance_id', 'sentence');
    return new Map(rows.map((row) => [row.instance_id, row.sentence ?? '']));
  }

  /** What one of its two slaves says under its order. */
  async say(id: string, side: 'source' | 'destination', standing: MigrationStanding, why: string | null): Promise<void> {
    const change = side === 'source' ? { source_said: standing, source_why: why } : { destination_said: standing, destination_why: why };
    await this.db('live_migrations').where({ id }).whereIn('state', ['opening', 'sending']).update(change);
  }

  /** False when it is not open any more, or the source has its order already. */
  async send(id: string, generation: number): Promise<boolean> {
    return (await this.db('live_migrations').where({ id, state: 'opening' }).update({ state: 'sending', sent_generation: generation })) === 1;
  }

  /** False when it is not as it was seen any more. */
  async end({ id, instanceId, state, sourceSaid, destinationSaid }: LiveMigration, to: 'moved' | 'stayed', sentence: string, now: EpochMs): Promise<boolean> {
    const seen = { id, state, source_said: sourceSaid, destination_said: destinationSaid };
    this.changes.note('instances', instanceId);
    return (await this.db('live_migrations').where(seen).update({ state: to, open_of: null, ticket: null, sentence, ended_at: new Date(now) })) === 1;
  }

  /** At most `limit` of those that are over and began before then; says how many. */
  async deleteEndedBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('live_migrations').whereNull('open_of').where('id', '<', firstIdOf(before)).limit(limit).delete();
  }
}
