import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import type { EvacuationPart, EvacuationRecord } from '../core/evacuation-record';
import { firstIdOf } from './first-id';

interface EvacuationRow {
  readonly operation_id: string;
  readonly slave_id: string;
  readonly user_id: string;
  readonly client_address: string;
  readonly state: EvacuationRecord['state'];
  readonly created_at: Date;
}

interface PartRow {
  readonly operation_id: string;
  readonly instance_id: string;
  readonly instance_name: string;
  readonly state: EvacuationPart['state'];
  readonly resumes: EvacuationPart['resumes'];
  readonly move_id: string | null;
  readonly tries: number;
  readonly refused_at: number | null;
  readonly sentence: string | null;
}

const columns = ['operation_id', 'slave_id', 'user_id', 'client_address', 'state', 'created_at'] as const;
const partColumns = ['operation_id', 'instance_id', 'instance_name', 'state', 'resumes', 'move_id', 'tries', 'refused_at', 'sentence'] as const;

const fromRow = (row: EvacuationRow): EvacuationRecord => ({
  operationId: row.operation_id,
  slaveId: row.slave_id,
  userId: row.user_id,
  clientAddress: row.client_address,
  state: row.state,
  createdAt: row.created_at.getTime(),
});

const fromPartRow = (row: PartRow): EvacuationPart => ({
  operationId: row.operation_id,
  instanceId: row.instance_id,
  instanceName: row.instance_name,
  state: row.state,
  resumes: row.resumes,
  moveId: row.move_id,
  tries: row.tries,
  refusedAt: row.refused_at,
  sentence: row.sentence,
});

/** What may change of a part. */
export type PartChange = Partial<Pick<EvacuationPart, 'state' | 'resumes' | 'moveId' | 'tries' | 'refusedAt' | 'sentence'>>;

/** Slaves that are being emptied, and what was on them. */
export class EvacuationRepository {
  constructor(private readonly db: Knex) {}

  async insert({ operationId, slaveId, userId, clientAddress, state, createdAt }: EvacuationRecord): Promise<void> {
    await this.db('slave_evacuations').insert({ operation_id: operationId, slave_id: slaveId, user_id: userId, client_address: clientAddress, state, created_at: new Date(createdAt) });
  }

