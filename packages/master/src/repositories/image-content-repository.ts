import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { contentColumns, imageFromRow, imageRows, oneImage, type ImageContentFacts, type ImageRecord, type NewImageRecord } from './image-record';
import type { ImageRepository } from './image-repository';

/** How much of a version's content guests read before they are up. */
export interface BootRead {
  readonly recordings: number;
  readonly bytes: number;
}

/** The content of versions: who has which, how it comes in, and what is kept for one instance or home volume alone. */
export class ImageContentRepository {
  constructor(
    private readonly db: Knex,
    private readonly images: ImageRepository,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Those of earlier releases: ready, and not in the chunk store yet. */
  async withoutManifest(): Promise<readonly ImageRecord[]> {
    return (await imageRows(this.db).whereIn('images.state', ['ready', 'deprecated']).whereNull('images.manifest_id').orderBy('images.id')).map(imageFromRow);
  }

  /** The first version that may be given out and has this content. */
  async withManifest(manifestId: ManifestId): Promise<ImageRecord | null> {
    return oneImage(await imageRows(this.db).where('images.manifest_id', manifestId).whereIn('images.state', ['ready', 'deprecated']).orderBy('images.id').limit(1));
  }

  /** All versions that may be given out and have this content, the first one first. */
  async givenOutWith(manifestId: ManifestId): Promise<readonly ImageRecord[]> {
    return (await imageRows(this.db).where('images.manifest_id', manifestId).whereIn('images.state', ['ready', 'deprecated']).orderBy('images.id')).map(imageFromRow);
  }

  /** All versions with one of these contents, whatever their state. */
  async withManifests(manifestIds: readonly ManifestId[]): Promise<readonly ImageRecord[]> {
    return (await imageRows(this.db).whereIn('images.manifest_id', [...manifestIds]).orderBy('images.id')).map(imageFromRow);
  }

  /** Every manifest that a version names, whatever its state: what no sweep may take. */
  async manifestIds(): Promise<readonly ManifestId[]> {
    return (await this.db('images').whereNotNull('manifest_id').distinct().pluck('manifest_id')) as ManifestId[];
  }

  /** Keeps disk or RAM of an instance, for that instance alone: a version of no family, listed nowhere. */
  async insertOfInstance(image: NewImageRecord, instanceId: string): Promise<void> {
    await this.images.insert(image);
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
    for (const { id } of rows) await this.images.remove(id);
    return { removed: rows.length, manifestIds: rows.flatMap(({ manifest_id: manifest }) => manifest ?? []) };
  }

  /** Keeps what a home volume holds, for that volume alone. */
  async insertOfVolume(image: NewImageRecord, volumeId: string): Promise<void> {
    await this.images.insert(image);
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
    for (const { id } of rows) await this.images.remove(id);
    return { removed: rows.length, manifestIds: rows.flatMap(({ manifest_id: manifest }) => manifest ?? []) };
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

  /** Of those of these versions whose first boots were recorded. */
  async bootReads(ids: readonly string[]): Promise<ReadonlyMap<string, BootRead>> {
    const rows = (await this.db('image_patterns').whereIn('image_id', [...ids]).where('recordings', '>', 0).select('image_id', 'recordings', 'boot_bytes')) as readonly {
      readonly image_id: string;
      readonly recordings: number;
      readonly boot_bytes: number;
    }[];
    return new Map(rows.map((row) => [row.image_id, { recordings: row.recordings, bytes: Number(row.boot_bytes) }]));
  }

  private noted(id: string, changed: number): boolean {
    if (changed === 1) this.changes.note('images', id);
    return changed === 1;
  }
}
