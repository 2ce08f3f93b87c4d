import type { Page } from '@paravcl/shared/api/page';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageFormat, ImageKind, ImageState, ImageVisibility } from '@paravcl/shared/domain/image';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { newestFirst, type PageRequest } from './newest-first';
import { imageSeenBy, whereVisible, type VisibleTo } from './visible-images';

/** One version of a family. */
export interface ImageRecord {
  readonly id: string;
  readonly familyId: string;
  readonly familyName: string;
  readonly version: number;
  /** It is what a launch of its family gets. */
  readonly production: boolean;
  readonly visibility: ImageVisibility;
  readonly friendlyId: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  readonly format: ImageFormat;
  /** Of the file as uploaded. */
  readonly sizeBytes: number;
  /** Of the file as uploaded; null while a file of the server is read in. */
  readonly sha256: string | null;
  /** The file of the server that is read in, while that goes on. */
  readonly importPath: string | null;
  /** Its content in chunks; null until it is ready, and for images of earlier releases until they are taken. */
  readonly manifestId: ManifestId | null;
  /** Of the whole raw content. */
  readonly contentSha256: string | null;
  readonly contentBytes: number | null;
  readonly checkPercent: number | null;
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
  /** It is the disk of that instance, or what that home volume holds, for it alone; null of all that people know as images. */
  readonly ofInstanceId: string | null;
}

/** What is written of a new one; the rest is its family's. */
export type NewImageRecord = Omit<ImageRecord, 'familyName' | 'production' | 'ofInstanceId'>;

/** What a check found its content to be. */
export type ImageContentFacts = Pick<ImageRecord, 'manifestId' | 'contentSha256' | 'contentBytes' | 'virtualSizeMiB'>;

/** What may be changed of a version. */
export type ImageChange = {
  readonly [Field in
    | 'name' | 'description' | 'visibility' | 'ownerGroupId' | 'defaultKernelId' | 'defaultRamdiskId' | 'defaultVcpus' | 'defaultRamMiB' | 'kernelArguments'
    | 'platformValue' | 'state']?: ImageRecord[Field] | undefined;
};

export interface ImageFilter {
  readonly state?: ImageState | undefined;
  readonly familyId?: string | undefined;
  /** Absent: all. */
  readonly visibleTo?: VisibleTo | undefined;
}

/** How much of a version's content guests read before they are up. */
export interface BootRead {
  readonly recordings: number;
  readonly bytes: number;
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
  readonly family_id: string;
  readonly version: number;
  readonly visibility: ImageVisibility;
  readonly manifest_id: string | null;
  readonly content_sha256: string | null;
  readonly content_bytes: number | null;
  readonly check_percent: number | null;
  readonly import_path: string | null;
  readonly of_instance_id: string | null;
  readonly of_volume_id: string | null;
}

interface FamilyColumns {
  readonly family_name: string | null;
  readonly production_image_id: string | null;
}

const columns = [
  'id', 'friendly_id', 'kind', 'name', 'description', 'format', 'size_bytes', 'sha256', 'virtual_size_mib', 'state', 'reason', 'default_kernel_id',
  'default_ramdisk_id', 'default_vcpus', 'default_ram_mib', 'kernel_arguments', 'platform_value', 'owner_group_id', 'created_by_user_id', 'created_at',
  'family_id', 'version', 'visibility', 'manifest_id', 'content_sha256', 'content_bytes', 'check_percent', 'import_path', 'of_instance_id', 'of_volume_id',
] as const satisfies readonly (keyof ImageRow)[];

const fromRow = (row: ImageRow & FamilyColumns): ImageRecord => ({
  id: row.id,
  familyId: row.family_id,
  familyName: row.family_name ?? row.name,
  version: row.version,
  production: row.production_image_id === row.id,
  visibility: row.visibility,
  friendlyId: row.friendly_id,
  kind: row.kind,
  name: row.name,
  description: row.description,
  format: row.format,
  sizeBytes: Number(row.size_bytes),
  // The column takes no NULL: nothing is known yet.
  sha256: row.sha256 === '' ? null : row.sha256,
  importPath: row.import_path,
  manifestId: row.manifest_id,
  contentSha256: row.content_sha256,
  contentBytes: row.content_bytes === null ? null : Number(row.content_bytes),
  checkPercent: row.check_percent,
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
  ofInstanceId: row.of_instance_id ?? row.of_volume_id,
});

