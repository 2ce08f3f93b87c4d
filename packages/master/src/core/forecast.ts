import type { EpochMs } from '@paravcl/shared/clock';
import { Timeline, type Lease } from './calendar';
import { bookedDiskMiB, slaveNow, takesPart, unpromised, type SlaveNow } from './room-now';
import { compute, within, type Rules, type Snapshot, type WaitingInstance } from './snapshot';

/**
 * When each who waits fits at the latest, if nobody extends, cancels or comes with a higher priority: in the order of
 * service each takes the first place that running instances (until their ends) and reservations leave for as long as
 * the shortest loan, and holds it for those behind. Null for whom no end is in sight: no slave is large enough or left
 * to try, or what is in the way has no end. Disks are that: they stay when their guests go, until somebody deletes them.
 *
 * @param waiting in the order of service
 */
export function forecast(snapshot: Snapshot, waiting: readonly WaitingInstance[], at: EpochMs): ReadonlyMap<string, EpochMs | null> {
  const { rules } = snapshot;
  const slaves = snapshot.slaves.map(slaveNow);
  let timelines: ReadonlyMap<string, Timeline> = new Map(slaves.filter(({ view }) => takesPart(view)).map((slave) => [slave.view.id, comingTimeline(slave, at)]));
  let disks: ReadonlyMap<string, number> = new Map(slaves.map((slave) => [slave.view.id, unpromised(slave).diskMiB]));
  const starts = new Map<string, EpochMs | null>();
  for (const instance of waiting) {
    const could = new Set(slaves.filter((slave) => couldTake(slave, instance, disks.get(slave.view.id) ?? 0)).map(({ view }) => view.id));
    const asked = [...timelines].filter(([id]) => could.has(id));
    const need = compute(instance.need);
    const found = asked
      .flatMap(([id, timeline]) => {
        const start = timeline.firstFit(need, leastRunMs(instance, rules), at, at + rules.horizonMs);
        return start === null ? [] : [{ id, timeline, start }];
      })
      .sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))[0];
    starts.set(instance.id, found?.start ?? null);
    if (found === undefined) continue;
    const end = instance.runMs === null ? Infinity : found.start + instance.runMs;
    timelines = new Map([...timelines, [found.id, found.timeline.withLease({ start: found.start, end, need })]]);
    disks = new Map([...disks, [found.id, (disks.get(found.id) ?? 0) - instance.need.diskMiB]]);
  }
  return starts;
}

/** For so long it has to find room to begin: all its time, if nobody may suspend it again today. */
export function leastRunMs({ runMs, spared }: Pick<WaitingInstance, 'runMs' | 'spared'>, { shortestLoanMs }: Pick<Rules, 'shortestLoanMs'>): number {
  return Math.max(1, spared ? (runMs ?? Infinity) : Math.min(shortestLoanMs, runMs ?? shortestLoanMs));
}

/**
 * Whether the slave is one for it at all; what runs there now is not asked about.
 *
 * @param diskMiB that is not promised there
 */
export function couldTake(slave: SlaveNow, { id, type, booking, need, boundTo, attempts }: WaitingInstance, diskMiB = unpromised(slave).diskMiB): boolean {
  const { view } = slave;
  if (boundTo !== null && view.id !== boundTo) return false;
  if (attempts.some(({ slaveId, sentence }) => slaveId === view.id && sentence !== null)) return false;
  return within(need, view.capacity) && (need.diskMiB === 0 || need.diskMiB <= diskMiB - bookedDiskMiB(slave, { id, type, booking }));
}

/**
 * Everything that holds cores there, best-effort too, for nobody gives way in a forecast; what waits there for others to
 * go as if it ran, but for the one that asks.
 */
export function comingTimeline(slave: SlaveNow, at: EpochMs, askingId: string | null = null): Timeline {
  if (askingId !== null && slave.nominated.has(askingId)) return builtTimeline(slave, at, askingId);
  const known = timelines.get(slave);
  if (known?.at === at) return known.timeline;
  const timeline = builtTimeline(slave, at, null);
  timelines.set(slave, { at, timeline });
  return timeline;
}

/** Made once for each slave as it is at the moment, for all who ask about that moment. */
const timelines = new WeakMap<SlaveNow, { readonly at: EpochMs; readonly timeline: Timeline }>();

function builtTimeline({ view: { capacity, bookings }, running, nominated }: SlaveNow, at: EpochMs, askingId: string | null): Timeline {
  const slots = new Set(bookings.flatMap(({ instanceId }) => instanceId ?? []));
  const guests: readonly Lease[] = running
    .filter(({ id }) => !slots.has(id))
    .map(({ need, endsAt }) => ({ start: at, end: endsAt === null ? Infinity : Math.max(at + 1, endsAt), need: compute(need) }));
  const nominees: readonly Lease[] = [...nominated.values()]
    .filter(({ id }) => id !== askingId && !slots.has(id))
    .map(({ need, runMs }) => ({ start: at, end: runMs === null ? Infinity : at + runMs, need: compute(need) }));
  return Timeline.of(compute(capacity), [...guests, ...nominees, ...bookings.map(({ start, end, need }) => ({ start, end, need: compute(need) }))]);
}
