import type { Page } from '@paravcl/shared/api/page';
import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import type { FrozenHow, SnapshotPartState, SnapshotState } from '@paravcl/shared/domain/snapshot';
import type { Knex } from 'knex';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { SavedOn } from '../core/saved-ram';
import { noNotes, type ChangeNotes } from './committed-changes';
import { savedOnFromColumn, savedOnToColumn } from './saved-on-column';
import { newestFirst, type PageRequest } from './newest-first';

interface SnapshotRow {
  readonly id: string;
  readonly name: string;
  readonly user_id: string;
  readonly deployment_id: string | null;
  readonly family_id: string | null;
  readonly production: number;
  readonly purpose: SnapshotRecord['purpose'];
  readonly generation: number | null;
  readonly state: SnapshotState;
  readonly sentence: string;
  readonly freeze_by: Date;
  readonly deadline_at: Date;
  readonly created_at: Date;
  readonly ended_at: Date | null;
  readonly left_out: string | null;
}

interface PartRow {
  readonly image_id: string;
  readonly snapshot_id: string;
  readonly instance_id: string;
  readonly instance_name: string;
  readonly slave_id: string;
  readonly state: SnapshotPartState;
  readonly how: FrozenHow | null;
  readonly quiesced: number | null;
  readonly base_manifest_id: string | null;
  readonly size_bytes: number | null;
  readonly dirtied_bytes: number | null;
  readonly manifest_id: string | null;
  readonly sentence: string | null;
  readonly host_told: number;
  readonly what: SnapshotPart['what'];
  readonly saved_on: string | null;
  readonly ram_step: SnapshotPart['ramStep'];
}

const columns = [
  'id', 'name', 'user_id', 'deployment_id', 'family_id', 'production', 'purpose', 'generation', 'state', 'sentence', 'freeze_by', 'deadline_at', 'created_at', 'ended_at', 'left_out',
] as const satisfies readonly (keyof SnapshotRow)[];
const partColumns = [
  'image_id', 'snapshot_id', 'instance_id', 'instance_name', 'slave_id', 'state', 'how', 'quiesced', 'base_manifest_id', 'size_bytes', 'dirtied_bytes', 'manifest_id',
  'sentence', 'host_told', 'what', 'saved_on', 'ram_step',
] as const satisfies readonly (keyof PartRow)[];

const fromRow = (row: SnapshotRow): SnapshotRecord => ({
  id: row.id,
  name: row.name,
  userId: row.user_id,
  deploymentId: row.deployment_id,
  familyId: row.family_id,
  production: row.production === 1,
  purpose: row.purpose,
  generation: row.generation,
  state: row.state,
  sentence: row.sentence,
  freezeBy: row.freeze_by.getTime(),
  deadlineAt: row.deadline_at.getTime(),
  createdAt: row.created_at.getTime(),
  endedAt: row.ended_at?.getTime() ?? null,
  leftOut: row.left_out,
});

const fromPartRow = (row: PartRow): SnapshotPart => ({
  imageId: row.image_id,
  snapshotId: row.snapshot_id,
  instanceId: row.instance_id,
  instanceName: row.instance_name,
  slaveId: row.slave_id,
  state: row.state,
  how: row.how,
  quiesced: row.quiesced === null ? null : row.quiesced === 1,
  baseManifestId: row.base_manifest_id,
  sizeBytes: row.size_bytes === null ? null : Number(row.size_bytes),
  dirtiedBytes: row.dirtied_bytes === null ? null : Number(row.dirtied_bytes),
  manifestId: row.manifest_id,
  sentence: row.sentence,
  hostTold: row.host_told === 1,
  what: row.what,
  savedOn: savedOnFromColumn(row.saved_on),
  ramStep: row.ram_step,
});

export interface SnapshotFilter {
  readonly state?: SnapshotState | undefined;
  readonly instanceId?: string | undefined;
  /** Absent: everybody's. */
  readonly userId?: string | undefined;
}

