import type { EpochMs } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { decisionOf } from '../core/decision-of-plan';
import type { InstanceRecord, PlacedRecord } from '../core/instance-record';
import { operationProgress } from '../core/operation-progress';
import type { Decision, Policies } from '../core/plan';
import type { NewEvent } from '../repositories/event-repository';
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

export type Place = Extract<Decision, { kind: 'place' }>;

/** A launch with the slave that it gets. */
export interface PlacedLaunch {
  readonly instance: PlacedRecord;
  readonly slaveName: string;
  readonly decision: Place;
}

/** What was decided, and of what. */
export interface DecidedOf {
  readonly policies: Policies;
  readonly inputsHash: string;
  readonly at: EpochMs;
}

/** Writes one that waits for the scheduler. */
export async function writeWaiting(repositories: Repositories, launch: PreparedLaunch): Promise<Launched> {
  const { instance } = launch;
  await repositories.instances.insert(instance);
  await writeBeside(repositories, [{ launch, place: undefined }], instance.createdAt);
  return { instance, slaveName: null, decisionId: null };
}

/**
 * Writes launches with all that is told of them, each as it is at the end: with its slave, or as one that waits for the scheduler.
 * Few statements however many there are. Answers the decisions' ids by instance. Throws a duplicate-key error when a name is taken.
 */
export async function writeLaunches(repositories: Repositories, launches: readonly PreparedLaunch[], placed: ReadonlyMap<string, PlacedLaunch>, of: DecidedOf): Promise<ReadonlyMap<string, string>> {
  const { at } = of;
  const done = launches.map((launch) => ({ launch, place: placed.get(launch.instance.id) }));
  const places = done.flatMap(({ place }) => place ?? []);
  const ids = new Map(places.map(({ instance }) => [instance.id, newId(at)]));
  await repositories.instances.insertAll(done.map(({ launch, place }) => place?.instance ?? launch.instance));
  if (places.length > 0) {
    await repositories.placements.insertAll(places.map(({ instance: { id, slaveId, generation } }) => ({ instanceId: id, slaveId, generation, state: 'active' })), at);
    await repositories.decisions.insertAll(
      places.map(({ instance: { id, userId, groupId }, decision }) => ({ id: ids.get(id) ?? newId(at), at: new Date(at).toISOString(), ...decisionOf(decision, of.policies), inputsHash: of.inputsHash, userId, groupId })),
    );
  }
  await writeBeside(repositories, done, at);
  return ids;
}

interface Done {
  readonly launch: PreparedLaunch;
  readonly place: PlacedLaunch | undefined;
}

async function writeBeside(repositories: Repositories, done: readonly Done[], at: EpochMs): Promise<void> {
  await repositories.transitions.appendAll(done.map(({ launch, place }) => historyOf(launch, place, at)));
  await repositories.operations.insertAll(done.flatMap(({ launch: { operation }, place }) => (operation === null ? [] : [place === undefined ? operation : operationOf(operation, place)])));
  const events = done.flatMap(({ launch: { event } }) => event ?? []);
  if (events.length > 0) await repositories.events.appendAll(events, at);
}

/** One line: what was placed at once has never been anything else. */
function historyOf({ instance: asked, asker }: PreparedLaunch, place: PlacedLaunch | undefined, at: EpochMs): Omit<TransitionRecord, 'id'> {
  const line = { instanceId: asked.id, at: asked.createdAt, generation: asked.generation, desired: 'running', from: null, to: 'requested', slaveId: null, reason: null, by: asker } as const;
  return place === undefined ? line : { ...line, at, generation: place.instance.generation, to: 'preparing', slaveId: place.instance.slaveId };
}

function operationOf(operation: OperationRecord, { instance, slaveName }: PlacedLaunch): OperationRecord {
  return { ...operation, generation: instance.generation, ...operationProgress(instance, slaveName) };
}
