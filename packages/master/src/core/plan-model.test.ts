import fc from 'fast-check';
import { plan, type Decision, type Plan, type Policies } from './plan';
import { bookedDiskMiB, poolTotals, slaveNow, type SlaveNow } from './room-now';
import { at, fifo, para, priority, rules } from './small-world.model';
import { add, compute, noRoom, type Booking, type Room, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/** Any world at all, likely or not, and one round in it. */

const now = at(9);
const minuteMs = 60_000;
const dimensions = ['vcpus', 'ramMiB', 'diskMiB', 'bandwidthMbps'] as const;

const size: fc.Arbitrary<Room> = fc.record({
  vcpus: fc.integer({ min: 1, max: 4 }),
  ramMiB: fc.constantFrom(256, 1024, 3000),
  diskMiB: fc.constantFrom(500, 2000),
  bandwidthMbps: fc.constantFrom(0, 0, 50),
});
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
      poolAvailableMiB: fc.integer({ min: 0, max: 20_000 }),
      running: several(5, (guest) => runningOn(id, guest)),
      bookings: several(4, (slot) => bookingOn(id, slot)),
      cleaning: fc.option(size, { nil: noRoom, freq: 4 }),
      saveMiBPerSecond: fc.constantFrom(10, 40, 200),
    })
    .map(({ cleaning, ...facts }) => ({ id, name: `lab-${String(index % 2)}`, ...facts, ...inSlots(facts), promised: facts.running.map(({ need }) => need).reduce(add, cleaning) }));
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
      need: size,
      pi,
      ras: fc.constantFrom(0 as const, 1 as const),
      createdAt: fc.nat({ max: 3 }),
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

