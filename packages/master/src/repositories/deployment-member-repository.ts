import type { MemberState } from '@paravcl/shared/domain/deployment';
import { desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import type { Liveness } from '@paravcl/shared/domain/slave';
import type { Knex } from 'knex';
import type { MemberRecord, MemberWish } from '../core/deployment-record';
import type { InstanceRecord } from '../core/instance-record';
import { noNotes, type ChangeNotes } from './committed-changes';
import { idsFromColumn, idsToColumn } from './deployment-repository';
import type { InstanceUsage } from './instance-repository';

interface MemberRow {
  readonly deployment_id: string;
  readonly slot: number;
  readonly user_id: string;
  readonly instance_id: string;
  readonly named_for_user: number;
  readonly state: MemberState;
  readonly operation_id: string;
  readonly wish: MemberWish | null;
  readonly wish_forced: number;
  readonly sentence: string | null;
  readonly slave_ids: string | null;
}

const columns = ['deployment_id', 'slot', 'user_id', 'instance_id', 'named_for_user', 'state', 'operation_id', 'wish', 'wish_forced', 'sentence', 'slave_ids'] as const satisfies readonly (keyof MemberRow)[];

const fromRow = (row: MemberRow): MemberRecord => ({
  deploymentId: row.deployment_id,
  slot: row.slot,
  userId: row.user_id,
  instanceId: row.instance_id,
  namedForUser: row.named_for_user !== 0,
  state: row.state,
  operationId: row.operation_id,
  wish: row.wish,
  wishForced: row.wish_forced !== 0,
  sentence: row.sentence,
  slaveIds: idsFromColumn(row.slave_ids),
});

const toRow = (member: MemberRecord): MemberRow => ({
  deployment_id: member.deploymentId,
  slot: member.slot,
  user_id: member.userId,
  instance_id: member.instanceId,
  named_for_user: member.namedForUser ? 1 : 0,
  state: member.state,
  operation_id: member.operationId,
  wish: member.wish,
  wish_forced: member.wishForced ? 1 : 0,
  sentence: member.sentence?.slice(0, 1000) ?? null,
  slave_ids: idsToColumn(member.slaveIds),
});

/** What the scheduler has to know of an instance that belongs to a deployment. */
export interface DeploymentRule {
  readonly deploymentId: string;
  readonly deploymentName: string;
  /** Null: anywhere. */
  readonly slaveIds: readonly string[] | null;
  /** Null: the site's. */
  readonly perHostLimit: number | null;
}

/** What of a made instance says how it stands. */
export interface CountedInstance extends Pick<InstanceRecord, 'desired' | 'observed' | 'generation' | 'observedGeneration'> {
  /** Of its slave; null: it has none, or that left the pool. */
  readonly liveness: Liveness | null;
}

/** How many of a deployment's places, and of their instances, stand how. */
export interface MemberCount {
  readonly deploymentId: string;
  readonly state: MemberState;
  /** Null: no instance is kept of them. */
  readonly instance: CountedInstance | null;
  readonly count: number;
}

interface CountRow {
  readonly deployment_id: string;
  readonly state: MemberState;
  readonly desired: string | null;
  readonly observed: string | null;
  readonly generation: number | null;
  readonly observed_generation: number | null;
  readonly liveness: Liveness | null;
  readonly found: number | string;
}

function countedInstance({ desired, observed, generation, observed_generation: observedGeneration, liveness }: CountRow): CountedInstance | null {
  if (desired === null || observed === null || generation === null || observedGeneration === null) return null;
  return { desired: desiredStateSchema.parse(desired), observed: observedStateSchema.parse(observed), generation, observedGeneration, liveness };
}

const mostRows = 500;

/** The places of deployments. Who changes them has the deployment's row locked, but for `takeWish`. */
export class DeploymentMemberRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(members: readonly MemberRecord[]): Promise<void> {
    await this.db.batchInsert('deployment_members', members.map(toRow), mostRows);
    for (const id of new Set(members.map(({ deploymentId }) => deploymentId))) this.changes.note('deployments', id);
  }

  /** In the order of their slots. */
  async of(deploymentId: string): Promise<readonly MemberRecord[]> {
    return (await this.db<MemberRow>('deployment_members').where({ deployment_id: deploymentId }).orderBy('slot').select(...columns)).map(fromRow);
  }

  /** Those an operation is about. */
  async ofOperation(operationId: string): Promise<readonly MemberRecord[]> {
    return (await this.db<MemberRow>('deployment_members').where({ operation_id: operationId }).orderBy('slot').select(...columns)).map(fromRow);
  }

  /** Those that wait to be made, oldest deployment first; not of these deployments. */
  async wanted(limit: number, except: readonly string[] = []): Promise<readonly MemberRecord[]> {
    return (await this.db<MemberRow>('deployment_members').where({ state: 'wanted' }).whereNotIn('deployment_id', [...except]).orderBy(['deployment_id', 'slot']).limit(limit).select(...columns)).map(fromRow);
  }

  /** Those to which something is still to be done, oldest deployment first. */
  async wishing(limit: number): Promise<readonly MemberRecord[]> {
    return (await this.db<MemberRow>('deployment_members').whereNotNull('wish').orderBy(['deployment_id', 'slot']).limit(limit).select(...columns)).map(fromRow);
  }

  async update(member: MemberRecord): Promise<void> {
    await this.db('deployment_members').where({ deployment_id: member.deploymentId, slot: member.slot }).update(toRow(member));
    this.changes.note('deployments', member.deploymentId);
  }

  /** False when it is not wished any more: another wish came, or it was carried out. */
  async takeWish({ deploymentId, slot, wish, operationId }: MemberRecord, then: Pick<MemberRecord, 'state' | 'sentence'>): Promise<boolean> {
    const changed = await this.db('deployment_members')
      .where({ deployment_id: deploymentId, slot, wish, operation_id: operationId })
      .update({ wish: null, wish_forced: 0, state: then.state, sentence: then.sentence?.slice(0, 1000) ?? null });
    if (changed === 1) this.changes.note('deployments', deploymentId);
    return changed === 1;
  }

  async removeOf(deploymentId: string): Promise<void> {
    await this.db('deployment_members').where({ deployment_id: deploymentId }).delete();
  }

  /** Places and instances of these deployments, counted. */
  async counts(deploymentIds: readonly string[]): Promise<readonly MemberCount[]> {
    const shown = ['m.deployment_id', 'm.state', 'i.desired', 'i.observed', 'i.generation', 'i.observed_generation', 's.liveness'] as const;
    const rows = (await this.db('deployment_members as m')
      .leftJoin('instances as i', 'i.id', 'm.instance_id')
      .leftJoin('slaves as s', (inPool) => inPool.on('s.id', 'i.slave_id').andOnVal('s.admission', '<>', 'retired'))
      .whereIn('m.deployment_id', [...deploymentIds])
      .groupBy(...shown)
      .select(...shown)
      .count({ found: '*' })) as unknown as readonly CountRow[];
    return rows.map((row) => ({ deploymentId: row.deployment_id, state: row.state, instance: countedInstance(row), count: Number(row.found) }));
  }

  /** What is still to be made for a person, or in a group, as if it were there already. */
  async usageToCome(owner: { readonly userId: string } | { readonly groupId: string }): Promise<InstanceUsage> {
    const [row] = (await this.db('deployment_members as m')
      .join('deployments as d', 'd.id', 'm.deployment_id')
      .where('groupId' in owner ? { 'd.group_id': owner.groupId } : { 'm.user_id': owner.userId })
      .where('m.state', 'wanted')
      .count({ instances: '*' })
      .sum({ vcpus: 'd.vcpus', ramMiB: 'd.ram_mib', diskMiB: 'd.disk_mib' })) as unknown as readonly Record<keyof InstanceUsage, number | string | null>[];
    return { instances: Number(row?.instances ?? 0), vcpus: Number(row?.vcpus ?? 0), ramMiB: Number(row?.ramMiB ?? 0), diskMiB: Number(row?.diskMiB ?? 0) };
  }

  /** By instance, of those that wait for a slave or begin to run on one: where they may, and beside how many. */
  async rules(alsoOf: readonly string[] = []): Promise<ReadonlyMap<string, DeploymentRule>> {
    const rows = (await this.db('deployment_members as m')
      .join('deployments as d', 'd.id', 'm.deployment_id')
      .join('instances as i', 'i.id', 'm.instance_id')
      .where((open) => open.whereIn('i.observed', ['requested', 'queued', 'preparing', 'booting', 'resuming']).orWhereNotNull('i.queued_at').orWhereIn('i.id', [...alsoOf]))
      .select('m.instance_id', 'm.deployment_id', 'd.name', 'm.slave_ids', 'd.per_host_limit')) as readonly {
      readonly instance_id: string;
      readonly deployment_id: string;
      readonly name: string;
      readonly slave_ids: string | null;
      readonly per_host_limit: number | null;
    }[];
    return new Map(rows.map((row) => [row.instance_id, { deploymentId: row.deployment_id, deploymentName: row.name, slaveIds: idsFromColumn(row.slave_ids), perHostLimit: row.per_host_limit }]));
  }
}
