import type { EpochMs } from '@paravcl/shared/clock';
import { reasonCodeSchema, type Reason } from '@paravcl/shared/domain/reasons';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';
import type { PlacementRecord, PlacementState } from '../core/instance-record';
import type { Attempt } from '../core/snapshot';
import { noNotes, type ChangeNotes } from './committed-changes';
import { holdsCompute } from './holds-compute';
import { insertRows } from './insert-rows';

export interface SlaveUsage {
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly bandwidthMbps: number;
  /** Room for the saved RAM of everything that is there. */
  readonly saveMiB: number;
  readonly instances: number;
}

interface PlacementRow {
  readonly id: string;
  readonly instance_id: string;
  readonly slave_id: string;
  readonly generation: number;
  readonly state: PlacementState;
}

const columns = ['id', 'instance_id', 'slave_id', 'generation', 'state'] as const;

const fromRow = (row: PlacementRow): PlacementRecord => ({
  id: row.id,
  instanceId: row.instance_id,
  slaveId: row.slave_id,
  generation: row.generation,
  state: row.state,
});

/** A new one. */
export function placementToRow({ instanceId, slaveId, generation, state }: Omit<PlacementRecord, 'id'>, now: EpochMs): PlacementRow & { readonly created_at: Date } {
  return { id: newId(now), instance_id: instanceId, slave_id: slaveId, generation, state, created_at: new Date(now) };
}

