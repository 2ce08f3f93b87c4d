import type { EpochMs } from '@paravcl/shared/clock';
import type { InstanceRecord, PlacementRecord } from '../core/instance-record';
import { serverErrorNumber } from '../db/connection';
import type { ChangeNotes } from './committed-changes';
import { decisionToRow, type DecisionRecord } from './decision-rows';
import { eventToRow, type NewEvent } from './event-repository';
import { insertText, listText, valueText } from './insert-text';
import { instanceToRow } from './instance-rows';
import { operationToRow, type OperationRecord } from './operation-repository';
import { placementToRow } from './placement-repository';
import { calendarSetting } from './setting-repository';
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

/** Inputs of decisions as they are kept. */
export interface InputsRow {
  readonly hash: string;
  /** gzip'ed JSON. */
  readonly body: Buffer;
  readonly keptAt: EpochMs;
}

/** Room that is promised, and what the books are thought to be: it is true only if they are so. */
export interface PromisedByMemory {
  readonly calendar: string | null;
  /** By slave the stamp of the newest promise before this one. */
  readonly from: ReadonlyMap<string, number>;
  readonly stamp: number;
}

/** The books are not as they were thought to be; nothing was written. */
export class MemoryWasWrong extends Error {}

/** Runs statements in one transaction (`StatementGroups.transaction`), again where it was a deadlock's victim. */
export type GroupedTransaction = (statements: readonly string[], note: (notes: ChangeNotes) => void) => Promise<void>;

/** Writes launches that were decided in memory, many of them in one round trip to the database. */
export class LaunchLedger {
  constructor(private readonly transaction: GroupedTransaction) {}

  /** All of it, or nothing. `inputs` are those of the decisions; null: they are kept. Throws MemoryWasWrong, and a duplicate-key error when a name is taken. */
  async write(promised: PromisedByMemory, inputs: InputsRow | null, rows: LaunchRows): Promise<void> {
    const statements = [shareText, promiseText(promised), ...(inputs === null ? [] : [keepText(inputs)]), ...insertTexts(rows)];
    try {
      await this.transaction(statements, (notes) => { note(rows, notes); });
    } catch (error) {
      throw isBroken(error) ? new MemoryWasWrong() : error;
    }
  }
}

/** Before any row of a slave, as everybody does (`calendar-lock`). */
const shareText = `SELECT value FROM settings WHERE name = ${valueText(calendarSetting)} LOCK IN SHARE MODE`;

/**
 * Locks the slaves in the order of their ids, which is that of the rows, so that two who promise on several do not lock crosswise. No slave may be without a stamp:
 * where the books are others than they were thought to be the statement fails (ER_BAD_NULL_ERROR, in strict mode), and all behind it is left. No row of a slave is
 * ever deleted.
 */
function promiseText({ calendar, from, stamp }: PromisedByMemory): string {
  const stamps = [...from].map(([id, before]) => `WHEN ${valueText(id)} THEN ${valueText(before)}`).join(' ');
  const isAsThought = `(SELECT value FROM settings WHERE name = ${valueText(calendarSetting)}) <=> ${valueText(calendar)} AND admission = 'approved' AND promises = CASE id ${stamps} END`;
  return `UPDATE slaves SET promises = IF(${isAsThought}, ${valueText(stamp)}, NULL) WHERE id IN (${listText([...from.keys()])}) ORDER BY id`;
}

const isBroken = (error: unknown): boolean => serverErrorNumber(error) === 1048 && error instanceof Error && error.message.includes("'promises'");

const keepText = ({ hash, body, keptAt }: InputsRow): string => `${insertText('decision_inputs', [{ hash, body, created_at: new Date(keptAt) }])} ON DUPLICATE KEY UPDATE created_at = VALUES(created_at)`;

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