/** Snapshots and their parts, one for each disk and one for each RAM that is kept with it. */
export class SnapshotRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(snapshot: SnapshotRecord, parts: readonly SnapshotPart[]): Promise<void> {
    await this.db('snapshots').insert({
      id: snapshot.id,
      name: snapshot.name,
      user_id: snapshot.userId,
      deployment_id: snapshot.deploymentId,
      family_id: snapshot.familyId,
      production: snapshot.production,
      purpose: snapshot.purpose,
      generation: snapshot.generation,
      state: snapshot.state,
      sentence: snapshot.sentence,
      freeze_by: new Date(snapshot.freezeBy),
      deadline_at: new Date(snapshot.deadlineAt),
      created_at: new Date(snapshot.createdAt),
      ended_at: snapshot.endedAt === null ? null : new Date(snapshot.endedAt),
      left_out: snapshot.leftOut,
    });
    await this.db('snapshot_parts').insert(
      parts.map((part) => ({
        image_id: part.imageId,
        snapshot_id: part.snapshotId,
        instance_id: part.instanceId,
        instance_name: part.instanceName,
        slave_id: part.slaveId,
        state: part.state,
        how: part.how,
        quiesced: part.quiesced,
        base_manifest_id: part.baseManifestId,
        size_bytes: part.sizeBytes,
        host_told: part.hostTold,
        what: part.what,
        ram_step: part.ramStep,
      })),
    );
    this.changes.note('snapshots', snapshot.id);
  }

  async find(id: string): Promise<SnapshotRecord | null> {
    const row = await this.db<SnapshotRow>('snapshots').where({ id }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Locked until the transaction ends. */
  async lock(id: string): Promise<SnapshotRecord | null> {
    const row = await this.db<SnapshotRow>('snapshots').where({ id }).forUpdate().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  async list({ state, instanceId, userId }: SnapshotFilter, page: PageRequest): Promise<Page<SnapshotRecord>> {
    const query = this.db<SnapshotRow>('snapshots').where({ purpose: 'keep' }).select(...columns);
    if (state !== undefined) void query.where('state', state);
    if (userId !== undefined) void query.where('user_id', userId);
    if (instanceId !== undefined) void query.whereIn('id', this.db('snapshot_parts').where({ instance_id: instanceId }).select('snapshot_id'));
    const found = await newestFirst<SnapshotRow>(query, 'id', page);
    return { items: found.items.map(fromRow), next: found.next };
  }

  /** Those that are not there yet, oldest first, and those whose end some host, or a guest that was saved for it, has not heard of. */
  async unfinished(): Promise<readonly SnapshotRecord[]> {
    const untold = this.db('snapshot_parts').where({ host_told: 0 }).orWhere({ ram_step: 'resume' }).select('snapshot_id');
    const rows = await this.db<SnapshotRow>('snapshots').where('state', 'pending').orWhereIn('id', untold).orderBy('id').select(...columns);
    return rows.map(fromRow);
  }

  /** In the order of the names of their instances. */
  async parts(snapshotIds: readonly string[]): Promise<readonly SnapshotPart[]> {
    const rows = await this.db<PartRow>('snapshot_parts').whereIn('snapshot_id', [...snapshotIds]).orderBy(['instance_name', 'image_id']).select(...partColumns);
    return rows.map(fromPartRow);
  }

  /** Null when there is none that is still to become an image. */
  async pendingPart(imageId: string): Promise<SnapshotPart | null> {
    const pending = this.db('snapshots').where({ state: 'pending' }).select('id');
    const row = await this.db<PartRow>('snapshot_parts').where({ image_id: imageId }).whereIn('snapshot_id', pending).first(...partColumns);
    return row === undefined ? null : fromPartRow(row);
  }

  async pendingImageIds(): Promise<readonly string[]> {
    const pending = this.db('snapshots').where({ state: 'pending' }).select('id');
    return (await this.db('snapshot_parts').whereIn('snapshot_id', pending).pluck('image_id')) as string[];
  }

  /** What pending snapshots need of the store: what their deltas are against, and what is kept of them already. */
  async manifestIds(): Promise<readonly ManifestId[]> {
    const pending = this.db('snapshots').where({ state: 'pending' }).select('id');
    const rows = await this.db<PartRow>('snapshot_parts').whereIn('snapshot_id', pending).select('base_manifest_id', 'manifest_id');
    return [...new Set(rows.flatMap(({ base_manifest_id: base, manifest_id: manifest }) => [base, manifest]).filter((id) => id !== null))];
  }

  /** Manifests of the newest snapshots of an instance that are images still, newest first: what its next delta may be against. */
  async manifestsOf(instanceId: string, limit: number): Promise<readonly ManifestId[]> {
    const rows = (await this.db('snapshot_parts')
      .join('images', 'images.id', 'snapshot_parts.image_id')
      .where({ instance_id: instanceId, what: 'disk' })
      .whereNotNull('images.manifest_id')
      .orderBy('snapshot_parts.snapshot_id', 'desc')
      .limit(limit)
      .pluck('images.manifest_id')) as string[];
    return [...new Set(rows)];
  }

  /** A move of the instance that is under way; null when there is none. */
  async pendingMoveOf(instanceId: string): Promise<SnapshotRecord | null> {
    const of = this.db('snapshot_parts').where({ instance_id: instanceId }).select('snapshot_id');
    const row = await this.db<SnapshotRow>('snapshots').where({ purpose: 'move', state: 'pending' }).whereIn('id', of).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Whether a snapshot or a move of the instance is under way. */
  async isBeingTaken(instanceId: string): Promise<boolean> {
    const of = this.db('snapshot_parts').where({ instance_id: instanceId }).select('snapshot_id');
    return (await this.db('snapshots').where({ state: 'pending' }).whereIn('id', of).first('id')) !== undefined;
  }

  /** The image of the newest snapshot of an instance that is there still, or of this one; null when there is none. */
  async newestImageOf(instanceId: string, snapshotId: string | undefined): Promise<{ readonly imageId: string; readonly name: string; readonly createdAt: EpochMs } | null> {
    const query = this.db('snapshot_parts')
      .join('images', 'images.id', 'snapshot_parts.image_id')
      .join('snapshots', 'snapshots.id', 'snapshot_parts.snapshot_id')
      .where({ instance_id: instanceId, what: 'disk', purpose: 'keep' });
    if (snapshotId !== undefined) void query.where('snapshots.id', snapshotId);
    const row = (await query.orderBy('snapshots.id', 'desc').first('images.id', 'snapshots.name', 'snapshots.created_at')) as
      | { readonly id: string; readonly name: string; readonly created_at: Date }
      | undefined;
    return row === undefined ? null : { imageId: row.id, name: row.name, createdAt: row.created_at.getTime() };
  }

  /** Those of these instances of whose disk a snapshot keeps an image: what they can start from elsewhere. */
  async keptAmong(instanceIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (instanceIds.length === 0) return new Set();
    const kept = this.db('snapshot_parts')
      .join('images', 'images.id', 'snapshot_parts.image_id')
      .join('snapshots', 'snapshots.id', 'snapshot_parts.snapshot_id')
      .whereIn('instance_id', [...instanceIds])
      .where({ what: 'disk', purpose: 'keep' });
    return new Set((await kept.distinct('instance_id').pluck('instance_id')) as string[]);
  }

  /** Family of the newest image that a snapshot of the instance asked no other family for; null when there is none. */
  async familyOf(instanceId: string): Promise<string | null> {
    const row = (await this.db('snapshot_parts')
      .join('images', 'images.id', 'snapshot_parts.image_id')
      .join('snapshots', 'snapshots.id', 'snapshot_parts.snapshot_id')
      .where({ instance_id: instanceId, what: 'disk', purpose: 'keep' })
      .whereNull('snapshots.family_id')
      .orderBy('snapshot_parts.snapshot_id', 'desc')
      .first('images.family_id')) as { readonly family_id: string } | undefined;
    return row?.family_id ?? null;
  }

  /** Images that are there because this person took snapshots, and disks that are to become some. */
  async countOf(userId: string): Promise<number> {
    const [row] = (await this.db('snapshot_parts')
      .join('snapshots', 'snapshots.id', 'snapshot_parts.snapshot_id')
      .leftJoin('images', 'images.id', 'snapshot_parts.image_id')
      .where('snapshots.user_id', userId)
      .where({ 'snapshots.purpose': 'keep', what: 'disk' })
      .where((counted) => counted.where('snapshots.state', 'pending').orWhereNotNull('images.id'))
      .count({ n: '*' })) as unknown as readonly { readonly n: number }[];
    return Number(row?.n ?? 0);
  }

  /** False when the disk was not wanted any more. */
  async frozen(imageId: string, { how, quiesced, base, sizeBytes }: { readonly how: FrozenHow; readonly quiesced: boolean; readonly base: ManifestId; readonly sizeBytes: number }): Promise<boolean> {
    return this.moved(imageId, ['wanted'], { state: 'frozen', how, quiesced, base_manifest_id: base, size_bytes: sizeBytes });
  }

  /** The same of RAM, of which nothing is known that it could be told against. */
  async frozenRam(imageId: string, sizeBytes: number, savedOn: SavedOn): Promise<boolean> {
    return this.moved(imageId, ['wanted'], { state: 'frozen', how: 'saved', size_bytes: sizeBytes, saved_on: savedOnToColumn(savedOn) });
  }

  async setRamStep(imageId: string, ramStep: SnapshotPart['ramStep']): Promise<void> {
    await this.db('snapshot_parts').where({ image_id: imageId }).update({ ram_step: ramStep });
  }

  async received(imageId: string): Promise<boolean> {
    return this.moved(imageId, ['frozen'], { state: 'received' });
  }

  /** Its file is gone, as after a power loss: its host sends it again. */
  async lost(imageId: string): Promise<boolean> {
    return this.moved(imageId, ['received'], { state: 'frozen' });
  }

  async kept(imageId: string, { manifestId, dirtiedBytes }: { readonly manifestId: ManifestId; readonly dirtiedBytes: number }): Promise<boolean> {
    return this.moved(imageId, ['received'], { state: 'kept', manifest_id: manifestId, dirtied_bytes: dirtiedBytes });
  }

  async failed(imageId: string, sentence: string): Promise<boolean> {
    return this.moved(imageId, ['wanted', 'frozen', 'received'], { state: 'failed', sentence });
  }

  /** Of the disk and of its RAM: they end together there. */
  async hostTold(snapshotId: string, instanceId: string): Promise<void> {
    await this.db('snapshot_parts').where({ snapshot_id: snapshotId, instance_id: instanceId }).update({ host_told: true });
  }

  async say(id: string, sentence: string): Promise<void> {
    await this.db('snapshots').where({ id, state: 'pending' }).update({ sentence });
    this.changes.note('snapshots', id);
  }

  /** False when it had ended already. */
  async end(id: string, state: Exclude<SnapshotState, 'pending'>, sentence: string, now: EpochMs): Promise<boolean> {
    if ((await this.db('snapshots').where({ id, state: 'pending' }).update({ state, sentence, ended_at: new Date(now) })) !== 1) return false;
    this.changes.note('snapshots', id);
    return true;
  }

  /** Nobody sees it any more. */
  async hide(id: string): Promise<void> {
    await this.noteAsItIs(id);
    await this.db('snapshots').where({ id }).update({ purpose: 'gone' });
  }

  /** Unless some host has still to hear how it ended. */
  async removeIfTold(id: string): Promise<void> {
    if ((await this.db('snapshot_parts').where({ snapshot_id: id, host_told: 0 }).first('image_id')) === undefined) await this.remove(id);
  }

  async remove(id: string): Promise<void> {
    await this.noteAsItIs(id);
    await this.db('snapshot_parts').where({ snapshot_id: id }).delete();
    await this.db('snapshots').where({ id }).delete();
  }

  /** For whoever took it: afterwards nobody sees it. */
  private async noteAsItIs(id: string): Promise<void> {
    const row = (await this.db('snapshots').where({ id, purpose: 'keep' }).first('user_id')) as { readonly user_id: string } | undefined;
    if (row !== undefined) this.changes.note('snapshots', id, { ownerUserId: row.user_id, groupId: null });
  }

  private async moved(imageId: string, from: readonly SnapshotPartState[], change: Partial<Record<keyof PartRow, unknown>>): Promise<boolean> {
    if ((await this.db('snapshot_parts').where({ image_id: imageId }).whereIn('state', [...from]).update(change)) !== 1) return false;
    for (const id of (await this.db('snapshot_parts').where({ image_id: imageId }).pluck('snapshot_id')) as readonly string[]) this.changes.note('snapshots', id);
    return true;
  }
}
