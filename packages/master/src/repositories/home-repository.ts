import { noNotes, type ChangeNotes } from './committed-changes';
import type { HomeState } from '@paravcl/shared/domain/home';
import type { Knex } from 'knex';
import type { HomeLeftover, HomeRecord } from '../core/home-record';

interface HomeRow {
  readonly id: string;
  readonly user_id: string;
  readonly size_mib: number;
  readonly own_size: number;
  readonly image_id: string | null;
  readonly state: HomeState;
  readonly instance_id: string | null;
  readonly slave_id: string | null;
  readonly epoch: number;
  readonly told_epoch: number;
  readonly attached_mib: number | null;
  readonly used: number;
  readonly return_id: string | null;
  readonly received: number;
  readonly open_in_ram_id: string | null;
  readonly sentence: string | null;
  readonly created_at: Date;
  readonly changed_at: Date;
}

interface LeftoverRow {
  readonly volume_id: string;
  readonly slave_id: string;
  readonly epoch: number;
  readonly lost: number;
  readonly instance_id: string | null;
  readonly attached_mib: number | null;
}

const columns = [
  'id', 'user_id', 'size_mib', 'own_size', 'image_id', 'state', 'instance_id', 'slave_id', 'epoch', 'told_epoch', 'attached_mib', 'used', 'return_id', 'received', 'open_in_ram_id', 'sentence', 'created_at', 'changed_at',
] as const satisfies readonly (keyof HomeRow)[];

const fromRow = (row: HomeRow): HomeRecord => ({
  id: row.id,
  userId: row.user_id,
  sizeMiB: row.size_mib,
  ownSize: row.own_size === 1,
  imageId: row.image_id,
  state: row.state,
  instanceId: row.instance_id,
  slaveId: row.slave_id,
  epoch: row.epoch,
  toldEpoch: row.told_epoch,
  attachedMiB: row.attached_mib,
  used: row.used === 1,
  returnId: row.return_id,
  received: row.received === 1,
  openInRamId: row.open_in_ram_id,
  sentence: row.sentence,
  createdAt: row.created_at.getTime(),
  changedAt: row.changed_at.getTime(),
});

const toRow = (home: HomeRecord): HomeRow => ({
  id: home.id,
  user_id: home.userId,
  size_mib: home.sizeMiB,
  own_size: home.ownSize ? 1 : 0,
  image_id: home.imageId,
  state: home.state,
  instance_id: home.instanceId,
  slave_id: home.slaveId,
  epoch: home.epoch,
  told_epoch: home.toldEpoch,
  attached_mib: home.attachedMiB,
  used: home.used ? 1 : 0,
  return_id: home.returnId,
  received: home.received ? 1 : 0,
  open_in_ram_id: home.openInRamId,
  sentence: home.sentence,
  created_at: new Date(home.createdAt),
  changed_at: new Date(home.changedAt),
});

/** What a home volume takes of a pool. */
export interface HomeRoom {
  readonly mib: number;
  /** Where it does; null: wherever its instance goes. */
  readonly slaveId: string | null;
}

