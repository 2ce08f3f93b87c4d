import type { Operation } from '@paravcl/shared/api/operations';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Page } from '@paravcl/shared/api/page';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { firstIdOf } from './first-id';
import { insertRows } from './insert-rows';
import { newestFirst, type PageRequest } from './newest-first';

export interface OperationRecord {
  readonly id: string;
  /** instance.create, instance.suspend, … */
  readonly kind: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly generation: number | null;
  readonly state: Operation['state'];
  readonly sentence: string;
  readonly userId: string;
  readonly createdAt: EpochMs;
  readonly changedAt: EpochMs;
}

interface OperationRow {
  readonly id: string;
  readonly kind: string;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly generation: number | null;
  readonly state: Operation['state'];
  readonly sentence: string;
  readonly user_id: string;
  readonly created_at: Date;
  readonly changed_at: Date;
}

export interface OperationFilter {
  readonly state?: Operation['state'] | undefined;
  /** Their own, and those about instances and deployments of groups they own. */
  readonly visibleTo?: { readonly userId: string; readonly ownedGroupIds: readonly string[] } | undefined;
}

const columns = ['id', 'kind', 'subject_type', 'subject_id', 'generation', 'state', 'sentence', 'user_id', 'created_at', 'changed_at'] as const;

const fromRow = (row: OperationRow): OperationRecord => ({
  id: row.id,
  kind: row.kind,
  subjectType: row.subject_type,
  subjectId: row.subject_id,
  generation: row.generation,
  state: row.state,
  sentence: row.sentence,
  userId: row.user_id,
  createdAt: row.created_at.getTime(),
  changedAt: row.changed_at.getTime(),
});

export function operationToRow(operation: OperationRecord): OperationRow {
  return {
    id: operation.id,
    kind: operation.kind,
    subject_type: operation.subjectType,
    subject_id: operation.subjectId,
    generation: operation.generation,
    state: operation.state,
    sentence: operation.sentence,
    user_id: operation.userId,
    created_at: new Date(operation.createdAt),
    changed_at: new Date(operation.changedAt),
  };
}

/** Long work that somebody follows. */
export class OperationRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(operation: OperationRecord): Promise<void> {
    await this.insertAll([operation]);
  }

  async insertAll(operations: readonly OperationRecord[]): Promise<void> {
    if (operations.length === 0) return;
    await insertRows(this.db, 'operations', operations.map(operationToRow));
    for (const { id } of operations) this.changes.note('operations', id);
  }

  async find(id: string): Promise<OperationRecord | null> {
    const row = await this.db<OperationRow>('operations').where({ id }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  async list(filter: OperationFilter, page: PageRequest): Promise<Page<OperationRecord>> {
    const query = this.db<OperationRow>('operations').select(...columns);
    if (filter.state !== undefined) void query.where('state', filter.state);
    const { visibleTo } = filter;
    if (visibleTo !== undefined) {
      const theirs = this.db('instances').whereIn('group_id', [...visibleTo.ownedGroupIds]).select('id');
      const deployed = this.db('deployments').whereIn('group_id', [...visibleTo.ownedGroupIds]).select('id');
      void query.where((own) => own.where('user_id', visibleTo.userId).orWhereIn('subject_id', theirs).orWhereIn('subject_id', deployed));
    }
    const found = await newestFirst<OperationRow>(query, 'id', page);
    return { items: found.items.map(fromRow), next: found.next };
  }

  /** The pending one of this kind under this generation. */
  async pendingOf(subjectId: string, kind: string, generation: number): Promise<OperationRecord | null> {
    const row = await this.db<OperationRow>('operations').where({ subject_id: subjectId, state: 'pending', kind, generation }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Pending ones about members of deployments, oldest first. */
  async pendingOfDeployments(): Promise<readonly OperationRecord[]> {
    const followed = this.db('deployment_members').distinct('operation_id');
    return (await this.db<OperationRow>('operations').where({ state: 'pending' }).whereIn('id', followed).orderBy('id').select(...columns)).map(fromRow);
  }

  /** Another wish took over all that this deployment's pending operations were about. */
  async supersedeMemberless(deploymentId: string, sentence: string, now: EpochMs): Promise<void> {
    const followed = this.db('deployment_members').where({ deployment_id: deploymentId }).distinct('operation_id');
    const changed = await this.db('operations').where({ subject_id: deploymentId, state: 'pending' }).whereNotIn('id', followed).update({ state: 'superseded', sentence, changed_at: new Date(now) });
    await this.noteOf(deploymentId, changed, now);
  }

  /** Brings one pending operation to where it stands; an unchanged one keeps its time. */
  async progressOf(id: string, state: Operation['state'], sentence: string, now: EpochMs): Promise<void> {
    const changed = await this.db('operations')
      .where({ id, state: 'pending' })
      .where((differs) => differs.whereNot({ state }).orWhereNot({ sentence }))
      .update({ state, sentence, changed_at: new Date(now) });
    if (changed > 0) this.changes.note('operations', id);
  }

  /** The newest one of this kind, however it stands. */
  async newestOf(subjectId: string, kind: string): Promise<OperationRecord | null> {
    const row = await this.db<OperationRow>('operations').where({ subject_id: subjectId, kind }).orderBy('id', 'desc').first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Another wish came: what is pending will not be brought to its end. */
  async supersede(subjectId: string, sentence: string, now: EpochMs): Promise<void> {
    const changed = await this.db('operations').where({ subject_id: subjectId, state: 'pending' }).update({ state: 'superseded', sentence, changed_at: new Date(now) });
    await this.noteOf(subjectId, changed, now);
  }

  /** The scheduler raised the generation on the way to the same wish. */
  async carry(subjectId: string, generation: number): Promise<void> {
    await this.db('operations').where({ subject_id: subjectId, state: 'pending' }).update({ generation });
  }

  /** At most `limit` of those that are over since before then; says how many. */
  async deleteEndedBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('operations').where('id', '<', firstIdOf(before)).whereNot({ state: 'pending' }).where('changed_at', '<', new Date(before)).orderBy('id').limit(limit).delete();
  }

  /** Brings the pending operations of a subject to where they stand; unchanged ones keep their time. */
  async progress(subjectId: string, generation: number, state: Operation['state'], sentence: string, now: EpochMs): Promise<void> {
    const changed = await this.db('operations')
      .where({ subject_id: subjectId, state: 'pending', generation })
      .where((differs) => differs.whereNot({ state }).orWhereNot({ sentence }))
      .update({ state, sentence, changed_at: new Date(now) });
    await this.noteOf(subjectId, changed, now);
  }

  /** Those of the subject that were changed at this moment. */
  private async noteOf(subjectId: string, changed: number, now: EpochMs): Promise<void> {
    if (changed === 0) return;
    const ids = (await this.db('operations').where({ subject_id: subjectId, changed_at: new Date(now) }).pluck('id')) as readonly string[];
    for (const id of ids) this.changes.note('operations', id);
  }
}