  /** The row is locked until the transaction ends. */
  async lock(operationId: string): Promise<EvacuationRecord | null> {
    const row = await this.db<EvacuationRow>('slave_evacuations').where({ operation_id: operationId }).forUpdate().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Those that are not over, oldest first. */
  async unfinished(): Promise<readonly EvacuationRecord[]> {
    return (await this.db<EvacuationRow>('slave_evacuations').whereNot({ state: 'ended' }).orderBy('operation_id').select(...columns)).map(fromRow);
  }

  /** Those of a slave that are not over, or that left something undone; locked. */
  async lockOpenOf(slaveId: string): Promise<readonly EvacuationRecord[]> {
    const undone = this.db('slave_evacuation_parts').where({ state: 'here' }).select('operation_id');
    const rows = await this.db<EvacuationRow>('slave_evacuations')
      .where({ slave_id: slaveId })
      .where((open) => open.whereNot({ state: 'ended' }).orWhereIn('operation_id', undone))
      .orderBy('operation_id')
      .forUpdate()
      .select(...columns);
    return rows.map(fromRow);
  }

  async enter(operationId: string, state: EvacuationRecord['state']): Promise<void> {
    await this.db('slave_evacuations').where({ operation_id: operationId }).update({ state });
  }

  /** In the order in which their instances came. */
  async parts(operationIds: readonly string[]): Promise<readonly EvacuationPart[]> {
    return (await this.db<PartRow>('slave_evacuation_parts').whereIn('operation_id', [...operationIds]).orderBy(['operation_id', 'instance_id']).select(...partColumns)).map(fromPartRow);
  }

  /** One that is there already stays as it is. */
  async insertParts(parts: readonly EvacuationPart[]): Promise<void> {
    if (parts.length === 0) return;
    const rows = parts.map(({ operationId, instanceId, instanceName, state, resumes, moveId, tries, refusedAt, sentence }) => ({
      operation_id: operationId, instance_id: instanceId, instance_name: instanceName, state, resumes, move_id: moveId, tries, refused_at: refusedAt, sentence,
    }));
    await this.db('slave_evacuation_parts').insert(rows).onConflict(['operation_id', 'instance_id']).ignore();
  }

  /** False when nothing more is to be done about it. */
  async change({ operationId, instanceId }: Pick<EvacuationPart, 'operationId' | 'instanceId'>, change: PartChange): Promise<boolean> {
    const columnsOf: Partial<Record<keyof PartRow, unknown>> = {
      ...(change.state !== undefined && { state: change.state }),
      ...(change.resumes !== undefined && { resumes: change.resumes }),
      ...(change.moveId !== undefined && { move_id: change.moveId }),
      ...(change.tries !== undefined && { tries: change.tries }),
      ...(change.refusedAt !== undefined && { refused_at: change.refusedAt }),
      ...(change.sentence !== undefined && { sentence: change.sentence }),
    };
    return (await this.db('slave_evacuation_parts').where({ operation_id: operationId, instance_id: instanceId, state: 'here' }).update(columnsOf)) === 1;
  }

  /** Ends what is to be done about one that is still to go on from being `resumes`; false when it is not, any more. */
  async endResuming({ operationId, instanceId, resumes }: Pick<EvacuationPart, 'operationId' | 'instanceId' | 'resumes'>, state: 'left' | 'stayed'): Promise<boolean> {
    return (await this.db('slave_evacuation_parts').where({ operation_id: operationId, instance_id: instanceId, state: 'here', resumes }).update({ state })) === 1;
  }

  /** Somebody wants the instance, which is locked, as it was made for leaving: it does not go on by itself any more. */
  async leaveAs(instanceId: string, as: 'suspended' | 'stopped'): Promise<void> {
    const owed = { instance_id: instanceId, state: 'here', resumes: as } as const;
    // Looked up first: an update that looks for its rows would wait for those of other instances.
    const ids = (await this.db('slave_evacuation_parts').where(owed).pluck('operation_id')) as string[];
    for (const id of ids) await this.db('slave_evacuation_parts').where({ operation_id: id, ...owed }).update({ resumes: null });
  }

  /** How those of these slaves that are being emptied stand: how many have left of how many, in words. */
  async standings(slaveIds: readonly string[]): Promise<ReadonlyMap<string, { readonly left: number; readonly of: number; readonly sentence: string }>> {
    // Sentences are never grouped or sorted by: that needs a table on the database's disk, and slaves are listed also while that is full.
    const pending = (await this.db('slave_evacuations')
      .join('operations', 'operations.id', 'slave_evacuations.operation_id')
      .whereIn('slave_evacuations.slave_id', [...slaveIds])
      .where('slave_evacuations.state', 'pending')
      .select('slave_evacuations.slave_id', 'slave_evacuations.operation_id', 'operations.sentence')) as readonly { readonly slave_id: string; readonly operation_id: string; readonly sentence: string }[];
    if (pending.length === 0) return new Map();
    const counted = (await this.db('slave_evacuation_parts')
      .whereIn('operation_id', pending.map(({ operation_id: id }) => id))
      .groupBy('operation_id')
      .select('operation_id')
      .select(this.db.raw("COUNT(*) AS all_of, SUM(CASE WHEN state = 'left' THEN 1 ELSE 0 END) AS gone"))) as readonly { readonly operation_id: string; readonly all_of: number | string; readonly gone: number | string | null }[];
    return new Map(
      pending.map(({ slave_id: slaveId, operation_id: operationId, sentence }) => {
        const count = counted.find((each) => each.operation_id === operationId);
        return [slaveId, { left: Number(count?.gone ?? 0), of: Number(count?.all_of ?? 0), sentence }];
      }),
    );
  }

  /** At most `limit` of those that are over and were asked for before then, with their parts; says how many. */
  async deleteEndedBefore(before: EpochMs, limit: number): Promise<number> {
    const ids = (await this.db('slave_evacuations').where({ state: 'ended' }).where('operation_id', '<', firstIdOf(before)).orderBy('operation_id').limit(limit).pluck('operation_id')) as string[];
    if (ids.length === 0) return 0;
    await this.db('slave_evacuation_parts').whereIn('operation_id', ids).delete();
    return this.db('slave_evacuations').whereIn('operation_id', ids).delete();
  }
}