interface Site {
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

const site: fc.Arbitrary<Site> = fc
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

const policies: Readonly<Record<Site['ordering'], Policies>> = { para, fifo };
const round = ({ snapshot, queue, ordering }: Site): Plan => plan(snapshot, queue, policies[ordering], now);
const given = (decisions: readonly Decision[], slaveId: string): readonly WaitingInstance[] =>
  decisions.filter((decision) => (decision.kind === 'place' || decision.kind === 'resume') && decision.slaveId === slaveId).map(({ instance }) => instance);
const sum = (rooms: readonly { readonly need: Room }[]): Room => rooms.map(({ need }) => need).reduce(add, noRoom);

/** The world after a round, with everybody gone who was told to go, and what was left behind cleaned away. */
function carriedOut({ slaves, ...rest }: Snapshot, { recalls, decisions }: Plan): Snapshot {
  const gone = new Set([...recalls, ...decisions.filter((decision) => decision.kind === 'preempt')].flatMap(({ victims }) => victims.map(({ instance }) => instance.id)));
  return {
    ...rest,
    slaves: slaves.map((slave) => {
      const joined = given(decisions, slave.id);
      const running = [
        ...slave.running.filter(({ id, leaving }) => !leaving && !gone.has(id)),
        ...joined.map(({ id, name, type, userId, groupId, generation, need, priority: { pi: value }, runMs, spared }): RunningInstance => ({
          id, name, type, userId, groupId, generation, need, observed: 'preparing', pi: value, since: now, endsAt: runMs === null ? null : now + runMs, leaving: false, sparedUntil: spared ? Infinity : null,
        })),
      ];
      const diskMiB = slave.promised.diskMiB + sum(joined).diskMiB;
      return { ...slave, running, promised: { ...sum(running), diskMiB }, poolAvailableMiB: slave.poolAvailableMiB - sum(joined).diskMiB };
    }),
  };
}

describe('a round of the scheduler', () => {
  it('never promises more of anything than a slave has', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { decisions } = round(world);
        for (const slave of world.snapshot.slaves) {
          const joined = given(decisions, slave.id);
          const wanted = sum(joined);
          const after = add(slave.promised, wanted);
          for (const dimension of dimensions) if (wanted[dimension] > 0) expect(after[dimension]).toBeLessThanOrEqual(slave.capacity[dimension]);
          if (wanted.diskMiB > 0) expect(wanted.diskMiB).toBeLessThanOrEqual(slave.poolAvailableMiB);
          // Disk that slots will need cannot be called back.
          if (joined.some(({ type, need }) => type === 'BE' && need.diskMiB > 0)) {
            const placed: SlaveNow = { ...slaveNow(slave), promised: after };
            const booked = bookedDiskMiB({ ...placed, view: { ...slave, bookings: slave.bookings.filter(({ instanceId }) => !joined.some(({ id }) => id === instanceId)) } }, { id: '', type: 'BE', booking: null });
            expect(after.diskMiB + booked).toBeLessThanOrEqual(slave.capacity.diskMiB);
          }
        }
      }),
    );
  });

  it('leaves the critical limit to what is reserved', () => {
    fc.assert(
      fc.property(site, (world) => {
        const planned = round(world);
        if (!planned.decisions.some(({ kind, instance: { type } }) => type === 'BE' && (kind === 'place' || kind === 'resume'))) return;
        const after = world.snapshot.slaves.map((slave): SlaveNow => ({ ...slaveNow(slave), promised: add(slave.promised, sum(given(planned.decisions, slave.id))) }));
        const pool = poolTotals(after, world.snapshot.rules, { id: '', type: 'AR', booking: null });
        expect(pool.freeVcpus).toBeGreaterThanOrEqual(pool.keptVcpus);
        expect(pool.freeRamMiB).toBeGreaterThanOrEqual(pool.keptRamMiB);
      }),
    );
  });

  it('tells only best-effort to go, each once, none that is spared or leaves, and only for who outranks it', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { recalls, decisions } = round(world);
        const preemptions = decisions.filter((decision) => decision.kind === 'preempt');
        const victims = [...recalls, ...preemptions].flatMap((one) => one.victims.map(({ instance }) => instance));
        expect(new Set(victims.map(({ id }) => id)).size).toBe(victims.length);
        for (const { type, leaving, sparedUntil } of victims) expect([type, leaving, sparedUntil === null || sparedUntil <= now]).toEqual(['BE', false, true]);
        for (const decision of preemptions) {
          expect(decision.victims.length).toBeGreaterThan(0);
          if (decision.instance.type === 'AR') continue;
          expect(world.ordering).toBe('para');
          for (const { instance } of decision.victims) expect(Math.round(instance.pi * 1e6)).toBeLessThan(Math.round(decision.instance.priority.pi * 1e6));
        }
      }),
    );
  });

  it('has nobody suspended in vain: the one it is for starts once they are gone', () => {
    fc.assert(
      fc.property(site, (world) => {
        const planned = round(world);
        const preempting = planned.decisions.filter((decision) => decision.kind === 'preempt');
        // What is reserved goes before them.
        if (preempting.length === 0 || planned.decisions.some(({ kind, instance: { type } }) => type === 'AR' && kind === 'queue')) return;
        const nominated = planned.decisions.flatMap((decision) => {
          const where = decision.kind === 'preempt' ? decision.slaveId : decision.kind === 'queue' ? decision.nominatedTo : null;
          return where === null ? [] : [{ ...decision.instance, nominatedTo: where }];
        });
        const after = plan(carriedOut(world.snapshot, planned), nominated, policies[world.ordering], now).decisions;
        for (const { instance: { id } } of preempting) expect(after.find(({ instance }) => instance.id === id)?.kind).toMatch(/place|resume/);
      }),
    );
  });

  it('is the same for the same world, in whatever order slaves, guests and instances are listed', () => {
    const shape = ({ recalls, decisions, dueAt }: Plan): unknown => [
      [...recalls].map(({ slaveId, victims }) => [slaveId, victims.map(({ instance }) => instance.id)]),
      decisions.map((decision) => [decision.instance.id, decision.kind, 'slaveId' in decision ? decision.slaveId : decision.reason.code, 'victims' in decision ? decision.victims.map(({ instance }) => instance.id) : []]),
      dueAt,
    ];
    fc.assert(
      fc.property(site, (world) => {
        const { snapshot, queue, ordering } = world;
        const turned = { ...snapshot, slaves: [...snapshot.slaves].reverse().map((slave) => ({ ...slave, running: [...slave.running].reverse() })) };
        expect(shape(round({ snapshot: turned, queue: [...queue].reverse(), ordering }))).toEqual(shape(round(world)));
        expect(round(world)).toEqual(round(world));
      }),
    );
  });

  it('answers every waiting instance once, with sentences that can be stored', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { recalls, decisions } = round(world);
        expect(decisions.map(({ instance }) => instance.id).sort()).toEqual(world.queue.map(({ id }) => id).sort());
        const sentences = [
          ...decisions.flatMap((decision) => ('sentence' in decision ? [decision.sentence] : [decision.reason.sentence])),
          ...decisions.flatMap((decision) => decision.considered.flatMap(({ refused }) => refused?.sentence ?? [])),
          ...decisions.flatMap((decision) => (decision.kind === 'preempt' ? decision.victims.map(({ sentence }) => sentence) : [])),
          ...recalls.flatMap(({ sentence, victims }) => [sentence, ...victims.map((victim) => victim.sentence)]),
        ];
        for (const sentence of sentences) {
          expect(sentence.length).toBeGreaterThan(0);
          expect(sentence.length).toBeLessThanOrEqual(1000);
          expect(sentence).not.toMatch(/undefined|null|NaN|Infinity/);
        }
      }),
    );
  });

  it('is due again only later', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { dueAt } = round(world);
        if (dueAt !== null) expect(dueAt).toBeGreaterThan(now);
      }),
    );
  });
});
