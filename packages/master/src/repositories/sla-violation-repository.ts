import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { firstIdOf } from './first-id';
import { newestFirst, type PageRequest } from './newest-first';

/** A time in which an instance got less of a processor than its due. */
export interface SlaViolation {
  readonly id: string;
  readonly instanceId: string;
  readonly slaveId: string;
  readonly beganAt: EpochMs;
  /** Null while it lasts. */
  readonly endedAt: EpochMs | null;
  /** The part of its due that was missing when it was worst: 0 to 1. */
  readonly worstMissing: number;
  readonly sentence: string;
}

/** With the name of the instance, which a page shows beside it. */
export interface NamedViolation extends SlaViolation {
  readonly instanceName: string;
}

/** One that lasts, and whether its guest still runs where it was short. */
export interface OpenViolation extends SlaViolation {
  readonly runsThere: boolean;
}

export interface ViolationFilter {
  readonly instanceId?: string | undefined;
  readonly slaveId?: string | undefined;
  /** Those that last, or those that are over. */
  readonly open?: boolean | undefined;
  readonly visibleTo?: { readonly userId: string; readonly ownedGroupIds: readonly string[] } | undefined;
}

interface ViolationRow {
  readonly id: string;
  readonly instance_id: string;
  readonly slave_id: string;
  readonly began_at: Date;
  readonly ended_at: Date | null;
  readonly worst_missing: number;
  readonly sentence: string;
}

const columns = ['v.id', 'v.instance_id', 'v.slave_id', 'v.began_at', 'v.ended_at', 'v.worst_missing', 'v.sentence'] as const;

const fromRow = (row: ViolationRow): SlaViolation => ({
  id: row.id,
  instanceId: row.instance_id,
  slaveId: row.slave_id,
  beganAt: row.began_at.getTime(),
  endedAt: row.ended_at?.getTime() ?? null,
  worstMissing: row.worst_missing,
  sentence: row.sentence,
});

/** What guests did not get of the processors they were promised. At most one of an instance is open, which its row says twice. */
export class SlaViolationRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when one of this instance is open. */
  async insert({ id, instanceId, slaveId, beganAt, worstMissing, sentence }: Omit<SlaViolation, 'endedAt'>): Promise<void> {
    await this.db('sla_violations').insert({ id, instance_id: instanceId, open_of: instanceId, slave_id: slaveId, began_at: new Date(beganAt), worst_missing: worstMissing, sentence: sentence.slice(0, 1000) });
    this.changes.note('instances', instanceId);
  }

  /** It became worse. One that is over stays as it was. */
  async worsen(id: string, worstMissing: number, sentence: string): Promise<void> {
    await this.db('sla_violations').where({ id }).whereNotNull('open_of').update({ worst_missing: worstMissing, sentence: sentence.slice(0, 1000) });
  }

  /** False when it was over already. */
  async end({ id, instanceId }: Pick<SlaViolation, 'id' | 'instanceId'>, endedAt: EpochMs): Promise<boolean> {
    if ((await this.db('sla_violations').where({ id }).whereNotNull('open_of').update({ open_of: null, ended_at: new Date(endedAt) })) !== 1) return false;
    this.changes.note('instances', instanceId);
    return true;
  }

  /** Those that last, oldest first. */
  async open(): Promise<readonly OpenViolation[]> {
    const rows = (await this.db('sla_violations as v')
      .leftJoin('instances as i', 'i.id', 'v.instance_id')
      .whereNotNull('v.open_of')
      .orderBy('v.id')
      .select(...columns, 'i.slave_id as placed_on', 'i.observed')) as readonly (ViolationRow & { readonly placed_on: string | null; readonly observed: string | null })[];
    return rows.map((row) => ({ ...fromRow(row), runsThere: row.placed_on === row.slave_id && (row.observed === 'running' || row.observed === 'booting') }));
  }

  /** Those of these instances that last, by instance. */
  async openOf(instanceIds: readonly string[]): Promise<ReadonlyMap<string, SlaViolation>> {
    if (instanceIds.length === 0) return new Map();
    const rows = (await this.db('sla_violations as v').whereIn('v.open_of', [...instanceIds]).select(...columns)) as readonly ViolationRow[];
    return new Map(rows.map((row) => [row.instance_id, fromRow(row)]));
  }

  /** Whether one of the instance ended then or later. */
  async endedSince(instanceId: string, since: EpochMs): Promise<boolean> {
    return (await this.db('sla_violations').where({ instance_id: instanceId }).where('ended_at', '>=', new Date(since)).first('id')) !== undefined;
  }

  /** Newest first. Throws `invalid-input` for a cursor that is none. */
  async page(filter: ViolationFilter & PageRequest): Promise<Page<NamedViolation>> {
    const query = this.db('sla_violations as v').join('instances as i', 'i.id', 'v.instance_id').select(...columns, 'i.name as instance_name');
    if (filter.instanceId !== undefined) void query.where('v.instance_id', filter.instanceId);
    if (filter.slaveId !== undefined) void query.where('v.slave_id', filter.slaveId);
    if (filter.open === true) void query.whereNotNull('v.open_of');
    if (filter.open === false) void query.whereNull('v.open_of');
    const { visibleTo } = filter;
    if (visibleTo !== undefined) void query.where((owned) => owned.where('i.user_id', visibleTo.userId).orWhereIn('i.group_id', [...visibleTo.ownedGroupIds]));
    const { items, next } = await newestFirst<ViolationRow & { readonly instance_name: string }>(query, 'v.id', filter);
    return { items: items.map((row) => ({ ...fromRow(row), instanceName: row.instance_name })), next };
  }

  /** At most `limit` of those that are over, oldest first; says how many. */
  async deleteEndedBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('sla_violations').where('id', '<', firstIdOf(before)).whereNull('open_of').orderBy('id').limit(limit).delete();
  }

  /** At most `limit` of what is known of these instances; says how many. */
  async deleteOf(instanceIds: readonly string[], limit: number): Promise<number> {
    return this.db('sla_violations').whereIn('instance_id', [...instanceIds]).limit(limit).delete();
  }
}