/** Which slave was given which instance, under which generation, and whether anything of it may remain there. */
export class PlacementRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(placement: Omit<PlacementRecord, 'id'>, now: EpochMs): Promise<void> {
    await this.insertAll([placement], now);
  }

  async insertAll(placements: readonly Omit<PlacementRecord, 'id'>[], now: EpochMs): Promise<void> {
    await insertRows(this.db, 'placements', placements.map((placement) => placementToRow(placement, now)));
    for (const { instanceId } of placements) this.changes.note('instances', instanceId);
  }

  /** The newest placement of the instance on this slave. */
  async newest(instanceId: string, slaveId: string): Promise<PlacementRecord | null> {
    const row = await this.db<PlacementRow>('placements')
      .where({ instance_id: instanceId, slave_id: slaveId })
      .orderBy('id', 'desc')
      .first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Where the newest placement of all went; null before the first. */
  async newestSlaveId(): Promise<string | null> {
    const row = await this.db<PlacementRow>('placements').orderBy('id', 'desc').first('slave_id');
    return row?.slave_id ?? null;
  }

  /** Every placement there ever was of the instance. */
  async ofInstance(instanceId: string): Promise<readonly PlacementRecord[]> {
    return (await this.db<PlacementRow>('placements').where({ instance_id: instanceId }).select(...columns)).map(fromRow);
  }

  /** The slaves on which something of these instances is or was, and those that their open live migrations go to. */
  async slavesOf(instanceIds: readonly string[]): Promise<readonly string[]> {
    const placed = (await this.db('placements').whereIn('instance_id', [...instanceIds]).distinct().pluck('slave_id')) as readonly string[];
    const arriving = (await this.db('live_migrations').whereIn('open_of', [...instanceIds]).distinct().pluck('to_slave_id')) as readonly string[];
    return [...new Set([...placed, ...arriving])];
  }

  /** Of one instance, those under which something may remain on a slave. */
  async unclean(instanceId: string): Promise<readonly PlacementRecord[]> {
    const rows = await this.db<PlacementRow>('placements')
      .where({ instance_id: instanceId })
      .whereIn('state', ['active', 'cleaning'])
      .select(...columns);
    return rows.map(fromRow);
  }

  /** Tombstones owed to a slave, or to all. */
  async cleaning(slaveId: string | null): Promise<readonly PlacementRecord[]> {
    const query = this.db<PlacementRow>('placements').where({ state: 'cleaning' }).orderBy('id').select(...columns);
    if (slaveId !== null) void query.where({ slave_id: slaveId });
    return (await query).map(fromRow);
  }

  /** From now on a tombstone with this generation is owed; `failure` says why another slave is tried. */
  async clean(instanceId: string, slaveId: string, generation: number, failure: Reason | null): Promise<void> {
    await this.db('placements')
      .where({ instance_id: instanceId, slave_id: slaveId })
      .whereIn('state', ['active', 'cleaning'])
      .update({
        state: 'cleaning',
        generation,
        ...(failure === null ? {} : { failure_code: failure.code, failure_sentence: failure.sentence.slice(0, 1000) }),
      });
    this.changes.note('instances', instanceId);
  }

  /** Its slave was told something of this generation: whatever it is told next is newer (`nextGeneration`). */
  async told(instanceId: string, slaveId: string, generation: number): Promise<void> {
    await this.db('placements').where({ instance_id: instanceId, slave_id: slaveId, state: 'active' }).update({ generation });
  }

  /** The slave has proved that nothing remains. */
  async confirmClean({ id, instanceId }: Pick<PlacementRecord, 'id' | 'instanceId'>, now: EpochMs): Promise<void> {
    await this.db('placements').where({ id }).update({ state: 'clean', ended_at: new Date(now) });
    this.changes.note('instances', instanceId);
  }

  /** A slave that left the pool for good proves nothing any more: what it owes of this instance is given up. */
  async giveUpOnRetired(instanceId: string, now: EpochMs): Promise<void> {
    await this.db('placements')
      .where({ instance_id: instanceId, state: 'cleaning' })
      .whereIn('slave_id', this.db('slaves').where({ admission: 'retired' }).select('id'))
      .update({ state: 'given-up', ended_at: new Date(now) });
    this.changes.note('instances', instanceId);
  }

  /** The names of the slaves that left the pool without the proof that nothing of the instance remains there. */
  async givenUpOn(instanceId: string): Promise<readonly string[]> {
    const names = this.db('placements as p').join('slaves as s', 's.id', 'p.slave_id').where({ 'p.instance_id': instanceId, 'p.state': 'given-up' });
    return (await names.distinct('s.name').orderBy('s.name').pluck('s.name')) as string[];
  }

  /** At most `limit` placements of these instances; says how many. */
  async deleteOf(instanceIds: readonly string[], limit: number): Promise<number> {
    return this.db('placements').whereIn('instance_id', [...instanceIds]).limit(limit).delete();
  }

  /** A person asked to try again: earlier failures no longer exclude their slaves. */
  async forgive(instanceId: string): Promise<void> {
    await this.db('placements').where({ instance_id: instanceId }).update({ failure_code: null, failure_sentence: null });
  }

  /** Failed launches and those still being cleaned away, oldest first, of all these instances. */
  async attempts(instanceIds: readonly string[]): Promise<ReadonlyMap<string, readonly Attempt[]>> {
    interface Row {
      readonly instance_id: string;
      readonly slave_id: string;
      readonly slave_name: string | null;
      readonly state: string;
      readonly failure_code: string | null;
      readonly failure_sentence: string | null;
    }
    const rows: readonly Row[] = await this.db('placements as p')
      .leftJoin('slaves as s', 's.id', 'p.slave_id')
      .whereIn('p.instance_id', [...instanceIds])
      .where((tried) => tried.whereNotNull('p.failure_sentence').orWhere('p.state', 'cleaning'))
      .orderBy('p.id')
      .select('p.instance_id', 'p.slave_id', 's.name as slave_name', 'p.state', 'p.failure_code', 'p.failure_sentence');
    const attempts = new Map<string, Attempt[]>();
    for (const row of rows) {
      const attempt: Attempt = {
        slaveId: row.slave_id,
        slaveName: row.slave_name ?? 'a host that is gone',
        code: row.failure_code === null ? null : reasonCodeSchema.parse(row.failure_code),
        sentence: row.failure_sentence,
        cleaning: row.state === 'cleaning',
      };
      attempts.set(row.instance_id, [...(attempts.get(row.instance_id) ?? []), attempt]);
    }
    return attempts;
  }

  /**
   * What is promised of every slave, or of these. Disk counts until the slave has proved that nothing remains, and that of a home volume until
   * it is in the store again; cores, RAM and bandwidth as long as the instance runs, should run, or may still run where its launch failed.
   */
  async usage(slaveIds: readonly string[] | null = null): Promise<ReadonlyMap<string, SlaveUsage>> {
    const { sql, bindings } = holdsCompute('i');
    const computing = `(i.slave_id IS NULL OR i.slave_id <> p.slave_id OR ${sql})`;
    const held = (amount: string): Knex.Raw => this.db.raw(`SUM(CASE WHEN ${computing} THEN ${amount} ELSE 0 END) AS ??`, [...bindings, amount.slice(2)]);
    interface Row {
      readonly slave_id: string;
      readonly vcpus: number;
      readonly ram_mib: number;
      readonly disk_mib: number;
      readonly bandwidth_mbps: number | null;
      readonly save_mib: number;
      readonly instances: number;
    }
    const query = this.db('placements as p')
      .join('instances as i', 'i.id', 'p.instance_id')
      .whereIn('p.state', ['active', 'cleaning'])
      .groupBy('p.slave_id')
      .select('p.slave_id', held('i.vcpus'), held('i.ram_mib'), held('i.bandwidth_mbps'))
      .sum({ disk_mib: 'i.disk_mib', save_mib: 'i.ram_mib' })
      .count({ instances: '*' });
    if (slaveIds !== null) void query.whereIn('p.slave_id', [...slaveIds]);
    const rows = (await query) as unknown as readonly Row[];
    const usage = new Map<string, SlaveUsage>(
      rows.map((row) => [
        row.slave_id,
        {
          vcpus: Number(row.vcpus),
          ramMiB: Number(row.ram_mib),
          diskMiB: Number(row.disk_mib),
          bandwidthMbps: Number(row.bandwidth_mbps ?? 0),
          saveMiB: Number(row.save_mib),
          instances: Number(row.instances),
        },
      ]),
    );
    for (const [id, homeMiB] of await homesOn(this.db, slaveIds)) {
      const used = usage.get(id) ?? nothingPromised;
      usage.set(id, { ...used, diskMiB: used.diskMiB + homeMiB });
    }
    return usage;
  }
}

