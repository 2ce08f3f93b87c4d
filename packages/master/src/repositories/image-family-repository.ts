import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { ImageKind } from '@paravcl/shared/domain/image';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { newestFirst, type PageRequest } from './newest-first';
import { whereVisible, type VisibleTo } from './visible-images';

/** A name whose versions are images. */
export interface ImageFamilyRecord {
  readonly id: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  /** The highest number given to a version. */
  readonly versionsMade: number;
  readonly productionImageId: string | null;
  readonly createdByUserId: string;
  readonly createdAt: EpochMs;
}

/** What may be changed of a family. */
export type ImageFamilyChange = { readonly [Field in 'name' | 'description' | 'versionsMade' | 'productionImageId']?: ImageFamilyRecord[Field] | undefined };

interface FamilyRow {
  readonly id: string;
  readonly kind: ImageKind;
  readonly name: string;
  readonly description: string;
  readonly versions_made: number;
  readonly production_image_id: string | null;
  readonly created_by_user_id: string;
  readonly created_at: Date;
}

const columns = ['id', 'kind', 'name', 'description', 'versions_made', 'production_image_id', 'created_by_user_id', 'created_at'] as const satisfies readonly (keyof FamilyRow)[];

const fromRow = (row: FamilyRow): ImageFamilyRecord => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  description: row.description,
  versionsMade: row.versions_made,
  productionImageId: row.production_image_id,
  createdByUserId: row.created_by_user_id,
  createdAt: row.created_at.getTime(),
});

/** Names of images, kernels and ramdisks; each is unique within its kind. */
export class ImageFamilyRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when the kind has a family of this name. */
  async insert(family: ImageFamilyRecord): Promise<void> {
    await this.db('image_families').insert({
      id: family.id,
      kind: family.kind,
      name: family.name,
      description: family.description,
      versions_made: family.versionsMade,
      production_image_id: family.productionImageId,
      created_by_user_id: family.createdByUserId,
      created_at: new Date(family.createdAt),
    });
  }

  async find(id: string): Promise<ImageFamilyRecord | null> {
    return orNull(await this.db<FamilyRow>('image_families').where({ id }).first(...columns));
  }

  /** However it is capitalised. */
  async named(kind: ImageKind, name: string): Promise<ImageFamilyRecord | null> {
    return orNull(await this.db<FamilyRow>('image_families').where({ kind, name }).first(...columns));
  }

  /** The row is locked until the transaction ends: one change of its versions after the other. */
  async lock(id: string): Promise<ImageFamilyRecord | null> {
    return orNull(await this.db<FamilyRow>('image_families').where({ id }).forUpdate().first(...columns));
  }

  /** Of this kind, or of all; only those of which a version may be seen. */
  async page(filter: PageRequest & { readonly kind?: ImageKind | undefined; readonly visibleTo?: VisibleTo | undefined }): Promise<Page<ImageFamilyRecord>> {
    const query = this.db<FamilyRow>('image_families').select(...columns);
    if (filter.kind !== undefined) void query.where('kind', filter.kind);
    if (filter.visibleTo !== undefined) void query.whereIn('id', whereVisible(this.db('images').select('images.family_id'), filter.visibleTo));
    const found = await newestFirst<FamilyRow>(query, 'id', filter);
    return { items: found.items.map(fromRow), next: found.next };
  }

  /** How many versions of each may be seen. */
  async versionCounts(ids: readonly string[], visibleTo: VisibleTo | undefined): Promise<ReadonlyMap<string, number>> {
    const query = whereVisible(this.db('images').whereIn('images.family_id', [...ids]), visibleTo);
    const rows = (await query.groupBy('images.family_id').select('images.family_id').count({ n: '*' })) as unknown as readonly { readonly family_id: string; readonly n: number }[];
    return new Map(rows.map((row) => [row.family_id, Number(row.n)]));
  }

  /** Throws a duplicate-key error when the kind has another family of this name. */
  async edit(id: string, change: ImageFamilyChange): Promise<void> {
    const row = {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(change.versionsMade === undefined ? {} : { versions_made: change.versionsMade }),
      ...(change.productionImageId === undefined ? {} : { production_image_id: change.productionImageId }),
    };
    if (Object.keys(row).length === 0) return;
    await this.db('image_families').where({ id }).update(row);
    // Each version shows the name of its family, and whether it is the one in production.
    for (const imageId of (await this.db('images').where({ family_id: id }).pluck('id')) as readonly string[]) this.changes.note('images', imageId);
  }

  async remove(id: string): Promise<void> {
    await this.db('image_families').where({ id }).delete();
  }
}

const orNull = (row: FamilyRow | undefined): ImageFamilyRecord | null => (row === undefined ? null : fromRow(row));
