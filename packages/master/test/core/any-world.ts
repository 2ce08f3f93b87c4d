import fc from 'fast-check';
import { plan, type Plan, type Policies } from '../../src/core/plan';
import { at, fifo, para, priority, rules } from '../../src/core/small-world.model';
import { add, compute, noRoom, type Booking, type Room, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from '../../src/core/snapshot';

/** Any world at all, likely or not, for tests of one round in it. */

export const now = at(9);
export const minuteMs = 60_000;

const size: fc.Arbitrary<Room> = fc.record({
  vcpus: fc.integer({ min: 1, max: 4 }),
  ramMiB: fc.constantFrom(256, 1024, 3000),
  diskMiB: fc.constantFrom(500, 2000),
  bandwidthMbps: fc.constantFrom(0, 0, 50),
});
/** Of a slave, or what is asked of one. */
const speed = fc.constantFrom({}, {}, { speed: 0.5 }, { speed: 1 }, { speed: 2 });
// Few, so that some are equal, and one that differs only beyond six decimals.
const pi = fc.constantFrom(6.5, 7, 7.000_000_1, 7.5, 8, 9);
const moment = fc.integer({ min: -30, max: 90 }).map((minutes) => now + minutes * minuteMs);

const runningOn = (slaveId: string, index: number): fc.Arbitrary<RunningInstance> =>
  fc.record({
    id: fc.constant(`${slaveId}-guest-${String(index)}`),
    name: fc.constant('guest'),
    type: fc.constantFrom('BE', 'BE', 'AR'),
    userId: fc.constant('user'),
    groupId: fc.constantFrom(null, 'group'),
    generation: fc.constant(1),
    observed: fc.constantFrom('running', 'running', 'preparing', 'booting', 'resuming', 'suspending', 'stopping', 'lost', 'failed'),
    need: size,
    pi,
    since: moment,
    endsAt: fc.option(moment, { nil: null }),
    leaving: fc.constantFrom(false, false, false, true),
    sparedUntil: fc.constantFrom(null, null, null, now + 60 * minuteMs, now - minuteMs),
  });
const bookingOn = (slaveId: string, index: number): fc.Arbitrary<Booking> =>
  fc.tuple(moment, fc.integer({ min: 1, max: 120 }), size, fc.constantFrom(null, null, `${slaveId}-guest-0`, 'waits-0', 'waits-1')).map(([start, minutes, need, instanceId]) => ({
    reservationId: `${slaveId}-r-${String(index)}`, ownerName: 'CL II', slot: index, start, end: start + minutes * minuteMs, need, instanceId,
  }));
const several = <T>(most: number, one: (index: number) => fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc.integer({ min: 0, max: most }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => one(index))));

const slaveOf = (index: number): fc.Arbitrary<SlaveView> => {
  const id = `slave-${String(index)}`;
  return fc
    .record({
      kind: fc.constantFrom('dedicated' as const, 'volunteer' as const),
      contributing: fc.boolean(),
      registeredAt: fc.nat({ max: 3 }),
      admission: fc.constantFrom('approved', 'approved', 'approved', 'approved', 'pending', 'draining', 'quarantined', 'retired'),
      liveness: fc.constantFrom('online', 'online', 'online', 'online', 'suspect', 'lost'),
      connected: fc.constantFrom(true, true, true, false),
      hypervisor: fc.record({ usable: fc.constantFrom(true, true, true, false), why: fc.constant('because') }),
      troubles: fc.constantFrom([], [], [], ['its disk is full.']),
      clockWrong: fc.constantFrom(null, null, null, 'Its clock is wrong.'),
      capacity: fc.record({ vcpus: fc.integer({ min: 0, max: 10 }), ramMiB: fc.integer({ min: 0, max: 9000 }), diskMiB: fc.integer({ min: 0, max: 20_000 }), bandwidthMbps: fc.constantFrom(0, 100, 1000) }),
      speed,
      poolAvailableMiB: fc.integer({ min: 0, max: 20_000 }),
      running: several(5, (guest) => runningOn(id, guest)),
      bookings: several(4, (slot) => bookingOn(id, slot)),
      cleaning: fc.option(size, { nil: noRoom, freq: 4 }),
      saveMiBPerSecond: fc.constantFrom(10, 40, 200),
    })
    .map(({ cleaning, speed: fast, ...facts }) => ({ id, name: `lab-${String(index % 2)}`, ...facts, capacity: { ...facts.capacity, ...fast }, ...inSlots(facts), promised: facts.running.map(({ need }) => need).reduce(add, cleaning) }));
};

