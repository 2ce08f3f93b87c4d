import { holdsComputeStates } from '@paravcl/shared/domain/instance-state';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import type { Knex } from 'knex';

/** Failed by the master's clock alone: its slave may still be at it, so its guest may run. */
const maybeRunning: ReasonCode = 'DeadlinePassed';

/** Lost because its slave does not have it any more, not because nobody can look: nothing of it runs. */
const gone: ReasonCode = 'DomainLost';

/**
 * Whether an instance holds cores and RAM where it is placed: it should run, it is in a state that holds them (not
 * when its domain is known to be gone), or it was given up at its deadline. As a condition on the table of instances, known under this name in the query.
 */
export function holdsCompute(table: string): { readonly sql: string; readonly bindings: readonly Knex.Value[] } {
  const states = holdsComputeStates.map(() => '?').join(', ');
  return {
    sql:
      `(${table}.desired = 'running' OR (${table}.observed IN (${states}) AND NOT (${table}.observed = 'lost' AND COALESCE(${table}.reason_code, '') = ?))` +
      ` OR (${table}.observed = 'failed' AND ${table}.reason_code = ?))`,
    bindings: [...holdsComputeStates, gone, maybeRunning],
  };
}
