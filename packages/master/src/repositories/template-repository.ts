import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes, type SeenBy } from './committed-changes';
import { newestFirst, type PageRequest } from './newest-first';

export interface TemplateRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Exactly one of these two is given. */
  readonly imageId: string | null;
  readonly familyId: string | null;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number | null;
  readonly bandwidthMbps: number | null;
  readonly minutes: number | null;
  readonly cloudInit: string | null;
  /** Who may use it; none: everybody. In the order of their ids. */
  readonly groupIds: readonly string[];
  readonly ownerGroupId: string | null;
  readonly createdByUserId: string;
  readonly createdAt: EpochMs;
  readonly changedAt: EpochMs;
}

/** Whose templates a list shows: what this person made, what a group of theirs may use or owns, and what everybody may use. */
export interface TemplatesOf {
  readonly userId: string;
  readonly groupIds: readonly string[];
}

interface TemplateRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly image_id: string | null;
  readonly family_id: string | null;
  readonly vcpus: number;
  readonly ram_mib: number;
  readonly disk_mib: number | null;
  readonly bandwidth_mbps: number | null;
  readonly minutes: number | null;
  readonly cloud_init: string | null;
  readonly owner_group_id: string | null;
  readonly created_by_user_id: string;
  readonly created_at: Date;
  readonly changed_at: Date;
}

const columns = [
  'id', 'name', 'description', 'image_id', 'family_id', 'vcpus', 'ram_mib', 'disk_mib', 'bandwidth_mbps', 'minutes', 'cloud_init', 'owner_group_id',
  'created_by_user_id', 'created_at', 'changed_at',
] as const satisfies readonly (keyof TemplateRow)[];

const fromRow = (row: TemplateRow, groupIds: readonly string[]): TemplateRecord => ({
  id: row.id,
  name: row.name,
  description: row.description,
  imageId: row.image_id,
  familyId: row.family_id,
  vcpus: row.vcpus,
  ramMiB: row.ram_mib,
  diskMiB: row.disk_mib === null ? null : Number(row.disk_mib),
  bandwidthMbps: row.bandwidth_mbps,
  minutes: row.minutes,
  cloudInit: row.cloud_init,
  groupIds,
  ownerGroupId: row.owner_group_id,
  createdByUserId: row.created_by_user_id,
  createdAt: row.created_at.getTime(),
  changedAt: row.changed_at.getTime(),
});

const toRow = (template: TemplateRecord): TemplateRow => ({
  id: template.id,
  name: template.name,
  description: template.description,
  image_id: template.imageId,
  family_id: template.familyId,
  vcpus: template.vcpus,
  ram_mib: template.ramMiB,
  disk_mib: template.diskMiB,
  bandwidth_mbps: template.bandwidthMbps,
  minutes: template.minutes,
  cloud_init: template.cloudInit,
  owner_group_id: template.ownerGroupId,
  created_by_user_id: template.createdByUserId,
  created_at: new Date(template.createdAt),
  changed_at: new Date(template.changedAt),
});

/** As `mayUseTemplate` of the services says it. */
const seenBy = ({ createdByUserId, ownerGroupId, groupIds }: TemplateRecord): SeenBy => ({
  ownerUserId: createdByUserId,
  groupId: ownerGroupId,
  everybody: groupIds.length === 0,
  audience: [...groupIds, ...(ownerGroupId === null ? [] : [ownerGroupId])],
});

/** Templates, and which groups may use them. */
export class TemplateRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  /** Throws a duplicate-key error when the name is taken. */
  async insert(template: TemplateRecord): Promise<void> {
    await this.db('templates').insert(toRow(template));
    await this.setGroups(template);
    this.changes.note('templates', template.id);
  }

  async find(id: string): Promise<TemplateRecord | null> {
    const row = await this.db<TemplateRow>('templates').where({ id }).first(...columns);
    return row === undefined ? null : ((await this.withGroups([row]))[0] ?? null);
  }

  /** Locked until the transaction ends. */
  async lock(id: string): Promise<TemplateRecord | null> {
    await this.db('templates').where({ id }).forUpdate().first('id');
    return this.find(id);
  }

  /** Shared lock until the transaction ends: it is not changed while it is launched from. */
  async lockShared(id: string): Promise<TemplateRecord | null> {
    await this.db('templates').where({ id }).forShare().first('id');
    return this.find(id);
  }

  /** Absent `of`: all. */
  async page(filter: PageRequest & { readonly of?: TemplatesOf | undefined }): Promise<Page<TemplateRecord>> {
    const query = this.db<TemplateRow>('templates').select(...columns);
    const { of } = filter;
    if (of !== undefined) {
      const limited = this.db('template_groups').select('template_id');
      const allowed = this.db('template_groups').whereIn('group_id', [...of.groupIds]).select('template_id');
      void query.where((seen) => seen.where('created_by_user_id', of.userId).orWhereIn('owner_group_id', [...of.groupIds]).orWhereNotIn('id', limited).orWhereIn('id', allowed));
    }
    const found = await newestFirst<TemplateRow>(query, 'id', filter);
    return { items: await this.withGroups(found.items), next: found.next };
  }

  /** Everything but the id may be another. Throws a duplicate-key error when the name is taken. */
  async update(template: TemplateRecord): Promise<void> {
    const before = await this.find(template.id);
    await this.db('templates').where({ id: template.id }).update(toRow(template));
    await this.db('template_groups').where({ template_id: template.id }).delete();
    await this.setGroups(template);
    if (before !== null) this.changes.note('templates', template.id, seenBy(before));
    this.changes.note('templates', template.id);
  }

  async remove(id: string): Promise<void> {
    const before = await this.find(id);
    await this.db('template_groups').where({ template_id: id }).delete();
    await this.db('templates').where({ id }).delete();
    if (before !== null) this.changes.note('templates', id, seenBy(before));
  }

  /** Of this very version. */
  async ofImage(imageId: string): Promise<readonly Pick<TemplateRecord, 'id' | 'name'>[]> {
    return this.db<TemplateRow>('templates').where({ image_id: imageId }).orderBy('id').select('id', 'name');
  }

  /** Of whatever is in production of this family. */
  async ofFamily(familyId: string): Promise<readonly Pick<TemplateRecord, 'id' | 'name'>[]> {
    return this.db<TemplateRow>('templates').where({ family_id: familyId }).orderBy('id').select('id', 'name');
  }

  private async setGroups({ id, groupIds }: TemplateRecord): Promise<void> {
    if (groupIds.length > 0) await this.db('template_groups').insert([...new Set(groupIds)].map((groupId) => ({ template_id: id, group_id: groupId })));
  }

  private async withGroups(rows: readonly TemplateRow[]): Promise<readonly TemplateRecord[]> {
    const groups = (await this.db('template_groups').whereIn('template_id', rows.map(({ id }) => id)).orderBy('group_id').select('template_id', 'group_id')) as readonly {
      readonly template_id: string;
      readonly group_id: string;
    }[];
    return rows.map((row) => fromRow(row, groups.filter((group) => group.template_id === row.id).map((group) => group.group_id)));
  }
}
