import type { Question, Refusal } from './feasible';
import { keptFrom } from './recall';
import { afterLeaving, bookedDiskMiB, freeUnheld, type SlaveNow } from './room-now';
import { add, compute, within, type Room } from './snapshot';
import { compareSets, smallestSet, suspendableOn, type Victim } from './victims';

/** Whom one who does not fit may have suspended, on which slave. */
export interface Preemption {
  readonly slaveId: string;
  readonly victims: readonly Victim[];
}

/** What a slave answered. */
export interface Answer {
  readonly slave: SlaveNow;
  readonly refused: Refusal | null;
}

/**
 * Chooses who gives way. On each slave that lacks nothing but room: the best-effort that the requester outranks (all of
 * it for what is reserved; for best-effort strictly lower priorities only, so that two can never suspend each other in
 * turn), of it the smallest sufficient set; between slaves the least harm (`compareSets`). Null when nowhere enough of
 * it would give way.
 */
export function preempt(answers: readonly Answer[], question: Question): Preemption | null {
  const sets = answers
    .filter(({ refused }) => refused?.room === true)
    .flatMap(({ slave }) => {
      const victims = victimsOn(slave, question);
      return victims === null || victims.length === 0 ? [] : [{ slaveId: slave.view.id, victims }];
    });
  return [...sets].sort(compareSets)[0] ?? null;
}

function victimsOn(slave: SlaveNow, question: Question): readonly Victim[] | null {
  const { instance, at, ordering, pool } = question;
  if (!worthIt(slave, question)) return null;
  const reserved = instance.type === 'AR';
  const candidates = suspendableOn(slave, at).filter((victim) => victim.instance.id !== instance.id && (reserved || ordering.outranks(instance.priority.pi, victim.instance.pi)));
  const free = afterLeaving(slave, instance);
  const need = compute(instance.need);
  const fits = (freed: Room): boolean =>
    within(need, compute(add(free, freed))) &&
    (reserved ||
      (pool.freeVcpus + pool.comingVcpus + freed.vcpus - need.vcpus >= pool.keptVcpus && pool.freeRamMiB + pool.comingRamMiB + freed.ramMiB - need.ramMiB >= pool.keptRamMiB));
  return smallestSet(candidates, at, fits);
}

/** Disk does not come back when others are saved, and what would be called back at once is worth nobody's giving way. */
function worthIt(slave: SlaveNow, { instance, at, rules }: Question): boolean {
  const { diskMiB } = instance.need;
  if (diskMiB > 0 && diskMiB > freeUnheld(slave, instance).diskMiB - bookedDiskMiB(slave, instance)) return false;
  if (instance.type === 'AR') return true;
  const endsAt = instance.runMs === null ? null : at + instance.runMs;
  const kept = keptFrom(slave, { id: instance.id, need: instance.need, endsAt, outranks: () => true }, at, rules);
  return kept === null || (!instance.spared && kept.recalledAt - at >= rules.shortestLoanMs);
}

/** Whether those who leave already make room for one that waits for them on this slave. */
export function roomIsComing(slave: SlaveNow, { instance, pool }: Question): boolean {
  const need = compute(instance.need);
  const critical = pool.freeVcpus + pool.comingVcpus - need.vcpus >= pool.keptVcpus && pool.freeRamMiB + pool.comingRamMiB - need.ramMiB >= pool.keptRamMiB;
  return within(need, compute(afterLeaving(slave, instance))) && (instance.type === 'AR' || critical);
}