/** EMI, EKI and ERI: one table, three kinds; each row a version of a family. */
export class ImageRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when the friendly id is taken. */
  async insert(image: NewImageRecord): Promise<void> {
    await this.db('images').insert({
      ...changedColumns(image),
      id: image.id,
      friendly_id: image.friendlyId,
      kind: image.kind,
      format: image.format,
      size_bytes: image.sizeBytes,
      sha256: image.sha256 ?? '',
      virtual_size_mib: image.virtualSizeMiB,
      reason: image.reason,
      created_by_user_id: image.createdByUserId,
      created_at: new Date(image.createdAt),
      family_id: image.familyId,
      version: image.version,
      manifest_id: image.manifestId,
      content_sha256: image.contentSha256,
      content_bytes: image.contentBytes,
      check_percent: image.checkPercent,
      import_path: image.importPath,
    });
    this.changes.note('images', image.id);
  }

  async friendlyIdTaken(friendlyId: string): Promise<boolean> {
    return (await this.db('images').where({ friendly_id: friendlyId }).first('id')) !== undefined;
  }

  async find(id: string): Promise<ImageRecord | null> {
    return one(await this.rows().where('images.id', id));
  }

  /** Shared lock until the transaction ends: an image cannot be deleted while an instance of it is made. */
  async lockShared(id: string): Promise<ImageRecord | null> {
    await this.db('images').where({ id }).forShare().first('id');
    return this.find(id);
  }

  /** The row is locked until the transaction ends, also against `lockShared`. */
  async lock(id: string): Promise<ImageRecord | null> {
    await this.db('images').where({ id }).forUpdate().first('id');
    return this.find(id);
  }

  async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, ImageRecord>> {
    const rows = await this.rows().whereIn('images.id', [...ids]);
    return new Map(rows.map((row) => [row.id, fromRow(row)]));
  }

  async inState(states: readonly ImageState[]): Promise<readonly ImageRecord[]> {
    return (await this.rows().whereIn('images.state', [...states]).orderBy('images.id')).map(fromRow);
  }

  /** Those of earlier releases: ready, and not in the chunk store yet. */
  async withoutManifest(): Promise<readonly ImageRecord[]> {
    return (await this.rows().whereIn('images.state', ['ready', 'deprecated']).whereNull('images.manifest_id').orderBy('images.id')).map(fromRow);
  }

  /** The first version that may be given out and has this content. */
  async withManifest(manifestId: ManifestId): Promise<ImageRecord | null> {
    return one(await this.rows().where('images.manifest_id', manifestId).whereIn('images.state', ['ready', 'deprecated']).orderBy('images.id').limit(1));
  }

  /** All versions that may be given out and have this content, the first one first. */
  async givenOutWith(manifestId: ManifestId): Promise<readonly ImageRecord[]> {
    return (await this.rows().where('images.manifest_id', manifestId).whereIn('images.state', ['ready', 'deprecated']).orderBy('images.id')).map(fromRow);
  }

  /** All versions with one of these contents, whatever their state. */
  async withManifests(manifestIds: readonly ManifestId[]): Promise<readonly ImageRecord[]> {
    return (await this.rows().whereIn('images.manifest_id', [...manifestIds]).orderBy('images.id')).map(fromRow);
  }

  /** Every manifest that a version names, whatever its state: what no sweep may take. */
  async manifestIds(): Promise<readonly ManifestId[]> {
    return (await this.db('images').whereNotNull('manifest_id').distinct().pluck('manifest_id')) as ManifestId[];
  }

  async list(kind: ImageKind, { state, familyId, visibleTo }: ImageFilter, page: PageRequest): Promise<Page<ImageRecord>> {
    const query = whereVisible(this.rows().where('images.kind', kind).whereNull('images.of_instance_id').whereNull('images.of_volume_id'), visibleTo);
    if (state !== undefined) void query.where('images.state', state);
    if (familyId !== undefined) void query.where('images.family_id', familyId);
    const found = await newestFirst<ImageRow & FamilyColumns>(query, 'images.id', page);
    return { items: found.items.map(fromRow), next: found.next };
  }

  /** Keeps disk or RAM of an instance, for that instance alone: a version of no family, listed nowhere. */
  async insertOfInstance(image: NewImageRecord, instanceId: string): Promise<void> {
    await this.insert(image);
    await this.db('images').where({ id: image.id }).update({ of_instance_id: instanceId });
  }

  /**
   * Disks and RAM kept for instances that go on from something else now, or that are gone, and that no snapshot keeps; at most
   * `limit`. Answers how many, and their contents.
   */
  async removeUnusedOfInstances(limit: number): Promise<{ readonly removed: number; readonly manifestIds: readonly ManifestId[] }> {
    const rows = (await this.db('images')
      .leftJoin('instances', 'instances.id', 'images.of_instance_id')
      .whereNotNull('images.of_instance_id')
      .where((unused) => unused.whereNull('instances.id').orWhere('instances.observed', 'deleted').orWhereRaw("images.id NOT IN (COALESCE(instances.disk_image_id, ''), COALESCE(instances.ram_image_id, ''))"))
      .whereNotExists(this.db('snapshot_parts').join('snapshots', 'snapshots.id', 'snapshot_parts.snapshot_id').whereRaw('snapshot_parts.image_id = images.id').where({ 'snapshots.purpose': 'keep' }).select(this.db.raw('1')))
      .orderBy('images.id')
      .limit(limit)
      .select('images.id', 'images.manifest_id')) as readonly { readonly id: string; readonly manifest_id: string | null }[];
    for (const { id } of rows) await this.remove(id);
    return { removed: rows.length, manifestIds: rows.flatMap(({ manifest_id: manifest }) => manifest ?? []) };
  }

  /** Keeps what a home volume holds, for that volume alone. */
  async insertOfVolume(image: NewImageRecord, volumeId: string): Promise<void> {
    await this.insert(image);
    await this.db('images').where({ id: image.id }).update({ of_volume_id: volumeId });
  }

  /** What home volumes held before, and those that are gone; at most `limit`. Answers how many, and their contents. */
  async removeUnusedHomes(limit: number): Promise<{ readonly removed: number; readonly manifestIds: readonly ManifestId[] }> {
    const rows = (await this.db('images')
      .leftJoin('home_volumes', 'home_volumes.id', 'images.of_volume_id')
      .whereNotNull('images.of_volume_id')
      .where((unused) => unused.whereNull('home_volumes.id').orWhereNull('home_volumes.image_id').orWhereRaw('home_volumes.image_id <> images.id'))
      .orderBy('images.id')
      .limit(limit)
      .select('images.id', 'images.manifest_id')) as readonly { readonly id: string; readonly manifest_id: string | null }[];
    for (const { id } of rows) await this.remove(id);
    return { removed: rows.length, manifestIds: rows.flatMap(({ manifest_id: manifest }) => manifest ?? []) };
  }

  /** Newest version first. */
  async versionsOf(familyId: string, visibleTo: VisibleTo | undefined, most: number): Promise<readonly ImageRecord[]> {
    const query = whereVisible(this.rows().where('images.family_id', familyId), visibleTo);
    return (await query.orderBy('images.version', 'desc').limit(most)).map(fromRow);
  }

  /** Disk images whose default kernel or ramdisk this is. */
  async withDefault(imageId: string): Promise<readonly Pick<ImageRecord, 'id' | 'name' | 'friendlyId'>[]> {
    const rows = await this.db<ImageRow>('images')
      .where((uses) => uses.where('default_kernel_id', imageId).orWhere('default_ramdisk_id', imageId))
      .orderBy('id')
      .select('id', 'name', 'friendly_id');
    return rows.map((row) => ({ id: row.id, name: row.name, friendlyId: row.friendly_id }));
  }

  /** False when the state was another one. */
  async move(id: string, from: ImageState, to: ImageState, change: { readonly reason: string | null } & Partial<ImageContentFacts>): Promise<boolean> {
    const { reason, ...content } = change;
    const updated = await this.db('images')
      .where({ id, state: from })
      .update({ state: to, reason, check_percent: to === 'checking' ? 0 : null, ...contentColumns(content) });
    return this.noted(id, updated);
  }

  /** How far a check is; nothing when it has ended meanwhile. */
  async setCheckPercent(id: string, percent: number): Promise<void> {
    this.noted(id, await this.db('images').where({ id, state: 'checking' }).update({ check_percent: percent }));
  }

  /** The content of an image of an earlier release; false when it has one, or is gone. */
  async setContent(id: string, content: ImageContentFacts): Promise<boolean> {
    return (await this.db('images').where({ id }).whereNull('manifest_id').whereIn('state', ['ready', 'deprecated']).update(contentColumns(content))) === 1;
  }

  /** A file of the server was read in whole: from here on it is an upload like any other. */
  async setReadIn(id: string, file: { readonly sizeBytes: number; readonly sha256: string }): Promise<boolean> {
    return this.noted(id, await this.db('images').where({ id, state: 'uploading' }).update({ size_bytes: file.sizeBytes, sha256: file.sha256, import_path: null, reason: null }));
  }

  /** Why the reading of a file of the server did not come to its end. */
  async setImportReason(id: string, reason: string): Promise<void> {
    this.noted(id, await this.db('images').where({ id, state: 'uploading' }).update({ reason }));
  }

  /** Nothing when nothing is changed. */
  async edit(id: string, change: ImageChange): Promise<void> {
    const columns = changedColumns(change);
    if (Object.keys(columns).length === 0) return;
    // Whoever does not see it any more is told, too.
    await this.noteAsItIs(id);
    this.noted(id, await this.db('images').where({ id }).update(columns));
  }

  /** With what was learned of its boots. */
  async remove(id: string): Promise<void> {
    await this.noteAsItIs(id);
    await this.db('image_patterns').where({ image_id: id }).delete();
    await this.db('images').where({ id }).delete();
  }

  private noted(id: string, changed: number): boolean {
    if (changed === 1) this.changes.note('images', id);
    return changed === 1;
  }

  /** For those who see it now, whatever becomes of it. */
  private async noteAsItIs(id: string): Promise<void> {
    const row = await this.db<ImageRow>('images').where({ id }).whereNull('of_instance_id').whereNull('of_volume_id').first('visibility', 'owner_group_id', 'created_by_user_id');
    if (row !== undefined) this.changes.note('images', id, imageSeenBy(row));
  }

  /** Of those of these versions whose first boots were recorded. */
  async bootReads(ids: readonly string[]): Promise<ReadonlyMap<string, BootRead>> {
    const rows = (await this.db('image_patterns').whereIn('image_id', [...ids]).where('recordings', '>', 0).select('image_id', 'recordings', 'boot_bytes')) as readonly {
      readonly image_id: string;
      readonly recordings: number;
      readonly boot_bytes: number;
    }[];
    return new Map(rows.map((row) => [row.image_id, { recordings: row.recordings, bytes: Number(row.boot_bytes) }]));
  }

  private rows(): Knex.QueryBuilder<ImageRow & FamilyColumns, (ImageRow & FamilyColumns)[]> {
    return this.db('images')
      .leftJoin('image_families', 'image_families.id', 'images.family_id')
      .select(...columns.map((column) => `images.${column}`), 'image_families.name as family_name', 'image_families.production_image_id as production_image_id') as Knex.QueryBuilder<
      ImageRow & FamilyColumns,
      (ImageRow & FamilyColumns)[]
    >;
  }
}

