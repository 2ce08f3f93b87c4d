import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import { desiredStateSchema, observedStateSchema, type DesiredState, type ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Reason } from '@paravcl/shared/domain/reasons';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';
import type { StateChange } from '../core/real-stay';
import { insertRows } from './insert-rows';
import { newestFirst, type PageRequest } from './newest-first';
import { reasonFromColumns } from './instance-rows';

export interface TransitionRecord {
  readonly id: string;
  readonly instanceId: string;
  readonly at: EpochMs;
  readonly generation: number;
  readonly desired: DesiredState;
  readonly from: ObservedState | null;
  readonly to: ObservedState;
  readonly slaveId: string | null;
  readonly reason: Reason | null;
  readonly by: string;
}

interface TransitionRow {
  readonly id: string;
  readonly instance_id: string;
  readonly at: Date;
  readonly generation: number;
  readonly desired: string;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly slave_id: string | null;
  readonly reason_code: string | null;
  readonly reason_sentence: string | null;
  readonly caused_by: string;
}

export function transitionToRow(transition: Omit<TransitionRecord, 'id'>): TransitionRow {
  return {
    id: newId(transition.at),
    instance_id: transition.instanceId,
    at: new Date(transition.at),
    generation: transition.generation,
    desired: transition.desired,
    from_state: transition.from,
    to_state: transition.to,
    slave_id: transition.slaveId,
    reason_code: transition.reason?.code ?? null,
    reason_sentence: transition.reason?.sentence.slice(0, 1000) ?? null,
    caused_by: transition.by.slice(0, 120),
  };
}

/** The append-only history of every instance. */
export class TransitionRepository {
  constructor(private readonly db: Knex) {}

  async append(transition: Omit<TransitionRecord, 'id'>): Promise<void> {
    await this.appendAll([transition]);
  }

  /** In their order. */
  async appendAll(transitions: readonly Omit<TransitionRecord, 'id'>[]): Promise<void> {
    await insertRows(this.db, 'instance_transitions', transitions.map(transitionToRow));
  }

  /** Of these instances, those that were seen to run at any time. */
  async everRan(instanceIds: readonly string[]): Promise<ReadonlySet<string>> {
    const ids = await this.db('instance_transitions').whereIn('instance_id', [...instanceIds]).where({ to_state: 'running' }).distinct().pluck<string[]>('instance_id');
    return new Set(ids);
  }

  /** What these instances became and when, each in order of time. */
  async changesOf(instanceIds: readonly string[]): Promise<ReadonlyMap<string, readonly StateChange[]>> {
    const rows = await this.db<TransitionRow>('instance_transitions').whereIn('instance_id', [...instanceIds]).orderBy('id').select('instance_id', 'at', 'to_state');
    const changes = new Map<string, StateChange[]>();
    for (const { instance_id: id, at, to_state: to } of rows) {
      const change = { at: at.getTime(), to: observedStateSchema.parse(to) };
      const before = changes.get(id);
      if (before === undefined) changes.set(id, [change]);
      else before.push(change);
    }
    return changes;
  }

  /** At most `limit` transitions of these instances; says how many. */
  async deleteOf(instanceIds: readonly string[], limit: number): Promise<number> {
    return this.db('instance_transitions').whereIn('instance_id', [...instanceIds]).limit(limit).delete();
  }

  async list(instanceId: string, page: PageRequest): Promise<Page<TransitionRecord>> {
    const query = this.db<TransitionRow>('instance_transitions')
      .where({ instance_id: instanceId })
      .select('id', 'instance_id', 'at', 'generation', 'desired', 'from_state', 'to_state', 'slave_id', 'reason_code', 'reason_sentence', 'caused_by');
    const { items, next } = await newestFirst<TransitionRow>(query, 'id', page);
    const transitions = items.map((row) => ({
      id: row.id,
      instanceId: row.instance_id,
      at: row.at.getTime(),
      generation: row.generation,
      desired: desiredStateSchema.parse(row.desired),
      from: row.from_state === null ? null : observedStateSchema.parse(row.from_state),
      to: observedStateSchema.parse(row.to_state),
      slaveId: row.slave_id,
      reason: reasonFromColumns(row.reason_code, row.reason_sentence),
      by: row.caused_by,
    }));
    return { items: transitions, next };
  }
}
