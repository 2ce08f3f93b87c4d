import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Knex } from 'knex';
import type { InstanceRecord } from '../core/instance-record';
import { noNotes, type ChangeNotes } from './committed-changes';
import { holdsCompute } from './holds-compute';
import { insertRows } from './insert-rows';
import { newestFirst, type PageRequest } from './newest-first';
import { instanceColumns, instanceFromRow, instanceToRow, type InstanceRow } from './instance-rows';
import { priorityToRow } from './priority-columns';
import { savedOnToColumn } from './saved-on-column';

export interface InstanceFilter {
  readonly state?: ObservedState | undefined;
  readonly userId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly slaveId?: string | undefined;
  /** Those in the recycle bin, or those that are not. */
  readonly recycled?: boolean | undefined;
  readonly visibleTo?: { readonly userId: string; readonly ownedGroupIds: readonly string[] } | undefined;
}

/** What must still hold for a change to be written. */
export interface InstanceGuard {
  readonly observed: ObservedState;
  readonly generation: number;
}

export type InstanceChange = Partial<
  Pick<
    InstanceRecord,
    | 'name' | 'slaveId' | 'desired' | 'stopForced' | 'observed' | 'generation' | 'observedGeneration' | 'reason' | 'booted'
    | 'progressPercent' | 'mac' | 'address' | 'changedAt' | 'deadlineAt' | 'minutes' | 'endsAt' | 'type' | 'groupId' | 'priority'
    | 'requestedMinutes' | 'reservationId' | 'queuedAt' | 'queuedBecause' | 'nominatedSlaveId' | 'preemptions' | 'preemptedOn'
    | 'imageId' | 'kernelId' | 'ramdiskId' | 'kernelArguments' | 'diskEpoch' | 'observedDiskEpoch' | 'diskImageId' | 'ramImageId' | 'ramSavedOn'
    | 'idleSince' | 'agingNoticedAt' | 'recycledAt' | 'recycleUntil' | 'waitsSince'
  >
> & { readonly deletedAt?: EpochMs };

/** What somebody has of the pool: of everything of theirs that runs, should run or waits to. */
export interface InstanceUsage {
  readonly instances: number;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
}

/** `home_wish` of one that would have its owner's home volume where it is free, and runs without. */
const homeWithheld = 2;

