import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import { holdsComputeStates } from '@paravcl/shared/domain/instance-state';
import type { Admission, Describe, ForeignDomain, Liveness, Slave, SlaveKind } from '@paravcl/shared/domain/slave';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { likeLiteral, newestFirst, type PageRequest } from './newest-first';
import { pulseColumns, slaveColumns, slaveRecord, slaveRow, steadyDescribe, type ShownIdentity, type SlaveRecord, type SlaveRow } from './slave-record';

export interface SlaveFilter extends PageRequest {
  readonly admission?: Admission | undefined;
  readonly liveness?: Liveness | undefined;
  readonly kind?: SlaveKind | undefined;
  readonly ownerUserId?: string | undefined;
  /** Part of the name. */
  readonly name?: string | undefined;
}

export type SlaveUse = Slave['used'];
const nothingUsed: SlaveUse = { vcpus: 0, ramMiB: 0, diskMiB: 0, instances: 0 };

/** What an accepted hello changes of a slave. */
export interface OpenedSession {
  readonly epoch: number;
  readonly agentBuild: string;
  readonly address: string;
  readonly describe: Describe;
  readonly foreignDomains: readonly ForeignDomain[];
  readonly seenAt: EpochMs;
}

export class SlaveRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when name or public key are taken. */
  async insert(slave: SlaveRecord): Promise<void> {
    await this.db('slaves').insert(slaveRow(slave));
    this.changes.note('slaves', slave.id);
  }

  async find(id: string): Promise<SlaveRecord | null> {
    return this.one(this.withPulses().where({ id }));
  }

  async findByPublicKey(publicKey: string): Promise<SlaveRecord | null> {
    return this.one(this.withPulses().where({ public_key: publicKey }));
  }

  /**
   * Slaves of this machine that are not retired, the oldest first. A locking read: of two enrolments of
   * one machine at the same time, the second waits for the first or is undone as a deadlock and sees it then.
   */
  async lockUnretiredOfMachine(machineId: string): Promise<SlaveRecord[]> {
    const rows = (await this.db('slaves').select(slaveColumns).where({ machine_id: machineId }).whereNot({ admission: 'retired' }).orderBy('id').forUpdate()) as SlaveRow[];
    return rows.map(slaveRecord);
  }

  /** Hosts of this machine that are not retired, the oldest first. */
  async unretiredOfMachine(machineId: string): Promise<SlaveRecord[]> {
    const rows = (await this.db('slaves').select(slaveColumns).where({ machine_id: machineId }).whereNot({ admission: 'retired' }).orderBy('id')) as SlaveRow[];
    return rows.map(slaveRecord);
  }

  /** Names that are `name` itself or begin with it and a hyphen. */
  async namesLike(name: string): Promise<string[]> {
    const pattern = `${likeLiteral(name)}-%`;
    return (await this.db('slaves').where({ name }).orWhere('name', 'like', pattern).pluck('name')) as string[];
  }

  /** Newest first. Retired slaves only when the filter asks for them. Throws `invalid-input` for a cursor that is none. */
  async page(filter: SlaveFilter): Promise<Page<SlaveRecord>> {
    const query = this.withPulses().select([...slaveColumns, ...pulseColumns]);
    if (filter.admission === undefined) void query.whereNot('admission', 'retired');
    else void query.where('admission', filter.admission);
    if (filter.liveness !== undefined) void query.where('liveness', filter.liveness);
    if (filter.kind !== undefined) void query.where('kind', filter.kind);
    if (filter.ownerUserId !== undefined) void query.where('owner_user_id', filter.ownerUserId);
    if (filter.name !== undefined && filter.name !== '') void query.where('name', 'like', `%${likeLiteral(filter.name)}%`);
    const { items, next } = await newestFirst<SlaveRow>(query, 'id', filter);
    return { items: items.map(slaveRecord), next };
  }

  /** Cores and RAM held by instances that hold compute; disk and count of everything that is not deleted, with the home volumes that are there. */
  async used(slaveIds: readonly string[]): Promise<(slaveId: string) => SlaveUse> {
    const holds = `observed IN (${holdsComputeStates.map(() => '?').join(', ')})`;
    const rows = (await this.db('instances')
      .select('slave_id')
      .select(this.db.raw(`SUM(CASE WHEN ${holds} THEN vcpus ELSE 0 END) AS vcpus`, [...holdsComputeStates]))
      .select(this.db.raw(`SUM(CASE WHEN ${holds} THEN ram_mib ELSE 0 END) AS ram_mib`, [...holdsComputeStates]))
      .select(this.db.raw('SUM(disk_mib) AS disk_mib, COUNT(*) AS instances'))
      .whereIn('slave_id', slaveIds)
      .whereNot('observed', 'deleted')
      .groupBy('slave_id')) as { slave_id: string; vcpus: number; ram_mib: number; disk_mib: number; instances: number }[];
    const homes = (await this.db('home_volumes').whereIn('slave_id', slaveIds).select('slave_id').sum({ mib: 'attached_mib' }).groupBy('slave_id')) as unknown as readonly { readonly slave_id: string; readonly mib: number | string | null }[];
    const bySlave = new Map<string, SlaveUse>(rows.map((row) => [row.slave_id, { vcpus: row.vcpus, ramMiB: row.ram_mib, diskMiB: row.disk_mib, instances: row.instances }]));
    for (const { slave_id: id, mib } of homes) {
      const use = bySlave.get(id) ?? nothingUsed;
      bySlave.set(id, { ...use, diskMiB: Number(use.diskMiB) + Number(mib ?? 0) });
    }
    return (slaveId) => bySlave.get(slaveId) ?? nothingUsed;
  }

  /** Names of instances that live on the slave, oldest first. */
  async instancesOn(slaveId: string): Promise<string[]> {
    return (await this.db('instances').where({ slave_id: slaveId }).whereNot('observed', 'deleted').orderBy('id').pluck('name')) as string[];
  }

  /** False when the slave is not in state `from` any more. */
  async moveAdmission(id: string, from: Admission, to: Admission, reason: string | null): Promise<boolean> {
    return this.noted(id, await this.db('slaves').where({ id, admission: from }).update({ admission: to, admission_reason: reason }));
  }

  /** Keeps why a quarantined slave is refused, and what it showed when its key was right (null leaves that as it is). */
  async noteQuarantine(id: string, reason: string, presented: ShownIdentity | null): Promise<void> {
    await this.db('slaves')
      .where({ id, admission: 'quarantined' })
      .update({ admission_reason: reason, ...(presented === null ? {} : { presented: JSON.stringify(presented) }) });
    this.changes.note('slaves', id);
  }

  /** Makes what the slave showed its enrolled identity. */
  async adoptIdentity(id: string, shown: ShownIdentity): Promise<void> {
    await this.db('slaves').where({ id }).update({
      machine_id: shown.machineId,
      macs: JSON.stringify(shown.macs),
      enrolled_address: shown.address,
      address: shown.address,
      epoch: shown.epoch,
      presented: null,
    });
    this.changes.note('slaves', id);
  }

  /** Throws a duplicate-key error when the name is taken. */
  async edit(id: string, change: Pick<SlaveRecord, 'name' | 'kind' | 'ownerUserId' | 'maxConnections' | 'speed'>): Promise<void> {
    await this.db('slaves').where({ id }).update({ name: change.name, kind: change.kind, owner_user_id: change.ownerUserId, max_connections: change.maxConnections, speed: change.speed ?? null });
    this.changes.note('slaves', id);
  }

  /** Records an accepted hello. False when admission changed, or a later start of the agent was seen, meanwhile. */
  async openSession(id: string, admission: Admission, opened: OpenedSession): Promise<boolean> {
    const changed = await this.db('slaves')
      .where({ id, admission })
      .where('epoch', '<=', opened.epoch)
      .update({
        epoch: opened.epoch,
        agent_build: opened.agentBuild,
        address: opened.address,
        describe_data: JSON.stringify(steadyDescribe(opened.describe)),
        foreign_domains: JSON.stringify(opened.foreignDomains),
        last_seen_at: new Date(opened.seenAt),
        liveness: 'online',
        presented: null,
        declared_dead_at: null,
      });
    return this.notedWithGuests(id, changed);
  }

  /** An administrator says that it will not come back with what it has; its next hello takes that back. False when it is not lost. */
  async declareDead(id: string, now: EpochMs): Promise<boolean> {
    return this.notedWithGuests(id, await this.db('slaves').where({ id, liveness: 'lost' }).update({ declared_dead_at: new Date(now) }));
  }

  /** Locked for reading until the transaction ends: its hello comes before or after. */
  async isDeclaredDead(id: string): Promise<boolean> {
    const row = (await this.db('slaves').where({ id, liveness: 'lost' }).whereNotNull('declared_dead_at').forShare().first('id')) as unknown;
    return row !== undefined;
  }

  /** Liveness of everyone who is not retired. */
  async listLiveness(): Promise<{ readonly id: string; readonly name: string; readonly liveness: Liveness }[]> {
    return (await this.db('slaves').select('id', 'name', 'liveness').whereNot('admission', 'retired')) as { id: string; name: string; liveness: Liveness }[];
  }

  /**
   * Lost and retired slaves of which instances or tombstones do not tell yet: what followed their loss
   * was cut short. `AgentReports.fleetChanged` brings each of them out of this list.
   */
  async withUntoldLoss(): Promise<string[]> {
    const instances = () => this.db('instances as i').select('i.id').where('i.slave_id', this.db.ref('s.id')).whereNot('i.observed', 'deleted');
    const owed = this.db('placements as p').select('p.id').where('p.slave_id', this.db.ref('s.id')).where('p.state', 'cleaning');
    return (await this.db('slaves as s')
      .where((lost) => lost.where('s.liveness', 'lost').whereExists(instances().whereNotIn('i.observed', ['failed', 'lost'])))
      .orWhere((retired) =>
        retired.where('s.admission', 'retired').where((left) =>
          left.whereExists(owed).orWhereExists(
            instances().where((untold) => untold.whereNot('i.observed', 'lost').orWhereNull('i.reason_code').orWhereNot('i.reason_code', 'DomainLost')),
          ),
        ),
      )
      .pluck('s.id')) as string[];
  }

  /** False when it is not `from` any more. */
  async moveLiveness(id: string, from: Liveness, to: Liveness): Promise<boolean> {
    return this.notedWithGuests(id, await this.db('slaves').where({ id, liveness: from }).update({ liveness: to }));
  }

  /** Changed parts of the describe data. Call it in a transaction: others may change other parts at the same time. */
  async mergeDescribe(id: string, changed: Partial<Describe>): Promise<void> {
    const row = (await this.db('slaves').where({ id }).forUpdate().first('describe_data')) as { readonly describe_data: string } | undefined;
    if (row === undefined) return;
    const text = JSON.stringify(steadyDescribe({ ...(parseJson(row.describe_data) as Describe), ...changed }));
    if (text === row.describe_data) return;
    await this.db('slaves').where({ id }).update({ describe_data: text });
    this.changes.note('slaves', id);
  }

  async storeForeignDomains(id: string, domains: readonly ForeignDomain[]): Promise<void> {
    await this.db('slaves').where({ id }).update({ foreign_domains: JSON.stringify(domains) });
    this.changes.note('slaves', id);
  }

  /** What is told of an instance follows from how its slave is heard. */
  private async notedWithGuests(id: string, changed: number): Promise<boolean> {
    if (changed !== 1) return false;
    const guests = (await this.db('instances').where({ slave_id: id }).whereNot('observed', 'deleted').pluck('id')) as string[];
    for (const guest of guests) this.changes.note('instances', guest);
    return this.noted(id, changed);
  }

  private noted(id: string, changed: number): boolean {
    if (changed === 1) this.changes.note('slaves', id);
    return changed === 1;
  }

  private async one(query: Knex.QueryBuilder): Promise<SlaveRecord | null> {
    const row = (await query.select([...slaveColumns, ...pulseColumns]).first()) as SlaveRow | undefined;
    return row === undefined ? null : slaveRecord(row);
  }

  private withPulses(): Knex.QueryBuilder {
    return this.db('slaves').leftJoin('slave_pulses', 'slave_id', 'id') as Knex.QueryBuilder;
  }
}
