import { holdsComputeStates } from '@paravcl/shared/domain/instance-state';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import type { Knex } from 'knex';

/** Failed by the master's clock alone: its slave may still be at it, so its guest may run. */
const maybeRunning: ReasonCode = 'DeadlinePassed';

/**
 * Whether an instance holds cores and RAM where it is placed: it should run, it is in a state that holds them, or it
 * was given up at its deadline. As a condition on the table of instances, known under this name in the query.
 */
export function holdsCompute(table: string): { readonly sql: string; readonly bindings: readonly Knex.Value[] } {
  const states = holdsComputeStates.map(() => '?').join(', ');
  return {
    sql: `(${table}.desired = 'running' OR ${table}.observed IN (${states}) OR (${table}.observed = 'failed' AND ${table}.reason_code = ?))`,
    bindings: [...holdsComputeStates, maybeRunning],
  };
}
