import type { EpochMs } from '@paravcl/shared/clock';
import type { PublicMapping, Transport } from '@paravcl/shared/domain/public-mapping';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';

/** What of the network outside leads to an instance. */
export interface PublicMappingRecord {
  readonly id: string;
  readonly instanceId: string;
  readonly mapping: PublicMapping;
  /** It was taken back, and is nobody else's before its slave has answered this generation; null: it was not. */
  readonly leavingGeneration: number | null;
  readonly createdAt: EpochMs;
}

interface MappingRow {
  readonly id: string;
  readonly instance_id: string;
  readonly kind: PublicMapping['kind'];
  readonly address: string | null;
  readonly transport: Transport | null;
  readonly public_port: number | null;
  readonly guest_port: number | null;
  readonly leaving_generation: number | null;
  readonly created_at: Date;
}

const columns = ['id', 'instance_id', 'kind', 'address', 'transport', 'public_port', 'guest_port', 'leaving_generation', 'created_at'] as const satisfies readonly (keyof MappingRow)[];

/** Addresses of the public pool and ports of slaves that lead to instances: each in the site once, by the table's keys. */
export class PublicMappingRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when the address or the public port is taken, or the guest's port has one. */
  async insert({ id, instanceId, mapping, leavingGeneration, createdAt }: PublicMappingRecord): Promise<void> {
    const port = mapping.kind === 'port' ? mapping : null;
    const row: MappingRow = {
      id, instance_id: instanceId, kind: mapping.kind, address: mapping.kind === 'address' ? mapping.address : null,
      transport: port?.transport ?? null, public_port: port?.publicPort ?? null, guest_port: port?.guestPort ?? null, leaving_generation: leavingGeneration, created_at: new Date(createdAt),
    };
    await this.db('public_mappings').insert(row);
    this.changes.note('instances', instanceId);
  }

  async find(id: string): Promise<PublicMappingRecord | null> {
    const row = await this.rows().where({ id }).first();
    return row === undefined ? null : fromRow(row);
  }

  /** All of one instance, also what is leaving it. */
  async ofInstance(instanceId: string): Promise<readonly PublicMappingRecord[]> {
    return (await this.rows().where({ instance_id: instanceId }).orderBy('id')).map(fromRow);
  }

  /** What leads to those of these instances that have something, oldest first; not what is leaving them. */
  async of(instanceIds: readonly string[]): Promise<ReadonlyMap<string, readonly PublicMapping[]>> {
    const rows = await this.rows().whereIn('instance_id', [...instanceIds]).whereNull('leaving_generation').orderBy('id');
    const found = new Map<string, PublicMapping[]>();
    for (const { instanceId, mapping } of rows.map(fromRow)) found.set(instanceId, [...(found.get(instanceId) ?? []), mapping]);
    return found;
  }

  /** Newest last; not what is leaving. `visibleTo`: of this person's instances, and of those in these groups. */
  async list(filter: { readonly instanceId?: string | undefined; readonly visibleTo?: { readonly userId: string; readonly ownedGroupIds: readonly string[] } | undefined }): Promise<readonly PublicMappingRecord[]> {
    const query = this.rows().whereNull('leaving_generation').orderBy('id');
    const { instanceId, visibleTo } = filter;
    if (instanceId !== undefined) void query.where({ instance_id: instanceId });
    if (visibleTo !== undefined) {
      const visible = this.db('instances').where((owned) => owned.where('user_id', visibleTo.userId).orWhereIn('group_id', [...visibleTo.ownedGroupIds]));
      void query.whereIn('instance_id', visible.select('id'));
    }
    return (await query).map(fromRow);
  }

  /** Of all instances of this person. */
  async countOf(userId: string): Promise<number> {
    const [row] = (await this.db('public_mappings as m').join('instances as i', 'i.id', 'm.instance_id').where('i.user_id', userId).whereNull('m.leaving_generation').count({ found: '*' })) as readonly { readonly found: number | string }[];
    return Number(row?.found ?? 0);
  }

  /** Addresses that are somebody's, or not free again yet. */
  async takenAddresses(): Promise<ReadonlySet<string>> {
    return new Set(await this.db('public_mappings').whereNotNull('address').pluck<string[]>('address'));
  }

  /** Public ports that lead somewhere, or are not free again yet. */
  async takenPorts(transport: Transport): Promise<ReadonlySet<number>> {
    return new Set(await this.db('public_mappings').where({ transport }).pluck<number[]>('public_port'));
  }

  /** Taken back: its slave is told under this generation, and has it until it has answered that. */
  async leave({ id, instanceId }: Pick<PublicMappingRecord, 'id' | 'instanceId'>, generation: number): Promise<void> {
    await this.db('public_mappings').where({ id }).update({ leaving_generation: generation });
    this.changes.note('instances', instanceId);
  }

  async remove({ id, instanceId }: Pick<PublicMappingRecord, 'id' | 'instanceId'>): Promise<void> {
    await this.db('public_mappings').where({ id }).delete();
    this.changes.note('instances', instanceId);
  }

  /** Everything of an instance of which nothing remains. */
  async removeOf(instanceId: string): Promise<void> {
    await this.db('public_mappings').where({ instance_id: instanceId }).delete();
  }

  /** What was taken back is free: its slave has answered, or it is on none. */
  async removeAnswered(): Promise<number> {
    return this.db('public_mappings')
      .whereNotNull('leaving_generation')
      .whereExists(
        this.db('instances as i')
          .select(this.db.raw('1'))
          .whereRaw('i.id = public_mappings.instance_id')
          .where((answered) => answered.whereNull('i.slave_id').orWhereRaw('i.observed_generation >= public_mappings.leaving_generation')),
      )
      .delete();
  }

  private rows(): Knex.QueryBuilder<MappingRow, MappingRow[]> {
    return this.db<MappingRow>('public_mappings').select([...columns]) as unknown as Knex.QueryBuilder<MappingRow, MappingRow[]>;
  }
}

function fromRow({ id, instance_id, address, transport, public_port, guest_port, leaving_generation, created_at }: MappingRow): PublicMappingRecord {
  return { id, instanceId: instance_id, mapping: mappingOf(id, { address, transport, public_port, guest_port }), leavingGeneration: leaving_generation, createdAt: created_at.getTime() };
}

function mappingOf(id: string, { address, transport, public_port, guest_port }: Pick<MappingRow, 'address' | 'transport' | 'public_port' | 'guest_port'>): PublicMapping {
  if (address !== null) return { kind: 'address', address };
  if (transport !== null && public_port !== null && guest_port !== null) return { kind: 'port', transport, publicPort: public_port, guestPort: guest_port };
  throw new Error(`Public mapping ${id} has neither an address nor a port.`);
}
