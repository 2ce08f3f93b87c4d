import type { EpochMs } from '@paravcl/shared/clock';
import type { Admission } from '@paravcl/shared/domain/slave';
import type { InstanceRecord, PlacementRecord } from '../core/instance-record';
import type { Answer, GroupedWrites } from '../db/statement-groups';
import type { ChangeNotes } from './committed-changes';
import { decisionToRow, type DecisionRecord } from './decision-rows';
import { eventToRow, type NewEvent } from './event-repository';
import { insertText, listText, valueText } from './insert-text';
import { instanceToRow } from './instance-rows';
import { operationToRow, type OperationRecord } from './operation-repository';
import { placementToRow } from './placement-repository';
import { calendarSetting } from './setting-repository';
import type { CalendarRuns, TransactionRun } from './transaction-run';
import { transitionToRow, type TransitionRecord } from './transition-repository';

/** Everything that is written of launches. */
export interface LaunchRows {
  readonly at: EpochMs;
  readonly instances: readonly InstanceRecord[];
  readonly placements: readonly Omit<PlacementRecord, 'id'>[];
  readonly decisions: readonly DecisionRecord[];
  readonly transitions: readonly Omit<TransitionRecord, 'id'>[];
  readonly operations: readonly OperationRecord[];
  readonly events: readonly NewEvent[];
}

/** What promises of room are held against, as it is while the transaction lasts. */
export interface FoundPromises {
  readonly calendar: string | null;
  readonly slaves: ReadonlyMap<string, { readonly promises: number; readonly admission: Admission }>;
}

/** What came of looking: room that is promised by it, and what is written with that. */
export interface PromisedLaunches<T> {
  readonly promised: { readonly slaveIds: readonly string[]; readonly stamp: number };
  readonly rows: LaunchRows;
  readonly done: T;
}

/** Runs a transaction of two round trips (`StatementGroups.transaction`), again where it was a deadlock's victim. */
export type GroupedTransaction = <T>(look: readonly string[], then: (answers: readonly Answer[], run: TransactionRun) => GroupedWrites<T>) => Promise<T>;

/** Writes launches that were decided in memory, many of them in two round trips to the database. */
export class LaunchLedger {
  constructor(
    private readonly transaction: GroupedTransaction,
    private readonly calendarRuns: CalendarRuns,
  ) {}

  /**
   * Shares the calendar and locks these slaves, then writes what `decide` makes of them. `decide` may be asked again, with the books as they are then. Throws a
   * duplicate-key error when a name is taken.
   */
  write<T>(slaveIds: readonly string[], decide: (found: FoundPromises) => PromisedLaunches<T>): Promise<T> {
    return this.transaction([shareText, lockText(slaveIds)], ([calendar = [], slaves = []], run) => {
      this.calendarRuns.shared(run);
      const found = { calendar: (calendar[0]?.['value'] as string | undefined) ?? null, slaves: new Map((slaves as unknown as readonly PromisesRow[]).map((slave) => [slave.id, slave])) };
      const { promised, rows, done } = decide(found);
      note(rows, run.notes);
      return { statements: [...(promised.slaveIds.length === 0 ? [] : [promiseText(promised)]), ...insertTexts(rows)], done };
    });
  }
}

interface PromisesRow {
  readonly id: string;
  readonly promises: number;
  readonly admission: Admission;
}

const shareText = `SELECT value FROM settings WHERE name = ${valueText(calendarSetting)} LOCK IN SHARE MODE`;

/** In the order of ids, so that two who promise on several slaves do not lock crosswise. */
const lockText = (slaveIds: readonly string[]): string => `SELECT id, promises, admission FROM slaves WHERE id IN (${listText(slaveIds)}) ORDER BY id FOR UPDATE`;

const promiseText = ({ slaveIds, stamp }: PromisedLaunches<unknown>['promised']): string => `UPDATE slaves SET promises = ${valueText(stamp)} WHERE id IN (${listText(slaveIds)})`;

function insertTexts({ at, instances, placements, decisions, transitions, operations, events }: LaunchRows): readonly string[] {
  return ([
    ['instances', instances.map(instanceToRow)],
    ['placements', placements.map((placement) => placementToRow(placement, at))],
    ['decisions', decisions.map(decisionToRow)],
    ['instance_transitions', transitions.map(transitionToRow)],
    ['operations', operations.map(operationToRow)],
    ['events', events.map((event) => eventToRow(event, at))],
  ] as const).filter(([, rows]) => rows.length > 0).map(([table, rows]) => insertText(table, rows));
}

/** As the repositories note it. */
function note({ instances, operations }: LaunchRows, notes: ChangeNotes): void {
  for (const { id } of instances) notes.note('instances', id);
  for (const { id } of operations) notes.note('operations', id);
}
