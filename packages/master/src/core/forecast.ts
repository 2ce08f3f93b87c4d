import type { EpochMs } from '@paravcl/shared/clock';
import { Timeline, type Lease } from './calendar';
import { bookedDiskMiB, slaveNow, takesPart, unpromised } from './room-now';
import { compute, within, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/**
 * When each who waits fits at the latest, if nobody extends, cancels or comes with a higher priority: in the order of
 * service each takes the first place that running instances (until their ends) and reservations leave for as long as
 * the shortest loan, and holds it for those behind. Null for whom no end is in sight: no slave is large enough or left
 * to try, or what is in the way has no end. Disks are that: they stay when their guests go, until somebody deletes them.
 *
 * @param waiting in the order of service
 */
export function forecast(snapshot: Snapshot, waiting: readonly WaitingInstance[], at: EpochMs): ReadonlyMap<string, EpochMs | null> {
  const { shortestLoanMs, horizonMs } = snapshot.rules;
  let timelines: ReadonlyMap<string, Timeline> = new Map(snapshot.slaves.filter(takesPart).map((slave) => [slave.id, timelineOf(slave, at)]));
  let disks: ReadonlyMap<string, number> = new Map(snapshot.slaves.map((slave) => [slave.id, unpromised(slaveNow(slave)).diskMiB]));
  const starts = new Map<string, EpochMs | null>();
  for (const instance of waiting) {
    const could = new Set(snapshot.slaves.filter((slave) => couldTake(slave, instance, disks.get(slave.id) ?? 0)).map(({ id }) => id));
    const asked = [...timelines].filter(([id]) => could.has(id));
    const need = compute(instance.need);
    const length = Math.max(1, Math.min(shortestLoanMs, instance.runMs ?? shortestLoanMs));
    const found = asked
      .flatMap(([id, timeline]) => {
        const start = timeline.firstFit(need, length, at, at + horizonMs);
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

/** Whether the slave is one for it at all; what runs there now is not asked about. */
function couldTake(slave: SlaveView, { id, type, booking, need, boundTo, attempts }: WaitingInstance, diskMiB: number): boolean {
  if (boundTo !== null && slave.id !== boundTo) return false;
  if (attempts.some(({ slaveId, sentence }) => slaveId === slave.id && sentence !== null)) return false;
  return within(need, slave.capacity) && (need.diskMiB === 0 || need.diskMiB <= diskMiB - bookedDiskMiB(slaveNow(slave), { id, type, booking }));
}

/** Everything that holds cores there, best-effort too, for nobody gives way in a forecast. */
function timelineOf({ capacity, running, bookings }: SlaveView, at: EpochMs): Timeline {
  const slots = new Set(bookings.flatMap(({ instanceId }) => instanceId ?? []));
  const guests: readonly Lease[] = running
    .filter(({ id, leaving }) => !leaving && !slots.has(id))
    .map(({ need, endsAt }) => ({ start: at, end: endsAt === null ? Infinity : Math.max(at + 1, endsAt), need: compute(need) }));
  return Timeline.of(compute(capacity), [...guests, ...bookings.map(({ start, end, need }) => ({ start, end, need: compute(need) }))]);
}
