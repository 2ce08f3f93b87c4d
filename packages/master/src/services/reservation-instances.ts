import type { EpochMs } from '@paravcl/shared/clock';
import { isInStore, type InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import type { ReservationRecord } from '../core/reservation-record';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { bestEffortPriority, type BestEffortRules } from './best-effort-priority';
import { changeInstance, type ChangeContext } from './instance-changes';
import { tell } from './notice-service';

/** What of a reservation's instances its slaves have to be told once the transaction is there. */
export type ToTell = readonly InstanceRecord[];

/** Gives every instance of a reservation its new end; answers those whose slaves have to be told. */
export async function giveEnd(repositories: Repositories, { id, end }: Pick<ReservationRecord, 'id' | 'end'>, context: Omit<ChangeContext, 'slaveName'>): Promise<ToTell> {
  const changed: InstanceRecord[] = [];
  for (const { id: instanceId } of await repositories.instances.ofReservation(id)) {
    const instance = await repositories.instances.lock(instanceId);
    if (instance === null || instance.reservationId !== id || instance.desired === 'deleted') continue;
    const generation = instance.slaveId === null ? instance.generation : nextGeneration(instance, await repositories.placements.ofInstance(instanceId));
    const after = await changeInstance(repositories, instance, { endsAt: end, generation }, { ...context, slaveName: await nameOfSlave(repositories, instance) });
    if (after !== null) changed.push(after);
  }
  return changed;
}

/** What it takes to make best-effort of what was reserved. */
export interface ToBestEffort {
  readonly rules: BestEffortRules;
  readonly context: Omit<ChangeContext, 'slaveName'>;
}

/** From now on it is nobody's reserved machine: it goes on, or goes on waiting, as best-effort. */
export async function becomeBestEffort(repositories: Repositories, instanceId: string, { rules, context }: ToBestEffort): Promise<void> {
  const instance = await repositories.instances.lock(instanceId);
  if (instance?.type !== 'AR') return;
  await changeInstance(repositories, instance, await asBestEffort(repositories, instance, rules), { ...context, slaveName: await nameOfSlave(repositories, instance) });
}

/**
 * The same at the end of the window. What ran is on its way to be saved. What had waited for room all the while does not
 * begin once nobody expects it any more: one that was never launched is given up, one that is saved or off stays so; its
 * owner is told.
 */
export async function endWithWindow(repositories: Repositories, instanceId: string, { rules, context }: ToBestEffort, over: string): Promise<void> {
  const instance = await repositories.instances.lock(instanceId);
  if (instance?.type !== 'AR') return;
  const end = endOfWait(instance, over);
  const change = { ...(await asBestEffort(repositories, instance, rules)), ...end?.change };
  const slaveName = await nameOfSlave(repositories, instance);
  await changeInstance(repositories, instance, change, { ...context, slaveName, ...(end?.supersede === undefined ? {} : { supersede: end.supersede }) });
  if (end === null) return;
  const notice = { userId: instance.userId, kind: 'instance.time-ended', subjectType: 'instance', subjectId: instanceId, decisionId: null } as const;
  await tell(repositories, { ...notice, sentence: end.change.reason.sentence }, context.now);
}

/** What becomes of one that still waits; null for one that does not. `over` is when the window was. */
function endOfWait(instance: InstanceRecord, over: string) {
  const { name, slaveId, observed, desired, generation, queuedAt, ramImageId } = instance;
  if (desired === 'deleted') return null;
  const ended = (sentence: string) => ({ code: 'TimeEnded', sentence }) as const;
  if (isInStore(instance) && desired === 'running') {
    const was = ramImageId === null ? 'stopped' : 'suspended';
    const reason = ended(`${name} did not go on: its reservation was over at ${over} before there was room for it. It is in the store as it was; ${was === 'stopped' ? 'start' : 'resume'} it to go on as best-effort.`);
    return { change: { observed: was, desired: was, observedGeneration: generation, nominatedSlaveId: null, reason }, supersede: reason.sentence } as const;
  }
  if (slaveId === null && (observed === 'requested' || observed === 'queued')) {
    const reason = ended(`${name} was never launched: its reservation was over at ${over} before there was room for it. Start it to wait for room as best-effort, or delete it.`);
    // The master itself answers for an instance that no slave holds.
    return { change: { observed: 'failed', observedGeneration: generation, nominatedSlaveId: null, reason } as const };
  }
  if (queuedAt === null) return null;
  const reason = ended(`${name} did not go on: its reservation was over at ${over} before there was room where its disk is. It stays as it is; ${desired === 'stopped' ? 'start' : 'resume'} it to go on as best-effort.`);
  return { change: { queuedAt: null, queuedBecause: null, nominatedSlaveId: null, reason } as const, supersede: reason.sentence };
}

async function asBestEffort(repositories: Repositories, instance: InstanceRecord, rules: BestEffortRules): Promise<Pick<InstanceChange, 'type' | 'reservationId' | 'priority'>> {
  return { type: 'BE', reservationId: null, priority: await bestEffortPriority(repositories, instance, rules) };
}

async function nameOfSlave(repositories: Repositories, { slaveId }: InstanceRecord): Promise<string | null> {
  return slaveId === null ? null : ((await repositories.slaves.find(slaveId))?.name ?? null);
}

/** Whether the end of its time has still to be acted upon: it should run, and is not beyond saving. */
export function stillToEnd(instance: InstanceRecord, now: EpochMs): boolean {
  return instance.desired === 'running' && instance.endsAt !== null && instance.endsAt <= now && instance.observed !== 'lost' && instance.observed !== 'failed' && instance.slaveId !== null;
}
