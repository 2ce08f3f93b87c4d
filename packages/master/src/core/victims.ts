import type { EpochMs } from '@paravcl/shared/clock';
import { comparePi } from '@paravcl/shared/priority';
import { predictedSaveMs } from './save-time';
import { add, compute, noRoom, type Room, type RunningInstance } from './snapshot';
import type { SlaveNow } from './room-now';
import { compareText } from './compare-text';

/** One that is told to go, and how long its saving should take by what its slave has shown. */
export interface Victim {
  readonly instance: RunningInstance;
  readonly saveMs: number;
}

/** States from which a guest can be saved, or from which nothing is lost when it goes back to the queue. */
const suspendable: readonly RunningInstance['observed'][] = ['preparing', 'booting', 'running', 'resuming'];

/** Best-effort that could be told to go now: never what is reserved, never one that was told so as often as a day allows. */
export function suspendableOn(slave: SlaveNow, at: EpochMs): readonly Victim[] {
  return slave.running
    .filter(({ type, observed, leaving, sparedUntil }) => type === 'BE' && !leaving && suspendable.includes(observed) && (sparedUntil === null || sparedUntil <= at))
    .map((instance) => ({ instance, saveMs: instance.observed === 'preparing' ? 0 : predictedSaveMs(instance.need.ramMiB, slave.view.saveMiBPerSecond) }));
}

/**
 * The smallest sufficient set of one slave (DEFINITIONS, "Victims"): candidates in order of Pi ascending, then least lost
 * work, then cheapest save, then id; taken until it fits; then given back in reverse while it still fits. Null when not
 * even all of them are enough; empty when nobody has to go.
 *
 * @param fits whether it fits once this much cores, RAM and bandwidth has come back
 */
export function smallestSet(candidates: readonly Victim[], at: EpochMs, fits: (freed: Room) => boolean): readonly Victim[] | null {
  const ordered = leastHarmFirst(candidates, at);
  let taken: readonly Victim[] = [];
  for (const next of ordered) {
    if (fits(freedBy(taken))) break;
    taken = [...taken, next];
  }
  if (!fits(freedBy(taken))) return null;
  for (const kept of [...taken].reverse()) {
    const fewer = taken.filter((victim) => victim !== kept);
    if (fits(freedBy(fewer))) taken = fewer;
  }
  return taken;
}

/** Pi ascending, then least lost work, then cheapest save, then id. */
export function leastHarmFirst(candidates: readonly Victim[], at: EpochMs): readonly Victim[] {
  const workOf = ({ instance }: Victim): number => (instance.observed === 'preparing' ? 0 : Math.max(0, at - instance.since));
  return [...candidates].sort(
    (a, b) => comparePi(a.instance.pi, b.instance.pi) || workOf(a) - workOf(b) || a.saveMs - b.saveMs || compareText(a.instance.id, b.instance.id),
  );
}

/** What a set does to its slave's guests. */
export interface Harm {
  /** The highest Pi in it. */
  readonly highest: number;
  readonly count: number;
  readonly saveMs: number;
  readonly slaveId: string;
}

export function harmOf({ slaveId, victims }: { readonly slaveId: string; readonly victims: readonly Victim[] }): Harm {
  return { slaveId, highest: Math.max(...victims.map(({ instance }) => instance.pi)), count: victims.length, saveMs: victims.reduce((sum, { saveMs }) => sum + saveMs, 0) };
}

/** Between slaves: the set with the lowest highest Pi, then fewest VMs, then cheapest total save, then the slave's id. */
export function compareHarm(a: Harm, b: Harm): number {
  return comparePi(a.highest, b.highest) || a.count - b.count || a.saveMs - b.saveMs || compareText(a.slaveId, b.slaveId);
}

/**
 * Best-effort of a slave that could be told to go at some time of the day, lowest Pi first. Put in order once for each list
 * of who runs there: most slaves are as they were when somebody looks for room again.
 */
export function weakestFirst(slave: SlaveNow): readonly Victim[] {
  const known = ordered.get(slave.running);
  if (known?.saveMiBPerSecond === slave.view.saveMiBPerSecond) return known.victims;
  const victims = [...suspendableOn(slave, Infinity)].sort((a, b) => comparePi(a.instance.pi, b.instance.pi));
  ordered.set(slave.running, { saveMiBPerSecond: slave.view.saveMiBPerSecond, victims });
  return victims;
}

/** Saves are as long as the slave was measured to be when they were put in order. */
const ordered = new WeakMap<SlaveNow['running'], { readonly saveMiBPerSecond: number; readonly victims: readonly Victim[] }>();

export function freedBy(victims: readonly Victim[]): Room {
  return victims.map(({ instance }) => compute(instance.need)).reduce(add, noRoom);
}