export const nothingPromised: SlaveUsage = { vcpus: 0, ramMiB: 0, diskMiB: 0, bandwidthMbps: 0, saveMiB: 0, instances: 0 };

/** MiB of home volumes by the slave they are on; one that goes along with its guest is on both. */
async function homesOn(db: Knex, slaveIds: readonly string[] | null): Promise<ReadonlyMap<string, number>> {
  const lie = db('home_volumes').whereNotNull('slave_id').select('slave_id').sum({ mib: 'attached_mib' }).groupBy('slave_id');
  const arrive = db('live_migrations as m')
    .join('home_volumes as h', 'h.instance_id', 'm.instance_id')
    .whereIn('m.state', ['opening', 'sending'])
    .whereNotNull('m.home_epoch')
    .whereRaw('h.slave_id = m.from_slave_id')
    .select('m.to_slave_id as slave_id')
    .sum({ mib: 'h.attached_mib' })
    .groupBy('m.to_slave_id');
  if (slaveIds !== null) {
    void lie.whereIn('slave_id', [...slaveIds]);
    void arrive.whereIn('m.to_slave_id', [...slaveIds]);
  }
  const rows = (await Promise.all([lie, arrive])).flat() as unknown as readonly { readonly slave_id: string; readonly mib: number | string | null }[];
  const homes = new Map<string, number>();
  for (const { slave_id: id, mib } of rows) homes.set(id, (homes.get(id) ?? 0) + Number(mib ?? 0));
  return homes;
}