/** Home volumes, and what slaves still have of them. */
export class HomeRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(home: HomeRecord): Promise<void> {
    await this.db('home_volumes').insert(toRow(home));
    this.noteOn([home.slaveId]);
  }

  async ofUser(userId: string): Promise<HomeRecord | null> {
    return one(await this.db<HomeRow>('home_volumes').where({ user_id: userId }).first(...columns));
  }

  /** Locked until the transaction ends; an instance that is locked too is locked before. */
  async lockOfUser(userId: string): Promise<HomeRecord | null> {
    return one(await this.db<HomeRow>('home_volumes').where({ user_id: userId }).forUpdate().first(...columns));
  }

  async lock(id: string): Promise<HomeRecord | null> {
    return one(await this.db<HomeRow>('home_volumes').where({ id }).forUpdate().first(...columns));
  }

  /** The whole of it, as its row was locked. */
  async update(home: HomeRecord): Promise<void> {
    const { id, ...row } = toRow(home);
    const before = await this.slavesWith(id);
    await this.db('home_volumes').where({ id }).update(row);
    this.noteOn([...before, home.slaveId]);
  }

  async remove(id: string): Promise<void> {
    const before = await this.slavesWith(id);
    await this.db('home_volumes').where({ id }).delete();
    this.noteOn(before);
  }

  private async slavesWith(id: string): Promise<readonly (string | null)[]> {
    return (await this.db('home_volumes').where({ id }).pluck('slave_id')) as readonly (string | null)[];
  }

  /** What a volume takes of a slave is promised there. */
  private noteOn(slaveIds: readonly (string | null)[]): void {
    for (const id of new Set(slaveIds)) if (id !== null) this.changes.note('slaves', id);
  }

  /** Those that these instances have, or had until they began to return, by the instance. */
  async of(instanceIds: readonly string[]): Promise<ReadonlyMap<string, HomeRecord>> {
    if (instanceIds.length === 0) return new Map();
    const rows = await this.db<HomeRow>('home_volumes').whereIn('instance_id', [...instanceIds]).select(...columns);
    return new Map(rows.map((row) => [row.instance_id ?? '', fromRow(row)]));
  }

  /** Those that these instances have, by the instance. */
  async attachedTo(instanceIds: readonly string[]): Promise<ReadonlyMap<string, HomeRecord>> {
    if (instanceIds.length === 0) return new Map();
    const rows = await this.db<HomeRow>('home_volumes').whereIn('instance_id', [...instanceIds]).where({ state: 'attached' }).select(...columns);
    return new Map(rows.map((row) => [row.instance_id ?? '', fromRow(row)]));
  }

  /** By instance, of those that have one, and of those that wait for a slave and get their owner's there, because it is free. */
  async rooms(): Promise<ReadonlyMap<string, HomeRoom>> {
    const held = this.db('home_volumes').where({ state: 'attached' }).select('instance_id', 'slave_id', 'size_mib', 'attached_mib', 'open_in_ram_id');
    const free = this.db('home_volumes as h')
      .join('instances as i', 'i.user_id', 'h.user_id')
      .where({ 'h.state': 'stored' })
      .where('h.size_mib', '>', 0)
      .whereNull('i.slave_id')
      .whereIn('i.observed', ['requested', 'queued'])
      .whereNull('i.ram_image_id')
      .where((wish) => wish.whereNull('i.home_wish').orWhere('i.home_wish', 1))
      .select('i.id as instance_id', this.db.raw('NULL AS slave_id'), 'h.size_mib', this.db.raw('NULL AS attached_mib, NULL AS open_in_ram_id'));
    const rows = (await Promise.all([held, free])).flat() as readonly Pick<HomeRow, 'instance_id' | 'slave_id' | 'size_mib' | 'attached_mib' | 'open_in_ram_id'>[];
    return new Map(
      rows.map(({ instance_id: instanceId, slave_id: slaveId, size_mib: sizeMiB, attached_mib: attachedMiB, open_in_ram_id: ramId }) => {
        // Its size when it goes to a slave, unless RAM has it open as it was.
        const mib = slaveId === null && ramId === null ? sizeMiB : (attachedMiB ?? sizeMiB);
        return [instanceId ?? '', { mib, slaveId }];
      }),
    );
  }

  /** Those on their way back, and those on slaves that are gone for good; in the order of ids. */
  async unsettled(): Promise<readonly HomeRecord[]> {
    const rows = await this.db<HomeRow>('home_volumes')
      .where({ state: 'returning' })
      .orWhere((stranded) => stranded.where({ state: 'attached' }).whereIn('slave_id', this.gone()))
      .orderBy('id')
      .select(...columns);
    return rows.map(fromRow);
  }

  async among(ids: readonly string[]): Promise<ReadonlyMap<string, HomeRecord>> {
    if (ids.length === 0) return new Map();
    const rows = await this.db<HomeRow>('home_volumes').whereIn('id', [...ids]).select(...columns);
    return new Map(rows.map((row) => [row.id, fromRow(row)]));
  }

  /** Of these slaves, those that were declared dead or left the pool for good. */
  async goneAmong(slaveIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (slaveIds.length === 0) return new Set();
    return new Set((await this.gone().whereIn('id', [...slaveIds]).pluck('id')) as string[]);
  }

  /** Those that are to come back from this slave: whose, and what is in the way. */
  async returningFrom(slaveId: string): Promise<readonly { readonly userName: string; readonly instanceId: string | null; readonly sentence: string | null }[]> {
    const rows = await this.db('home_volumes').join('users', 'users.id', 'home_volumes.user_id').where({ 'home_volumes.slave_id': slaveId, 'home_volumes.state': 'returning' }).orderBy('home_volumes.id').select('users.name', 'home_volumes.instance_id', 'home_volumes.sentence');
    return (rows as readonly { name: string; instance_id: string | null; sentence: string | null }[]).map((row) => ({ userName: row.name, instanceId: row.instance_id, sentence: row.sentence }));
  }

  /** The names of those whose volume is on this slave, attached or to come back: what was written there since is nowhere else. */
  async ownersOn(slaveId: string): Promise<readonly string[]> {
    return (await this.db('home_volumes').join('users', 'users.id', 'home_volumes.user_id').where({ 'home_volumes.slave_id': slaveId }).whereIn('home_volumes.state', ['attached', 'returning']).orderBy('users.name').pluck('users.name')) as string[];
  }

  /** The name of its person; null when there is no such volume any more. */
  async ownerNameOf(id: string): Promise<string | null> {
    const row = (await this.db('home_volumes').join('users', 'users.id', 'home_volumes.user_id').where({ 'home_volumes.id': id }).first('users.name')) as { readonly name: string } | undefined;
    return row?.name ?? null;
  }

  async ofReturn(returnId: string): Promise<HomeRecord | null> {
    return one(await this.db<HomeRow>('home_volumes').where({ return_id: returnId, state: 'returning' }).first(...columns));
  }

  async returnIds(): Promise<readonly string[]> {
    return (await this.db('home_volumes').where({ state: 'returning' }).whereNotNull('return_id').pluck('return_id')) as string[];
  }

  /** All of it lies among the uploads; false when nobody waits for it any more. */
  async received(returnId: string): Promise<boolean> {
    return (await this.db('home_volumes').where({ return_id: returnId, state: 'returning' }).update({ received: 1, sentence: null })) === 1;
  }

  async say(returnId: string, sentence: string | null): Promise<void> {
    await this.db('home_volumes').where({ return_id: returnId, state: 'returning' }).update({ sentence });
  }

  /** The slave owes its removal from now on; an earlier debt of the same volume is part of it. */
  async owe({ volumeId, slaveId, epoch, lost, givenUp }: HomeLeftover): Promise<void> {
    const of = { epoch, instance_id: givenUp?.instanceId ?? null, attached_mib: givenUp?.attachedMiB ?? null };
    await this.db('home_leftovers').insert({ volume_id: volumeId, slave_id: slaveId, lost: lost ? 1 : 0, ...of }).onConflict().merge({ ...of, lost: lost ? 1 : this.db.raw('lost') });
  }

  /** Whether this instance had a volume on this slave when that was given up, and its slave has it still. */
  async wasGivenUpUnder(instanceId: string, slaveId: string): Promise<boolean> {
    return (await this.db('home_leftovers').where({ instance_id: instanceId, slave_id: slaveId }).whereNotNull('attached_mib').first('volume_id')) !== undefined;
  }

  /** A guest of this instance has begun anew: it has nothing open that was given up before. */
  async holdsNoLeftover(instanceId: string): Promise<void> {
    await this.db('home_leftovers').where({ instance_id: instanceId }).update({ instance_id: null });
  }

  /** Those of slaves that are in the pool. */
  async leftovers(limit: number): Promise<readonly HomeLeftover[]> {
    const rows = await this.db<LeftoverRow>('home_leftovers').whereNotIn('slave_id', this.db('slaves').where({ admission: 'retired' }).select('id')).orderBy(['slave_id', 'volume_id']).limit(limit).select('volume_id', 'slave_id', 'epoch', 'lost', 'instance_id', 'attached_mib');
    return rows.map((row) => ({
      volumeId: row.volume_id, slaveId: row.slave_id, epoch: row.epoch, lost: row.lost === 1, ...(row.attached_mib === null ? {} : { givenUp: { instanceId: row.instance_id, attachedMiB: row.attached_mib } }),
    }));
  }

  /** How many volumes this slave still has something of that it is told to remove. */
  async leftoversOn(slaveId: string): Promise<number> {
    return ((await this.db('home_leftovers').where({ slave_id: slaveId }).pluck('volume_id')) as string[]).length;
  }

  /** It is gone there; false when more is owed by now. */
  async dropped({ volumeId, slaveId, epoch }: HomeLeftover): Promise<boolean> {
    return (await this.db('home_leftovers').where({ volume_id: volumeId, slave_id: slaveId, epoch }).delete()) === 1;
  }

  /** It is taken up again as it was read; false when it stands otherwise by now, as when the guest that had it begins without it. */
  async takenUp({ volumeId, slaveId, epoch, givenUp }: HomeLeftover): Promise<boolean> {
    return (await this.db('home_leftovers').where({ volume_id: volumeId, slave_id: slaveId, epoch, instance_id: givenUp?.instanceId ?? null }).delete()) === 1;
  }

  private gone(): Knex.QueryBuilder {
    return this.db('slaves').where((gone) => gone.where({ admission: 'retired' }).orWhere((dead) => dead.where({ liveness: 'lost' }).whereNotNull('declared_dead_at'))).select('id');
  }
}

function one(row: HomeRow | undefined): HomeRecord | null {
  return row === undefined ? null : fromRow(row);
}