/** Instances; deleted ones stay for their history and are listed only when asked for by state. */
export class InstanceRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when the name is taken. */
  async insert(instance: InstanceRecord): Promise<void> {
    await this.insertAll([instance]);
  }

  /** All of them or none. Throws a duplicate-key error when one's name is taken. */
  async insertAll(instances: readonly InstanceRecord[]): Promise<void> {
    await insertRows(this.db, 'instances', instances.map(instanceToRow));
    for (const { id } of instances) this.changes.note('instances', id);
  }

  async find(id: string): Promise<InstanceRecord | null> {
    const row = await this.rows().where({ id }).first();
    return row === undefined ? null : instanceFromRow(row);
  }

  /** Names are unique; one that is deleted is not found by its. */
  async findByName(name: string): Promise<InstanceRecord | null> {
    const row = await this.rows().where({ name }).whereNot('observed', 'deleted').first();
    return row === undefined ? null : instanceFromRow(row);
  }

  /** The row is locked until the transaction ends. */
  async lock(id: string): Promise<InstanceRecord | null> {
    const row = await this.rows().where({ id }).forUpdate().first();
    return row === undefined ? null : instanceFromRow(row);
  }

  /** Those of these ids that are kept, deleted ones included; in the order of ids. */
  async among(ids: readonly string[]): Promise<readonly InstanceRecord[]> {
    return (await this.rows().whereIn('id', [...ids]).orderBy('id')).map(instanceFromRow);
  }

  /** Everything of this person that is not gone. */
  async countOf(userId: string): Promise<number> {
    const [row] = (await this.db('instances').where({ user_id: userId }).whereNot('observed', 'deleted').count({ found: '*' })) as readonly { found: number | string }[];
    return Number(row?.found ?? 0);
  }

  async list(filter: InstanceFilter, page: PageRequest): Promise<Page<InstanceRecord>> {
    const query = this.rows();
    if (filter.state === undefined) void query.whereNot('observed', 'deleted');
    else void query.where('observed', filter.state);
    if (filter.userId !== undefined) void query.where('user_id', filter.userId);
    if (filter.groupId !== undefined) void query.where('group_id', filter.groupId);
    if (filter.slaveId !== undefined) void query.where('slave_id', filter.slaveId);
    if (filter.recycled === true) void query.whereNotNull('recycled_at').whereNot('desired', 'deleted');
    if (filter.recycled === false) void query.whereNull('recycled_at');
    const { visibleTo } = filter;
    if (visibleTo !== undefined) {
      void query.where((owned) => owned.where('user_id', visibleTo.userId).orWhereIn('group_id', [...visibleTo.ownedGroupIds]));
    }
    const found = await newestFirst<InstanceRow>(query, 'id', page);
    return { items: found.items.map(instanceFromRow), next: found.next };
  }

  /** The queue: those that have no slave yet, and those that are to go on where their disk is. Oldest first. */
  async queue(): Promise<readonly InstanceRecord[]> {
    const rows = await this.rows()
      .where((waits) => waits.where((unplaced) => unplaced.whereIn('observed', ['requested', 'queued']).where({ desired: 'running' })).orWhereNotNull('queued_at'))
      .whereNot('observed', 'deleted')
      .whereNot('desired', 'deleted')
      .orderBy('id');
    return rows.map(instanceFromRow);
  }

  /** Placed instances that hold cores and RAM of their slave: of all slaves, or of these. */
  async active(slaveIds: readonly string[] | null = null): Promise<readonly InstanceRecord[]> {
    const { sql, bindings } = holdsCompute('instances');
    const query = this.rows().whereNot('observed', 'deleted').whereRaw(sql, [...bindings]).orderBy('id');
    void (slaveIds === null ? query.whereNotNull('slave_id') : query.whereIn('slave_id', [...slaveIds]));
    return (await query).map(instanceFromRow);
  }

  /** Those claimed from this reservation that are not gone. */
  async ofReservation(reservationId: string): Promise<readonly InstanceRecord[]> {
    const rows = await this.rows().where({ reservation_id: reservationId }).whereNot('observed', 'deleted').orderBy('id');
    return rows.map(instanceFromRow);
  }

  /** What a person, or a group, has of the pool now or will have without asking again. */
  async usageOf(owner: { readonly userId: string } | { readonly groupId: string }): Promise<InstanceUsage> {
    const { sql, bindings } = holdsCompute('instances');
    const [row] = (await this.db('instances')
      .where('groupId' in owner ? { group_id: owner.groupId } : { user_id: owner.userId })
      .whereNot('observed', 'deleted')
      .whereNull('recycled_at')
      .where((counts) => counts.whereRaw(sql, [...bindings]).orWhere((waits) => waits.whereNotNull('queued_at').whereNot('desired', 'deleted')))
      .count({ instances: '*' })
      .sum({ vcpus: 'vcpus', ramMiB: 'ram_mib', diskMiB: 'disk_mib' })) as unknown as readonly Record<keyof InstanceUsage, number | string | null>[];
    return { instances: Number(row?.instances ?? 0), vcpus: Number(row?.vcpus ?? 0), ramMiB: Number(row?.ramMiB ?? 0), diskMiB: Number(row?.diskMiB ?? 0) };
  }

  /** Everything whose present placement is this slave. */
  async onSlave(slaveId: string): Promise<readonly InstanceRecord[]> {
    const rows = await this.rows().where({ slave_id: slaveId }).whereNot('observed', 'deleted').orderBy('id');
    return rows.map(instanceFromRow);
  }

  /** Placed instances that their slave has not brought to what should be, or has not answered for. */
  async unsettled(): Promise<readonly InstanceRecord[]> {
    const rows = await this.rows()
      .whereNotNull('slave_id')
      .whereNot('desired', 'deleted')
      .whereNot('observed', 'deleted')
      .where((open) => open.whereRaw('observed <> desired').orWhereRaw('observed_generation < generation'))
      .orderBy('id');
    return rows.map(instanceFromRow);
  }

  /** Instances that are to be deleted, of which no slave owes a proof any more: nobody is left to end their deletion. */
  async unendedDeletions(limit: number): Promise<readonly string[]> {
    const owed = this.db('placements').whereRaw('placements.instance_id = instances.id').whereIn('state', ['active', 'cleaning']).select('id');
    return this.db('instances').where({ desired: 'deleted' }).whereNot('observed', 'deleted').whereNotExists(owed).orderBy('id').limit(limit).pluck<string[]>('id');
  }

  /** Not those that are to be deleted: that ends with the slaves' proof, whatever state it was asked in. */
  async pastDeadline(now: EpochMs, limit: number): Promise<readonly InstanceRecord[]> {
    const rows = await this.rows().where('deadline_at', '<=', new Date(now)).whereNot({ desired: 'deleted' }).orderBy('deadline_at').limit(limit);
    return rows.map(instanceFromRow);
  }

  /**
   * Placed instances that should run and whose time is over. Not those whose domain is gone and that nobody
   * has asked for since (`abandoned`): there is nothing to save.
   */
  async pastEnd(now: EpochMs, limit: number): Promise<readonly InstanceRecord[]> {
    const rows = await this.rows()
      .where('ends_at', '<=', new Date(now))
      .where({ desired: 'running' })
      .whereNotNull('slave_id')
      .where((there) => there.whereNot('observed', 'lost').orWhereNull('reason_code').orWhereNot('reason_code', 'DomainLost').orWhereRaw('observed_generation < generation'))
      .orderBy('ends_at')
      .limit(limit);
    return rows.map(instanceFromRow);
  }

  /**
   * Those that may be at an end of their age: what lies in the recycle bin, and what has lain saved, off or failed since `since` or
   * longer. In the order of ids, after the one named.
   */
  async aged(since: EpochMs, after: string | null, limit: number): Promise<readonly InstanceRecord[]> {
    const query = this.rows()
      .whereNot('desired', 'deleted')
      .whereNot('observed', 'deleted')
      .where((aged) =>
        aged
          .whereNotNull('recycled_at')
          .orWhere((unused) => unused.whereIn('observed', ['suspended', 'stopped', 'failed']).whereNull('queued_at').whereRaw('COALESCE(idle_since, changed_at) <= ?', [new Date(since)])),
      )
      .orderBy('id')
      .limit(limit);
    if (after !== null) void query.where('id', '>', after);
    return (await query).map(instanceFromRow);
  }

  /** Ids of those deleted before then of which no slave owes anything any more; at most `limit`. */
  async deletedBefore(before: EpochMs, limit: number): Promise<readonly string[]> {
    const owed = this.db('placements').select(this.db.raw('1')).whereRaw('placements.instance_id = instances.id').whereIn('state', ['active', 'cleaning']);
    return (await this.db('instances').where('deleted_at', '<', new Date(before)).whereNotExists(owed).orderBy('id').limit(limit).pluck('id')) as string[];
  }

  /** Removes the rows themselves; says how many. */
  async remove(ids: readonly string[]): Promise<number> {
    return this.db('instances').whereIn('id', [...ids]).delete();
  }

  /** Those that are not deleted and run it, or boot with it. */
  async usingImage(imageId: string): Promise<readonly Pick<InstanceRecord, 'id' | 'name'>[]> {
    return this.db<InstanceRow>('instances')
      .whereNot('observed', 'deleted')
      .where((uses) => uses.where('image_id', imageId).orWhere('disk_image_id', imageId).orWhere('kernel_id', imageId).orWhere('ramdisk_id', imageId))
      .orderBy('id')
      .select('id', 'name');
  }

  /** What the guest is given as vendor data at its first boot. Kept beside the record, which is read in great numbers. */
  async setCloudInit(id: string, cloudInit: string): Promise<void> {
    await this.db('instances').where({ id }).update({ cloud_init: cloudInit });
  }

  /** Whether it wants its owner's home volume: never without it, never with it, or null where it is free. Kept beside the record too. */
  async setHomeWish(id: string, wish: boolean): Promise<void> {
    await this.db('instances').where({ id }).update({ home_wish: wish ? 1 : 0 });
    this.changes.note('instances', id);
  }

  /** Without it too where it is withheld. */
  async homeWish(id: string): Promise<boolean | null> {
    const row = (await this.db('instances').where({ id }).first('home_wish')) as { readonly home_wish: number | null } | undefined;
    return row?.home_wish == null ? null : row.home_wish === 1;
  }

  /** One that would have it where it is free runs without, until `lendHomeAgain`. Says whether it would have had it. */
  async withholdHome(id: string): Promise<boolean> {
    const count = await this.db('instances').where({ id }).where((wish) => wish.whereNull('home_wish').orWhere('home_wish', homeWithheld)).update({ home_wish: homeWithheld });
    if (count > 0) this.changes.note('instances', id);
    return count > 0;
  }

  async lendHomeAgain(id: string): Promise<void> {
    const count = await this.db('instances').where({ id, home_wish: homeWithheld }).update({ home_wish: null });
    if (count > 0) this.changes.note('instances', id);
  }

  /** Of those of these that have one. */
  async cloudInits(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = (await this.db('instances').whereIn('id', [...ids]).whereNotNull('cloud_init').select('id', 'cloud_init')) as readonly { readonly id: string; readonly cloud_init: string }[];
    return new Map(rows.map((row) => [row.id, row.cloud_init]));
  }

  /** Writes the change if the guard still holds; false when somebody was faster. */
  async change(id: string, guard: InstanceGuard, change: InstanceChange): Promise<boolean> {
    const columns: Partial<Record<keyof InstanceRow | 'deleted_at', unknown>> = {
      ...(change.name !== undefined && { name: change.name }),
      ...(change.slaveId !== undefined && { slave_id: change.slaveId }),
      ...(change.desired !== undefined && { desired: change.desired }),
      ...(change.stopForced !== undefined && { stop_forced: change.stopForced ? 1 : 0 }),
      ...(change.observed !== undefined && { observed: change.observed }),
      ...(change.generation !== undefined && { generation: change.generation }),
      ...(change.observedGeneration !== undefined && { observed_generation: change.observedGeneration }),
      ...(change.reason !== undefined && { reason_code: change.reason?.code ?? null, reason_sentence: change.reason?.sentence ?? null }),
      ...(change.booted !== undefined && { booted: change.booted ? 1 : 0 }),
      ...(change.progressPercent !== undefined && { progress_percent: change.progressPercent === null ? null : Math.floor(change.progressPercent) }),
      ...(change.mac !== undefined && { mac: change.mac }),
      ...(change.address !== undefined && { address: change.address }),
      ...(change.changedAt !== undefined && { changed_at: new Date(change.changedAt) }),
      ...(change.deadlineAt !== undefined && { deadline_at: change.deadlineAt === null ? null : new Date(change.deadlineAt) }),
      ...(change.minutes !== undefined && { minutes: change.minutes }),
      ...(change.endsAt !== undefined && { ends_at: change.endsAt === null ? null : new Date(change.endsAt) }),
      ...(change.type !== undefined && { type: change.type }),
      ...(change.groupId !== undefined && { group_id: change.groupId }),
      ...(change.priority !== undefined && priorityToRow(change.priority)),
      ...(change.requestedMinutes !== undefined && { requested_minutes: change.requestedMinutes }),
      ...(change.reservationId !== undefined && { reservation_id: change.reservationId }),
      ...(change.queuedAt !== undefined && { queued_at: change.queuedAt === null ? null : new Date(change.queuedAt) }),
      ...(change.queuedBecause !== undefined && { queued_because: change.queuedBecause }),
      ...(change.nominatedSlaveId !== undefined && { nominated_slave_id: change.nominatedSlaveId }),
      ...(change.preemptions !== undefined && { preemptions: change.preemptions }),
      ...(change.preemptedOn !== undefined && { preempted_on: change.preemptedOn }),
      ...(change.imageId !== undefined && { image_id: change.imageId }),
      ...(change.kernelId !== undefined && { kernel_id: change.kernelId }),
      ...(change.ramdiskId !== undefined && { ramdisk_id: change.ramdiskId }),
      ...(change.kernelArguments !== undefined && { kernel_arguments: change.kernelArguments }),
      ...(change.diskEpoch !== undefined && { disk_epoch: change.diskEpoch }),
      ...(change.observedDiskEpoch !== undefined && { observed_disk_epoch: change.observedDiskEpoch }),
      ...(change.diskImageId !== undefined && { disk_image_id: change.diskImageId }),
      ...(change.ramImageId !== undefined && { ram_image_id: change.ramImageId }),
      ...(change.ramSavedOn !== undefined && { ram_saved_on: savedOnToColumn(change.ramSavedOn) }),
      ...(change.idleSince !== undefined && { idle_since: change.idleSince === null ? null : new Date(change.idleSince) }),
      ...(change.agingNoticedAt !== undefined && { aging_noticed_at: change.agingNoticedAt === null ? null : new Date(change.agingNoticedAt) }),
      ...(change.recycledAt !== undefined && { recycled_at: change.recycledAt === null ? null : new Date(change.recycledAt) }),
      ...(change.recycleUntil !== undefined && { recycle_until: change.recycleUntil === null ? null : new Date(change.recycleUntil) }),
      ...(change.waitsSince !== undefined && { waits_since: change.waitsSince === null ? null : new Date(change.waitsSince) }),
      ...(change.deletedAt !== undefined && { deleted_at: new Date(change.deletedAt) }),
    };
    if ((await this.db('instances').where({ id, observed: guard.observed, generation: guard.generation }).update(columns)) !== 1) return false;
    this.changes.note('instances', id);
    return true;
  }

  private rows(): Knex.QueryBuilder<InstanceRow, InstanceRow[]> {
    return this.db<InstanceRow>('instances').select([...instanceColumns]) as unknown as Knex.QueryBuilder<InstanceRow, InstanceRow[]>;
  }
}
