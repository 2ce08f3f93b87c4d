import { inHeldSlot, keptFromIt, staysWithinTheBooks, type Question, type Refusal } from './feasible';
import { afterLeaving, bookedDiskMiB, freeUnheld, leavesCriticalLimit, type SlaveNow, unheldAfterLeaving, vacating } from './room-now';
import { leadMs } from './save-time';
import { add, compute, within, type Booking, type Room } from './snapshot';
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
 * turn), of it the smallest sufficient set; between slaves the least harm (`compareSets`), but what is reserved has others
 * go in its slot before it does elsewhere. Null when nowhere enough of it would give way.
 */
export function preempt(answers: readonly Answer[], question: Question): Preemption | null {
  const sets = answers
    .filter(({ refused }) => refused?.room === true)
    .flatMap(({ slave }) => {
      const victims = victimsOn(slave, question);
      return victims === null || victims.length === 0 ? [] : [{ slaveId: slave.view.id, victims }];
    });
  return sets.find(({ slaveId }) => slaveId === question.instance.booking?.slaveId) ?? [...sets].sort(compareSets)[0] ?? null;
}

function victimsOn(slave: SlaveNow, question: Question): readonly Victim[] | null {
  const { instance, at, ordering, pool } = question;
  if (!diskIsThere(slave, question)) return null;
  const reserved = instance.type === 'AR';
  const candidates = suspendableOn(slave, at).filter((victim) => victim.instance.id !== instance.id && (reserved || ordering.outranks(instance.priority.pi, victim.instance.pi)));
  const free = roomToCome(slave, question);
  const need = compute(instance.need);
  const owed = unheldAfterLeaving(slave, instance);
  // What pays off what the slave owes comes to nobody.
  const gained = (dimension: 'vcpus' | 'ramMiB', freed: Room): number => Math.max(0, owed[dimension] + freed[dimension]) - Math.max(0, owed[dimension]);
  const fits = (freed: Room): boolean =>
    within(need, compute(add(free, freed))) &&
    (reserved || leavesCriticalLimit(pool, need, { vcpus: pool.comingVcpus + gained('vcpus', freed), ramMiB: pool.comingRamMiB + gained('ramMiB', freed) }));
  const victims = smallestSet(candidates, at, fits);
  return victims === null || !worthIt(slave, question, victims) ? null : victims;
}

/** Disk does not come back when others are saved. */
function diskIsThere(slave: SlaveNow, { instance }: Question): boolean {
  const { diskMiB } = instance.need;
  return diskMiB === 0 || diskMiB <= freeUnheld(slave, instance).diskMiB - bookedDiskMiB(slave, instance);
}

/** Room once who is leaving is gone, beside what is held or would be late. */
function roomToCome(slave: SlaveNow, question: Question): Room {
  return afterLeaving({ ...slave, held: [...new Set([...slave.held, ...soonWanted(slave, question)])] }, question.instance);
}

/** Slots that would be late if a reserved instance outside of its own took what is free: it has others go instead. */
function soonWanted(slave: SlaveNow, question: Question): readonly Booking[] {
  const { instance, at } = question;
  if (instance.type === 'BE' || inHeldSlot(slave, instance)) return [];
  const kept = keptFromIt(slave, question);
  return kept === null || kept.recalledAt >= at ? [] : kept.slots;
}

/** What would be called back at once, after the victims are saved, is worth nobody's giving way. */
function worthIt(slave: SlaveNow, question: Question, victims: readonly Victim[]): boolean {
  const { instance, at, rules } = question;
  if (instance.type === 'AR') return true;
  const begins = at + leadMs(victims.map((victim) => victim.instance.need.ramMiB), slave.view.saveMiBPerSecond, rules);
  const vacated = vacating(slave, victims.map((victim) => victim.instance), null);
  const kept = keptFromIt(vacated, question, begins);
  if (instance.spared) return kept === null && staysWithinTheBooks(vacated, question, begins);
  return kept === null || kept.recalledAt - begins >= rules.shortestLoanMs;
}

/** Whether those who leave already make room for one that waits for them on this slave. */
export function roomIsComing(slave: SlaveNow, question: Question): boolean {
  const { instance, pool } = question;
  const need = compute(instance.need);
  const coming = { vcpus: pool.comingVcpus, ramMiB: pool.comingRamMiB };
  return within(need, compute(roomToCome(slave, question))) && (instance.type === 'AR' || leavesCriticalLimit(pool, need, coming));
}
