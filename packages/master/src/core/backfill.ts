import type { EpochMs } from '@paravcl/shared/clock';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { comingTimeline, couldTake, leastRunMs } from './forecast';
import { takesPart, type SlaveNow } from './room-now';
import { compute, type Room, type Rules, type WaitingInstance } from './snapshot';

/**
 * EASY backfill (Lifka, "The ANL/IBM SP Scheduling System", 1995): whoever waits first for room is the *head*, and has a
 * reservation of its earliest start, as running instances, nominations and reservations let it be foreseen. Whoever stands
 * behind it may start only where that start does not move: it is over by then, or what it takes is not needed then.
 */
export interface Head {
  readonly instance: WaitingInstance;
  /** Its earliest start; now or past where it waits only for those who are leaving. */
  readonly startsAt: EpochMs;
  /** Where it fits then. */
  readonly slaveIds: readonly string[];
  /** What the pool will have free then beyond its size and the critical limit; null where nothing is always kept free. */
  readonly spare: CoresAndRam | null;
  readonly at: EpochMs;
  readonly rules: Rules;
}

type CoresAndRam = Pick<Room, 'vcpus' | 'ramMiB'>;

/** A slave that could take the one that waits once it has room, and why it cannot now. */
export interface LacksRoom {
  readonly slave: SlaveNow;
  readonly code: ReasonCode;
}

/**
 * The head that one who waits is: best-effort that lacks nothing but room on some slave, with a start in sight. Null for
 * what no forecast knows: nothing that is in the way has an end, the slaves that have the room are out of reach, or its own
 * deployment has to boot first.
 */
export function headOf(instance: WaitingInstance, lacking: readonly LacksRoom[], slaves: readonly SlaveNow[], at: EpochMs, rules: Rules): Head | null {
  if (instance.type === 'AR' || lacking.some(({ code }) => code === 'PreparingOthers')) return null;
  const pool = poolStart(instance, slaves, at, rules);
  if (pool === null) return null;
  const need = compute(instance.need);
  const starts = lacking.flatMap(({ slave, code }) => {
    if (!takesPart(slave.view) || !couldTake(slave, instance)) return [];
    const start = comingTimeline(slave, at, instance.id).firstFit(need, leastRunMs(instance, rules), pool.from, at + rules.horizonMs);
    if (start === null) return [];
    // There is room and it was refused: it waits for those who are leaving, else for something that nobody can foresee.
    const leavers = code === 'CriticalLimit' ? slaves : [slave];
    return start > at || leavers.some(({ view, freeing }) => takesPart(view) && (freeing.vcpus > 0 || freeing.ramMiB > 0 || freeing.bandwidthMbps > 0)) ? [{ slaveId: slave.view.id, start }] : [];
  });
  if (starts.length === 0) return null;
  const startsAt = starts.reduce((earliest, { start }) => Math.min(earliest, start), Infinity);
  const spare = pool.keeps === null ? null : without(poolFree(slaves, startsAt, at, instance.id), pool.keeps);
  return { instance, startsAt, slaveIds: starts.filter(({ start }) => start === startsAt).map(({ slaveId }) => slaveId), spare, at, rules };
}

/**
 * Whether giving something to one behind the head on this slave may move its start at all; where not, nobody has to be asked.
 */
export function mayMoveHead({ slaveIds, spare }: Head): (slaveId: string) => boolean {
  if (spare !== null || slaveIds.length === 0) return () => true;
  const where = new Set(slaveIds);
  return (slaveId) => where.has(slaveId);
}

/** Whether the head still starts as early if a slave becomes so. */
export function leavesHead(head: Head, before: SlaveNow, after: SlaveNow): boolean {
  const { slaveIds, spare } = headAfter(head, before, after);
  return slaveIds.length > 0 && (spare === null || (spare.vcpus >= 0 && spare.ramMiB >= 0));
}