function one(rows: readonly (ImageRow & FamilyColumns)[]): ImageRecord | null {
  return rows[0] === undefined ? null : fromRow(rows[0]);
}

function contentColumns({ manifestId, contentSha256, contentBytes, virtualSizeMiB }: Partial<ImageContentFacts>): Partial<ImageRow> {
  return {
    ...(manifestId === undefined ? {} : { manifest_id: manifestId }),
    ...(contentSha256 === undefined ? {} : { content_sha256: contentSha256 }),
    ...(contentBytes === undefined ? {} : { content_bytes: contentBytes }),
    ...(virtualSizeMiB === undefined ? {} : { virtual_size_mib: virtualSizeMiB }),
  };
}

function changedColumns(change: ImageChange): Partial<ImageRow> {
  return {
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.description === undefined ? {} : { description: change.description }),
    ...(change.visibility === undefined ? {} : { visibility: change.visibility }),
    ...(change.ownerGroupId === undefined ? {} : { owner_group_id: change.ownerGroupId }),
    ...(change.defaultKernelId === undefined ? {} : { default_kernel_id: change.defaultKernelId }),
    ...(change.defaultRamdiskId === undefined ? {} : { default_ramdisk_id: change.defaultRamdiskId }),
    ...(change.defaultVcpus === undefined ? {} : { default_vcpus: change.defaultVcpus }),
    ...(change.defaultRamMiB === undefined ? {} : { default_ram_mib: change.defaultRamMiB }),
    ...(change.kernelArguments === undefined ? {} : { kernel_arguments: change.kernelArguments }),
    ...(change.platformValue === undefined ? {} : { platform_value: change.platformValue }),
    ...(change.state === undefined ? {} : { state: change.state }),
  };
}
