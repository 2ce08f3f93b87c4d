import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageFormat, ImageKind, ImageState } from '@paravcl/shared/domain/image';
import type { Knex } from 'knex';
import { newestFirst, type PageRequest } from './newest-first';

export interface ImageRecord {
  readonly id: string;
  readonly friendlyId: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  readonly format: ImageFormat;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly virtualSizeMiB: number | null;
  readonly state: ImageState;
  readonly reason: string | null;
  readonly defaultKernelId: string | null;
  readonly defaultRamdiskId: string | null;
  readonly defaultVcpus: number | null;
  readonly defaultRamMiB: number | null;
  readonly kernelArguments: string;
  readonly platformValue: number;
  readonly ownerGroupId: string | null;
  readonly createdByUserId: string;
  readonly createdAt: EpochMs;
}

interface ImageRow {
  readonly id: string;
  readonly friendly_id: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  readonly format: ImageFormat;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly virtual_size_mib: number | null;
  readonly state: ImageState;
  readonly reason: string | null;
  readonly default_kernel_id: string | null;
  readonly default_ramdisk_id: string | null;
  readonly default_vcpus: number | null;
  readonly default_ram_mib: number | null;
  readonly kernel_arguments: string;
  readonly platform_value: number;
  readonly owner_group_id: string | null;
  readonly created_by_user_id: string;
  readonly created_at: Date;
}

const columns = [
  'id', 'friendly_id', 'kind', 'name', 'description', 'format', 'size_bytes', 'sha256', 'virtual_size_mib', 'state', 'reason', 'default_kernel_id',
  'default_ramdisk_id', 'default_vcpus', 'default_ram_mib', 'kernel_arguments', 'platform_value', 'owner_group_id', 'created_by_user_id', 'created_at',
] as const satisfies readonly (keyof ImageRow)[];

const fromRow = (row: ImageRow): ImageRecord => ({
  id: row.id,
  friendlyId: row.friendly_id,
  kind: row.kind,
  name: row.name,
  description: row.description,
  format: row.format,
  sizeBytes: Number(row.size_bytes),
  sha256: row.sha256,
  virtualSizeMiB: row.virtual_size_mib === null ? null : Number(row.virtual_size_mib),
  state: row.state,
  reason: row.reason,
  defaultKernelId: row.default_kernel_id,
  defaultRamdiskId: row.default_ramdisk_id,
  defaultVcpus: row.default_vcpus,
  defaultRamMiB: row.default_ram_mib,
  kernelArguments: row.kernel_arguments,
  platformValue: Number(row.platform_value),
  ownerGroupId: row.owner_group_id,
  createdByUserId: row.created_by_user_id,
  createdAt: row.created_at.getTime(),
});

/** EMI, EKI and ERI: one table, three kinds. */
export class ImageRepository {
  constructor(private readonly db: Knex) {}

  /** Throws a duplicate-key error when the friendly id is taken. */
  async insert(image: ImageRecord): Promise<void> {
    await this.db('images').insert({
      id: image.id,
      friendly_id: image.friendlyId,
      kind: image.kind,
      name: image.name,
      description: image.description,
      format: image.format,
      size_bytes: image.sizeBytes,
      sha256: image.sha256,
      virtual_size_mib: image.virtualSizeMiB,
      state: image.state,
      reason: image.reason,
      default_kernel_id: image.defaultKernelId,
      default_ramdisk_id: image.defaultRamdiskId,
      default_vcpus: image.defaultVcpus,
      default_ram_mib: image.defaultRamMiB,
      kernel_arguments: image.kernelArguments,
      platform_value: image.platformValue,
      owner_group_id: image.ownerGroupId,
      created_by_user_id: image.createdByUserId,
      created_at: new Date(image.createdAt),
    });
  }

  async friendlyIdTaken(friendlyId: string): Promise<boolean> {
    return (await this.db('images').where({ friendly_id: friendlyId }).first('id')) !== undefined;
  }

  async find(id: string): Promise<ImageRecord | null> {
    const row = await this.db<ImageRow>('images').where({ id }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Shared lock until the transaction ends: an image cannot be deleted while an instance of it is made. */
  async lockShared(id: string): Promise<ImageRecord | null> {
    const row = await this.db<ImageRow>('images').where({ id }).forShare().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** The row is locked until the transaction ends, also against `lockShared`. */
  async lock(id: string): Promise<ImageRecord | null> {
    const row = await this.db<ImageRow>('images').where({ id }).forUpdate().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, ImageRecord>> {
    const rows = await this.db<ImageRow>('images').whereIn('id', [...ids]).select(...columns);
    return new Map(rows.map((row) => [row.id, fromRow(row)]));
  }

  async inState(states: readonly ImageState[]): Promise<readonly ImageRecord[]> {
    return (await this.db<ImageRow>('images').whereIn('state', [...states]).orderBy('id').select(...columns)).map(fromRow);
  }

  async list(kind: ImageKind, filter: { readonly state?: ImageState | undefined }, page: PageRequest): Promise<Page<ImageRecord>> {
    const query = this.db<ImageRow>('images').where({ kind }).select(...columns);
    if (filter.state !== undefined) void query.where({ state: filter.state });
    const found = await newestFirst<ImageRow>(query, 'id', page);
    return { items: found.items.map(fromRow), next: found.next };
  }

  /** First disk image whose default kernel or ramdisk this is. */
  async withDefault(imageId: string): Promise<ImageRecord | null> {
    const row = await this.db<ImageRow>('images')
      .where((uses) => uses.where('default_kernel_id', imageId).orWhere('default_ramdisk_id', imageId))
      .orderBy('id')
      .first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** False when the state was another one. */
  async move(id: string, from: ImageState, to: ImageState, change: { readonly reason: string | null; readonly virtualSizeMiB?: number | null }): Promise<boolean> {
    const updated = await this.db('images')
      .where({ id, state: from })
      .update({ state: to, reason: change.reason, ...(change.virtualSizeMiB === undefined ? {} : { virtual_size_mib: change.virtualSizeMiB }) });
    return updated === 1;
  }

  async remove(id: string): Promise<void> {
    await this.db('images').where({ id }).delete();
  }
}