/** The head once a slave has become so: where it still fits at its start, and what is left of the pool's spare room. */
export function headAfter(head: Head, before: SlaveNow, after: SlaveNow): Head {
  const { instance, startsAt, slaveIds, spare, at } = head;
  const lost = slaveIds.includes(after.view.id) && !fitsAtStart(after, head);
  const gained = spare === null || !takesPart(after.view) ? null : without(freeAt(after, startsAt, at, instance.id), freeAt(before, startsAt, at, instance.id));
  return {
    ...head,
    slaveIds: lost ? slaveIds.filter((id) => id !== after.view.id) : slaveIds,
    spare: spare === null || gained === null ? spare : { vcpus: spare.vcpus + gained.vcpus, ramMiB: spare.ramMiB + gained.ramMiB },
  };
}

function fitsAtStart(slave: SlaveNow, { instance, startsAt, at, rules }: Head): boolean {
  const start = Math.max(at, startsAt);
  return couldTake(slave, instance) && comingTimeline(slave, at, instance.id).fits({ start, end: start + leastRunMs(instance, rules) }, compute(instance.need));
}

/**
 * From when on the pool has its size free beside the critical limit. Guests only end: once that is so it stays so, and
 * between two ends nothing changes.
 */
function poolStart({ id, need }: WaitingInstance, slaves: readonly SlaveNow[], at: EpochMs, { criticalShare }: Rules): { readonly from: EpochMs; readonly keeps: CoresAndRam | null } | null {
  const taking = slaves.filter(({ view }) => takesPart(view));
  const kept = (dimension: 'vcpus' | 'ramMiB'): number => Math.floor(taking.reduce((sum, { view }) => sum + view.capacity[dimension], 0) * criticalShare);
  const [vcpus, ramMiB] = [kept('vcpus'), kept('ramMiB')];
  if (vcpus === 0 && ramMiB === 0) return { from: at, keeps: null };
  const keeps = { vcpus: vcpus + need.vcpus, ramMiB: ramMiB + need.ramMiB };
  const suffices = (moment: EpochMs): boolean => {
    const { vcpus: spareVcpus, ramMiB: spareRamMiB } = without(poolFree(taking, moment, at, id), keeps);
    return spareVcpus >= 0 && spareRamMiB >= 0;
  };
  if (suffices(at)) return { from: at, keeps };
  const ends = taking
    .flatMap(({ running, nominated }) => [...running.map(({ endsAt }) => endsAt ?? at), ...[...nominated.values()].map(({ runMs }) => at + (runMs ?? 0))])
    .filter((end) => end > at)
    .sort((a, b) => a - b);
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (suffices(ends[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  const from = ends[low];
  return from === undefined ? null : { from, keeps };
}

function poolFree(slaves: readonly SlaveNow[], moment: EpochMs, at: EpochMs, askingId: string): CoresAndRam {
  return slaves
    .filter(({ view }) => takesPart(view))
    .map((slave) => freeAt(slave, moment, at, askingId))
    .reduce((a, b) => ({ vcpus: a.vcpus + b.vcpus, ramMiB: a.ramMiB + b.ramMiB }), { vcpus: 0, ramMiB: 0 });
}

/** Cores and RAM that nobody has there at that moment, whatever is reserved: what the critical limit is counted from. */
function freeAt({ view: { capacity }, running, nominated }: SlaveNow, moment: EpochMs, at: EpochMs, askingId: string): CoresAndRam {
  const guests = running.filter(({ endsAt }) => endsAt === null || Math.max(at + 1, endsAt) > moment).map(({ need }) => need);
  const nominees = [...nominated.values()].filter(({ id, runMs }) => id !== askingId && (runMs === null || at + runMs > moment)).map(({ need }) => need);
  const taken = (dimension: 'vcpus' | 'ramMiB'): number => [...guests, ...nominees].reduce((sum, need) => sum + need[dimension], 0);
  return { vcpus: Math.max(0, capacity.vcpus - taken('vcpus')), ramMiB: Math.max(0, capacity.ramMiB - taken('ramMiB')) };
}

const without = (a: CoresAndRam, b: CoresAndRam): CoresAndRam => ({ vcpus: a.vcpus - b.vcpus, ramMiB: a.ramMiB - b.ramMiB });
