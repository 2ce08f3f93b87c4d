import { comparePi } from '@paravcl/shared/priority';
import { leavesHead } from './backfill';
import { inHeldSlot, keptFromIt, staysWithinTheBooks, type Question } from './feasible';
import { afterLeaving, bookedDiskMiB, freeUnheld, leavesCriticalLimit, type SlaveNow, unheldAfterLeaving, vacating } from './room-now';
import { leadMs } from './save-time';
import { add, compute, within, type Booking, type Room } from './snapshot';
import { compareHarm, harmOf, smallestSet, suspendableOn, weakestFirst, type Harm, type Victim } from './victims';

/** Whom one who does not fit may have suspended, on which slave. */
export interface Preemption {
  readonly slaveId: string;
  readonly victims: readonly Victim[];
}

/**
 * Chooses who gives way. On each slave that lacks nothing but room: the best-effort that the requester outranks (all of
 * it for what is reserved; for best-effort strictly lower priorities only, so that two can never suspend each other in
 * turn), of it the smallest sufficient set, but none by which the one that waits first would start later; between slaves the least harm (`compareSets`), but what is reserved has others
 * go in its slot before it does elsewhere. Null when nowhere enough of it would give way.
 *
 * Each slave's least harm is known before its set is (`leastHarmOn`): sets are made in that order, until no slave that is
 * left could do less.
 *
 * @param lacking slaves that lack room alone
 */
export function preempt({ slaves, rows, weakestPis }: Lacking, question: Question): Preemption | null {
  const { instance: { booking } } = question;
  const own = booking === null ? undefined : rows.find((row) => slaves[row]?.view.id === booking.slaveId);
  const inOwnSlot = own === undefined ? null : setOn(slaves[own] as SlaveNow, question);
  if (inOwnSlot !== null) return inOwnSlot;
  let least: { readonly slave: SlaveNow; readonly harm: Harm } | null = null;
  for (const row of rows) {
    if (comparePi(weakestPis[row] as number, least?.harm.highest ?? Infinity) > 0) continue;
    const slave = slaves[row] as SlaveNow;
    const harm = leastHarmOn(slave, question);
    if (harm !== null && (least === null || compareHarm(harm, least.harm) < 0)) least = { slave, harm };
  }
  if (least === null) return null;
  const { slave: likeliest } = least;
  let best = setOn(likeliest, question);
  const most = best === null ? Infinity : harmOf(best).highest;
  const better: { readonly slave: SlaveNow; readonly harm: Harm }[] = [];
  for (const row of rows) {
    const slave = slaves[row] as SlaveNow;
    if (slave === likeliest || comparePi(weakestPis[row] as number, most) > 0) continue;
    const harm = leastHarmOn(slave, question);
    if (harm !== null && couldDoLess(harm, best)) better.push({ slave, harm });
  }
  for (const { slave, harm } of better.sort((a, b) => compareHarm(a.harm, b.harm))) {
    if (!couldDoLess(harm, best)) break;
    const set = setOn(slave, question);
    if (set !== null && couldDoLess(harmOf(set), best)) best = set;
  }
  return best;
}

/** Those of a round's slaves that lack room alone. */
export interface Lacking {
  readonly slaves: readonly SlaveNow[];
  /** Which of them, in the order of ids. */
  readonly rows: Int32Array;
  /** Of each of these `weakestPi`, by its row. */
  readonly weakestPis: Float64Array;
}

/** No set on this slave does without somebody of at least this Pi; Infinity: nobody could be told to go. */
export const weakestPi = (slave: SlaveNow): number => weakestFirst(slave)[0]?.instance.pi ?? Infinity;

const couldDoLess = (harm: Harm, best: Preemption | null): boolean => best === null || compareHarm(harm, harmOf(best)) < 0;

function setOn(slave: SlaveNow, question: Question): Preemption | null {
  const victims = victimsOn(slave, question);
  return victims === null || victims.length === 0 ? null : { slaveId: slave.view.id, victims };
}

/**
 * What a set on this slave does at least: it cannot do without the weakest that come first until there is room, counted as
 * if nothing were held, and it takes at least as many as the largest of them. Null when not even all of them were enough.
 */
function leastHarmOn(slave: SlaveNow, { instance, at, ordering }: Question): Harm | null {
  const { need: { vcpus, ramMiB, bandwidthMbps }, type, priority: { pi } } = instance;
  const free = unheldAfterLeaving(slave, instance);
  let [cores, ram, band] = [vcpus - free.vcpus, ramMiB - free.ramMiB, bandwidthMbps - free.bandwidthMbps];
  let [mostCores, mostRam, cheapest] = [1, 1, Infinity];
  const lack = { cores, ram };
  let highest: number | null = null;
  for (const { instance: { id, pi: ofOne, need: freed, sparedUntil }, saveMs } of weakestFirst(slave)) {
    if (id === instance.id || (sparedUntil !== null && sparedUntil > at)) continue;
    // Of those that are as weak as the last one any may be taken instead.
    if (highest !== null && comparePi(ofOne, highest) > 0) break;
    if (type === 'BE' && !ordering.outranks(pi, ofOne)) break;
    cores -= freed.vcpus;
    ram -= freed.ramMiB;
    band -= freed.bandwidthMbps;
    mostCores = Math.max(mostCores, freed.vcpus);
    mostRam = Math.max(mostRam, freed.ramMiB);
    cheapest = Math.min(cheapest, saveMs);
    if (highest === null && cores <= 0 && ram <= 0 && band <= 0) highest = ofOne;
  }
  if (highest === null) return null;
  const count = Math.max(1, Math.ceil(lack.cores / mostCores), Math.ceil(lack.ram / mostRam));
  return { highest, count, saveMs: count * cheapest, slaveId: slave.view.id };
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
  if (victims === null || !worthIt(slave, question, victims)) return null;
  const { head } = question;
  const vacated = vacating(slave, victims.map((victim) => victim.instance), instance);
  return reserved || head === undefined || leavesHead(head, slave, vacated) ? victims : null;
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
