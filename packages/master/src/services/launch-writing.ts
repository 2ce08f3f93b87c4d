import type { EpochMs } from '@paravcl/shared/clock';
import type { Decision } from '@paravcl/shared/domain/decision';
import type { InstanceRecord, PlacedRecord } from '../core/instance-record';
import { operationProgress } from '../core/operation-progress';
import type { NewEvent } from '../repositories/event-repository';
import type { LaunchRows } from '../repositories/launch-ledger';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import type { TransitionRecord } from '../repositories/transition-repository';

/** A launch of which everything was checked, and that is not written yet. */
export interface PreparedLaunch {
  /** As it was asked for: named, with its address, on no slave. */
  readonly instance: InstanceRecord;
  /** "user alice" */
  readonly asker: string;
  /** What is written with it; null where the caller does. */
  readonly event: NewEvent | null;
  readonly operation: OperationRecord | null;
}

/** What came of a launch. */
export interface Launched {
  /** With its slave; without when it waits for the scheduler. */
  readonly instance: InstanceRecord;
  readonly slaveName: string | null;
  readonly decisionId: string | null;
}

/** A launch with the slave that it gets. */
export interface PlacedLaunch {
  readonly instance: PlacedRecord;
  readonly slaveName: string;
  readonly decision: Decision;
}

export function launched({ instance: asked }: PreparedLaunch, placed: ReadonlyMap<string, PlacedLaunch>): Launched {
  const place = placed.get(asked.id);
  return place === undefined ? { instance: asked, slaveName: null, decisionId: null } : { instance: place.instance, slaveName: place.slaveName, decisionId: place.decision.id };
}

/** Writes one that waits for the scheduler. */
export async function writeWaiting(repositories: Repositories, launch: PreparedLaunch): Promise<Launched> {
  await writeRows(repositories, rowsOfLaunches([launch], nonePlaced, launch.instance.createdAt));
  return launched(launch, nonePlaced);
}

export const nonePlaced: ReadonlyMap<string, PlacedLaunch> = new Map();

/** What is written of launches, each as it is at the end: with its slave, or as one that waits for the scheduler. */
export function rowsOfLaunches(launches: readonly PreparedLaunch[], placed: ReadonlyMap<string, PlacedLaunch>, at: EpochMs): LaunchRows {
  const done = launches.map((launch) => ({ launch, place: placed.get(launch.instance.id) }));
  const places = done.flatMap(({ place }) => place ?? []);
  return {
    at,
    instances: done.map(({ launch, place }) => place?.instance ?? launch.instance),
    placements: places.map(({ instance: { id, slaveId, generation } }) => ({ instanceId: id, slaveId, generation, state: 'active' })),
    decisions: places.map(({ instance: { userId, groupId }, decision }) => ({ ...decision, userId, groupId })),
    transitions: done.map(({ launch, place }) => historyOf(launch, place, at)),
    operations: done.flatMap(({ launch: { operation }, place }) => (operation === null ? [] : [place === undefined ? operation : operationOf(operation, place)])),
    events: done.flatMap(({ launch: { event } }) => event ?? []),
  };
}

/** One statement of each table. Throws a duplicate-key error when a name is taken. */
export async function writeRows(repositories: Repositories, { at, ...rows }: LaunchRows): Promise<void> {
  await repositories.instances.insertAll(rows.instances);
  if (rows.placements.length > 0) await repositories.placements.insertAll(rows.placements, at);
  if (rows.decisions.length > 0) await repositories.decisions.insertAll(rows.decisions);
  await repositories.transitions.appendAll(rows.transitions);
  await repositories.operations.insertAll(rows.operations);
  if (rows.events.length > 0) await repositories.events.appendAll(rows.events, at);
}

/** One line: what was placed at once has never been anything else. */
function historyOf({ instance: asked, asker }: PreparedLaunch, place: PlacedLaunch | undefined, at: EpochMs): Omit<TransitionRecord, 'id'> {
  const line = { instanceId: asked.id, at: asked.createdAt, generation: asked.generation, desired: 'running', from: null, to: 'requested', slaveId: null, reason: null, by: asker } as const;
  return place === undefined ? line : { ...line, at, generation: place.instance.generation, to: 'preparing', slaveId: place.instance.slaveId };
}

function operationOf(operation: OperationRecord, { instance, slaveName }: PlacedLaunch): OperationRecord {
  return { ...operation, generation: instance.generation, ...operationProgress(instance, slaveName) };
}
