import type { Page } from '@paravcl/shared/api/page';
import type { ImageKind, ImageState } from '@paravcl/shared/domain/image';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { changedColumns, contentColumns, imageFromRow, imageRows, oneImage, type FamilyColumns, type ImageChange, type ImageContentFacts, type ImageRecord, type ImageRow, type NewImageRecord } from './image-record';
import { newestFirst, type PageRequest } from './newest-first';
import { imageSeenBy, whereVisible, type VisibleTo } from './visible-images';

export interface ImageFilter {
  readonly state?: ImageState | undefined;
  readonly familyId?: string | undefined;
  /** Absent: all. */
  readonly visibleTo?: VisibleTo | undefined;
}

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
    return oneImage(await imageRows(this.db).where('images.id', id));
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
    const rows = await imageRows(this.db).whereIn('images.id', [...ids]);
    return new Map(rows.map((row) => [row.id, imageFromRow(row)]));
  }

  async inState(states: readonly ImageState[]): Promise<readonly ImageRecord[]> {
    return (await imageRows(this.db).whereIn('images.state', [...states]).orderBy('images.id')).map(imageFromRow);
  }

  async list(kind: ImageKind, { state, familyId, visibleTo }: ImageFilter, page: PageRequest): Promise<Page<ImageRecord>> {
    const query = whereVisible(imageRows(this.db).where('images.kind', kind).whereNull('images.of_instance_id').whereNull('images.of_volume_id'), visibleTo);
    if (state !== undefined) void query.where('images.state', state);
    if (familyId !== undefined) void query.where('images.family_id', familyId);
    const found = await newestFirst<ImageRow & FamilyColumns>(query, 'images.id', page);
    return { items: found.items.map(imageFromRow), next: found.next };
  }

  /** Newest version first. */
  async versionsOf(familyId: string, visibleTo: VisibleTo | undefined, most: number): Promise<readonly ImageRecord[]> {
    const query = whereVisible(imageRows(this.db).where('images.family_id', familyId), visibleTo);
    return (await query.orderBy('images.version', 'desc').limit(most)).map(imageFromRow);
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
}
