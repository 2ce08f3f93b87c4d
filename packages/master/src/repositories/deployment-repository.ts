import type { Page } from '@paravcl/shared/api/page';
import type { DeploymentState } from '@paravcl/shared/domain/deployment';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { z } from 'zod';
import type { DeploymentRecord } from '../core/deployment-record';
import { noNotes, type ChangeNotes } from './committed-changes';
import { newestFirst, type PageRequest } from './newest-first';

interface DeploymentRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly created_by_user_id: string;
  readonly group_id: string | null;
  readonly template_id: string | null;
  readonly family_id: string | null;
  readonly image_id: string;
  readonly kernel_id: string | null;
  readonly ramdisk_id: string | null;
  readonly vcpus: number;
  readonly ram_mib: number;
  readonly disk_mib: number;
  readonly bandwidth_mbps: number | null;
  readonly minutes: number | null;
  readonly cloud_init: string | null;
  readonly slave_ids: string | null;
  readonly per_host_limit: number | null;
  readonly state: DeploymentState;
  readonly slots_made: number;
  readonly created_at: Date;
  readonly changed_at: Date;
}

const columns = [
  'id', 'name', 'description', 'created_by_user_id', 'group_id', 'template_id', 'family_id', 'image_id', 'kernel_id', 'ramdisk_id', 'vcpus', 'ram_mib',
  'disk_mib', 'bandwidth_mbps', 'minutes', 'cloud_init', 'slave_ids', 'per_host_limit', 'state', 'slots_made', 'created_at', 'changed_at',
] as const satisfies readonly (keyof DeploymentRow)[];

const idsSchema = z.array(z.string());

/** A list of ids as it is kept; null stays null. */
export function idsToColumn(ids: readonly string[] | null): string | null {
  return ids === null ? null : JSON.stringify(ids);
}

export function idsFromColumn(kept: string | null): readonly string[] | null {
  return kept === null ? null : idsSchema.parse(parseJson(kept));
}

const fromRow = (row: DeploymentRow): DeploymentRecord => ({
  id: row.id,
  name: row.name,
  description: row.description,
  createdByUserId: row.created_by_user_id,
  groupId: row.group_id,
  templateId: row.template_id,
  familyId: row.family_id,
  imageId: row.image_id,
  kernelId: row.kernel_id,
  ramdiskId: row.ramdisk_id,
  vcpus: row.vcpus,
  ramMiB: row.ram_mib,
  diskMiB: Number(row.disk_mib),
  bandwidthMbps: row.bandwidth_mbps,
  minutes: row.minutes,
  cloudInit: row.cloud_init,
  slaveIds: idsFromColumn(row.slave_ids),
  perHostLimit: row.per_host_limit,
  state: row.state,
  slotsMade: row.slots_made,
  createdAt: row.created_at.getTime(),
  changedAt: row.changed_at.getTime(),
});

const toRow = (deployment: DeploymentRecord): DeploymentRow => ({
  id: deployment.id,
  name: deployment.name,
  description: deployment.description,
  created_by_user_id: deployment.createdByUserId,
  group_id: deployment.groupId,
  template_id: deployment.templateId,
  family_id: deployment.familyId,
  image_id: deployment.imageId,
  kernel_id: deployment.kernelId,
  ramdisk_id: deployment.ramdiskId,
  vcpus: deployment.vcpus,
  ram_mib: deployment.ramMiB,
  disk_mib: deployment.diskMiB,
  bandwidth_mbps: deployment.bandwidthMbps,
  minutes: deployment.minutes,
  cloud_init: deployment.cloudInit,
  slave_ids: idsToColumn(deployment.slaveIds),
  per_host_limit: deployment.perHostLimit,
  state: deployment.state,
  slots_made: deployment.slotsMade,
  created_at: new Date(deployment.createdAt),
  changed_at: new Date(deployment.changedAt),
});

/** Deployments; a row goes with the last of its instances. */
export class DeploymentRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(deployment: DeploymentRecord): Promise<void> {
    await this.db('deployments').insert(toRow(deployment));
    this.changes.note('deployments', deployment.id);
  }

  async find(id: string): Promise<DeploymentRecord | null> {
    const row = await this.db<DeploymentRow>('deployments').where({ id }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Locked until the transaction ends: the lock of its members, too. */
  async lock(id: string): Promise<DeploymentRecord | null> {
    const row = await this.db<DeploymentRow>('deployments').where({ id }).forUpdate().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Absent `visibleTo`: all. */
  async page(filter: PageRequest & { readonly visibleTo?: { readonly userId: string; readonly ownedGroupIds: readonly string[] } | undefined }): Promise<Page<DeploymentRecord>> {
    const query = this.db<DeploymentRow>('deployments').select(...columns);
    const { visibleTo } = filter;
    if (visibleTo !== undefined) void query.where((seen) => seen.where('created_by_user_id', visibleTo.userId).orWhereIn('group_id', [...visibleTo.ownedGroupIds]));
    const found = await newestFirst<DeploymentRow>(query, 'id', filter);
    return { items: found.items.map(fromRow), next: found.next };
  }

  /** Everything but the id may be another. */
  async update(deployment: DeploymentRecord): Promise<void> {
    await this.db('deployments').where({ id: deployment.id }).update(toRow(deployment));
    this.changes.note('deployments', deployment.id);
  }

  async remove(id: string): Promise<void> {
    const before = await this.find(id);
    await this.db('deployments').where({ id }).delete();
    if (before !== null) this.changes.note('deployments', id, { ownerUserId: before.createdByUserId, groupId: before.groupId });
  }
}
