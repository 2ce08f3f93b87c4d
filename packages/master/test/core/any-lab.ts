import fc from 'fast-check';
import { booking, priority, room, running, slave, waiting, world } from '../../src/core/small-world.model';
import type { SlaveView, WaitingInstance } from '../../src/core/snapshot';
import { minuteMs, now, type Site } from './any-world';

/** Labs as they are on most days: many hosts that are alike and well, with room on some, and many who ask for one of few sizes. */

const inQuarters = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max }).map((quarters) => quarters * 15 * minuteMs);
const pi = fc.constantFrom(6, 7, 8, 9);

const guest = fc.record({ vcpus: fc.integer({ min: 1, max: 3 }), pi, endsIn: fc.option(inQuarters(1, 8), { nil: null }), ranFor: inQuarters(0, 4), leaving: fc.constantFrom(false, false, false, true) });
const slot = fc.record({ vcpus: fc.integer({ min: 1, max: 4 }), startsIn: inQuarters(-2, 12), lasts: inQuarters(1, 6) });

const host = fc.record({
  guests: fc.array(guest, { maxLength: 4 }),
  slots: fc.oneof({ weight: 3, arbitrary: fc.array(slot, { maxLength: 0 }) }, { weight: 1, arbitrary: fc.array(slot, { maxLength: 2 }) }),
  // Overcommitted cores need not be whole.
  vcpus: fc.constantFrom(8, 8, 8, 4.4, 6.6),
  facts: fc.record({
    kind: fc.constantFrom('dedicated' as const, 'dedicated' as const, 'volunteer' as const),
    contributing: fc.boolean(),
    registeredAt: fc.nat({ max: 3 }),
    saveMiBPerSecond: fc.constantFrom(20, 100),
    connected: fc.constantFrom(true, true, true, true, true, false),
  }),
  speed: fc.constantFrom(1, 1, 0.5),
  name: fc.nat({ max: 9 }),
});

export const labHosts: fc.Arbitrary<readonly SlaveView[]> = fc.array(host, { minLength: 6, maxLength: 9 }).map((hosts) =>
  hosts.map(({ guests, slots, vcpus, facts, speed, name }, index) => {
    const id = `host-${String(index)}`;
    return slave(id, {
      ...facts,
      name: `lab-${String(name)}`,
      capacity: { ...room(8, { diskMiB: 100_000, bandwidthMbps: 1000 }), vcpus, speed },
      running: guests.map(({ vcpus: cores, pi: itsPi, endsIn, ranFor, leaving }, number) =>
        running(`${id}-${String(number)}`, cores, { pi: itsPi, endsAt: endsIn === null ? null : now + endsIn, since: now - ranFor, leaving })),
      bookings: slots.map(({ vcpus: cores, startsIn, lasts }, number) => booking(`${id}-r${String(number)}`, cores, now + startsIn, now + startsIn + lasts, { slot: number })),
    });
  }));

const deployment = fc.record({ id: fc.constantFrom('cl-1', 'cl-2'), name: fc.constant('CL'), slaveIds: fc.option(fc.subarray(['host-0', 'host-2', 'host-3', 'host-5', 'gone']), { nil: null }), perHostLimit: fc.integer({ min: 1, max: 2 }) });
const waiter = fc.record({
  deployment: fc.option(deployment, { nil: undefined, freq: 2 }),
  attempts: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant([{ slaveId: 'host-1', slaveName: 'lab-1', code: null, sentence: null, cleaning: true }]) }),
  spared: fc.constantFrom(false, false, false, false, true),
  nominatedTo: fc.constantFrom(null, null, null, null, 'host-2', 'host-4'),
  large: fc.constantFrom(false, false, true),
  fast: fc.constantFrom(false, false, false, true),
  pi,
  waited: inQuarters(0, 20),
  runMs: fc.option(inQuarters(1, 8), { nil: null }),
});

export const labQueue: fc.Arbitrary<readonly WaitingInstance[]> = fc.array(waiter, { minLength: 1, maxLength: 14 }).map((all) =>
  all.map(({ large, fast, pi: itsPi, waited, ...facts }, index) => {
    const vcpus = large ? 3 : 1;
    return waiting(`waits-${String(index)}`, vcpus, { need: room(vcpus, fast ? { speed: 1 } : {}), priority: priority(itsPi), createdAt: now - waited, ...facts });
  }));

export const lab: fc.Arbitrary<Site> = fc
  .record({ slaves: labHosts, queue: labQueue, criticalShare: fc.constantFrom(0, 0, 0.1), ordering: fc.constantFrom('para', 'para', 'fifo') })
  .map(({ slaves, queue, criticalShare, ordering }) => ({ snapshot: world(slaves, { criticalShare }), queue, ordering }));
