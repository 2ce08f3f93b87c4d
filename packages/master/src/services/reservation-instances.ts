import type { EpochMs } from '@paravcl/shared/clock';
import type { InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import type { ReservationRecord } from '../core/reservation-record';
import type { Repositories } from '../repositories/repositories';
import { changeInstance, type ChangeContext } from './instance-changes';

/** What of a reservation's instances its slaves have to be told once the transaction is there. */
export type ToTell = readonly InstanceRecord[];

/** Gives every instance of a reservation its new end; answers those whose slaves have to be told. */
export async function giveEnd(repositories: Repositories, { id, end }: Pick<ReservationRecord, 'id' | 'end'>, context: Omit<ChangeContext, 'slaveName'>): Promise<ToTell> {
  const changed: InstanceRecord[] = [];
  for (const { id: instanceId } of await repositories.instances.ofReservation(id)) {
    const instance = await repositories.instances.lock(instanceId);
    if (instance === null || instance.reservationId !== id || instance.desired === 'deleted') continue;
    const generation = instance.slaveId === null ? instance.generation : nextGeneration(instance, await repositories.placements.ofInstance(instanceId));
    const slaveName = instance.slaveId === null ? null : ((await repositories.slaves.find(instance.slaveId))?.name ?? null);
    const after = await changeInstance(repositories, instance, { endsAt: end, generation }, { ...context, slaveName });
    if (after !== null) changed.push(after);
  }
  return changed;
}

/** From now on it is nobody's reserved machine: it goes on as best-effort, or waits saved until it is resumed as such. */
export async function becomeBestEffort(repositories: Repositories, instanceId: string): Promise<void> {
  const instance = await repositories.instances.lock(instanceId);
  if (instance?.type !== 'AR') return;
  await repositories.instances.change(instanceId, instance, { type: 'BE', reservationId: null });
}

/** Whether the end of its time has still to be acted upon: it should run, and is not beyond saving. */
export function stillToEnd(instance: InstanceRecord, now: EpochMs): boolean {
  return instance.desired === 'running' && instance.endsAt !== null && instance.endsAt <= now && instance.observed !== 'lost' && instance.observed !== 'failed' && instance.slaveId !== null;
}