/** Who runs in a slot is reserved, and in one only; its disk is there, and it stays. */
function inSlots({ running, bookings }: Pick<SlaveView, 'running' | 'bookings'>): Pick<SlaveView, 'running' | 'bookings'> {
  const once = bookings.map((slot, index): Booking => (bookings.findIndex(({ instanceId }) => instanceId === slot.instanceId) < index ? { ...slot, instanceId: null } : slot));
  return {
    running: running.map((guest) => (once.some(({ instanceId }) => instanceId === guest.id) ? { ...guest, type: 'AR', leaving: false } : guest)),
    bookings: once.map((slot) => (running.some(({ id }) => id === slot.instanceId) ? { ...slot, need: compute(slot.need) } : slot)),
  };
}

const waiterOf = (index: number): fc.Arbitrary<WaitingInstance> =>
  fc
    .record({
      type: fc.constantFrom('BE' as const, 'BE' as const, 'BE' as const, 'AR' as const),
      need: fc.tuple(size, speed).map(([need, fast]) => ({ ...need, ...fast })),
      pi,
      ras: fc.constantFrom(0 as const, 1 as const),
      createdAt: fc.nat({ max: 3 }),
      waitsSince: fc.integer({ min: -8, max: 0 }).map((quarters) => now + quarters * 15 * minuteMs),
      runMs: fc.option(fc.integer({ min: 1, max: 120 }).map((minutes) => minutes * minuteMs), { nil: null }),
      attempts: fc.array(
        fc.record({
          slaveId: fc.nat({ max: 3 }).map((number) => `slave-${String(number)}`),
          slaveName: fc.constant('lab'),
          code: fc.constantFrom('LaunchFailed' as const, 'ImageCorrupt' as const, null),
          sentence: fc.constantFrom('It failed.', null, 'x'.repeat(1000)),
          cleaning: fc.boolean(),
        }),
        { maxLength: 2 },
      ),
      boundTo: fc.constantFrom(null, null, 'slave-0', 'slave-1'),
      nominatedTo: fc.constantFrom(null, null, null, 'slave-0', 'slave-1'),
      spared: fc.constantFrom(false, false, false, true),
    })
    .map(({ pi: value, ras, ...facts }) => ({
      id: `waits-${String(index)}`, name: `waits-${String(index)}`, userId: 'user', groupId: null, generation: 1, booking: null, reason: null, priority: priority(value, { ras }),
      ...facts,
      need: facts.boundTo === null ? facts.need : compute(facts.need),
      nominatedTo: facts.boundTo === null || facts.nominatedTo === null ? facts.nominatedTo : facts.boundTo,
    }));

export interface Site {
  readonly snapshot: Snapshot;
  readonly queue: readonly WaitingInstance[];
  readonly ordering: 'para' | 'fifo';
}

/** Who was claimed from a slot that has begun has it; others that wait are in none (`world-loader`). */
function claimed(slaves: readonly SlaveView[], waiters: readonly WaitingInstance[]): Pick<Site, 'queue'> & { readonly slaves: readonly SlaveView[] } {
  const queue = waiters.map((instance): WaitingInstance => {
    const [found] = slaves.flatMap(({ id, bookings }) => bookings.filter(({ instanceId, start, end }) => instanceId === instance.id && start <= now && end > now).map((slot) => ({ slot, slaveId: id })));
    if (instance.type === 'BE' || found === undefined) return { ...instance, type: 'BE' };
    const { slot: { reservationId, start, end }, slaveId } = found;
    return { ...instance, runMs: end - now, booking: { reservationId, slaveId, start, end } };
  });
  const inIt = ({ reservationId, instanceId }: Booking): boolean => queue.every(({ id }) => id !== instanceId) || queue.some(({ id, booking }) => id === instanceId && booking?.reservationId === reservationId);
  return { queue, slaves: slaves.map((slave) => ({ ...slave, bookings: slave.bookings.map((slot) => (inIt(slot) ? slot : { ...slot, instanceId: null })) })) };
}

export const site: fc.Arbitrary<Site> = fc
  .record({
    slaves: several(4, slaveOf),
    queue: several(7, waiterOf),
    criticalShare: fc.constantFrom(0, 0.05, 0.3),
    shortestLoanMs: fc.constantFrom(0, 5 * minuteMs),
    ordering: fc.constantFrom('para', 'para', 'fifo'),
  })
  .map(({ slaves: listed, queue: waiters, criticalShare, shortestLoanMs, ordering }) => {
    const { slaves, queue } = claimed(listed, waiters);
    return { snapshot: { slaves, rules: { ...rules, criticalShare, shortestLoanMs }, lastPlacedOn: null }, queue, ordering };
  });

export const policies: Readonly<Record<Site['ordering'], Policies>> = { para, fifo };
export const round = ({ snapshot, queue, ordering }: Site): Plan => plan(snapshot, queue, policies[ordering], now);
