import fc from 'fast-check';
import { admit } from './admit';
import { asking, oversubscribed, written, type BookedSite } from './booked-site.model';
import { rehome, type Rehomed } from './rehome';
import { at, booking, room, slave, world } from './small-world.model';
import type { SlaveView } from './snapshot';

const now = at(9);
const site = (slaves: readonly SlaveView[], ...requests: Parameters<typeof asking>[]): BookedSite =>
  requests.reduce<BookedSite>((before, args, n) => written(before, asking(...args), admit(before.world, before.held, asking(...args), now), now + n), { world: world(slaves), held: [] });
const without = (before: BookedSite, lost: string, facts: Partial<SlaveView> = { liveness: 'lost' }): BookedSite => ({
  ...before, world: { ...before.world, slaves: before.world.slaves.map((one) => (one.id === lost ? { ...one, ...facts } : one)) },
});
const told = (answers: readonly Rehomed[]): unknown => answers.map(({ reservation, slots, atRisk }) => [reservation.id, slots.map(({ slot, to }) => `${slot} to ${to}`), atRisk.map(({ slot }) => slot)]);

describe('what is booked on a slave that does not count any more', () => {
  it('gets other slaves as far as there is room, and the rest is at risk', () => {
    const before = site([slave('a'), slave('b'), slave('c')], ['r', 3, 8, at(10), 2]);
    expect(told(rehome(before.world, before.held, now))).toEqual([]);
    const roomy = without(site([slave('a'), slave('b'), slave('c')], ['r', 2, 8, at(10), 2]), 'a');
    expect(told(rehome(roomy.world, roomy.held, now))).toEqual([['r', ['1 to c'], []]]);
    const full = without(before, 'b', { admission: 'draining' });
    expect(rehome(full.world, full.held, now)).toMatchObject([{ reservation: { id: 'r' }, slots: [], atRisk: [{ slot: 2, slaveId: 'b', slaveName: 'b' }] }]);
  });

  it('goes to the strongest reservation first, and nobody else is moved for it', () => {
    const before = site([slave('a'), slave('b')], ['weak', 1, 4, at(10), 2, { pi: 6 }], ['other', 1, 4, at(10), 2, { pi: 1 }], ['strong', 1, 4, at(10), 2, { pi: 9 }]);
    const after = without(before, 'a');
    // weak and strong were on a; beside the weakest of all there is room for one on b.
    expect(told(rehome(after.world, after.held, now))).toEqual([['strong', ['1 to b'], []], ['weak', [], [1]]]);
  });

  it('leaves alone what is claimed and what is over, and asks only for what is left of a window', () => {
    const bookings = [booking('r', 4, at(8), at(10), { slot: 1, instanceId: 'guest' }), booking('r', 4, at(8), at(10), { slot: 2 }), booking('gone', 4, at(7), at(8), { slot: 1 })];
    const one = { id: 'r', ownerName: 'r', state: 'active' as const, start: at(8), end: at(10), count: 2, need: room(4), pi: 8, moved: false, createdAt: 0, rules: asking('r', 1, 1, 0, 1).rules };
    const slaves = [slave('a', { liveness: 'lost', bookings }), slave('b', { bookings: [booking('x', 8, at(8), at(9))] })];
    expect(told(rehome(world(slaves), [one], now))).toEqual([['r', ['2 to b'], []]]);
  });

  it('never oversubscribes those that are left, and is the same in any order', () => {
    const size = fc.record({ count: fc.integer({ min: 1, max: 4 }), vcpus: fc.integer({ min: 1, max: 4 }), hour: fc.integer({ min: 10, max: 12 }), hours: fc.integer({ min: 1, max: 3 }), pi: fc.integer({ min: 5, max: 9 }) });
    fc.assert(
      fc.property(fc.array(size, { maxLength: 12 }), fc.integer({ min: 0, max: 2 }), (sizes, lost) => {
        const requests = sizes.map(({ count, vcpus, hour, hours, pi }, n) => [`r${n}`, count, vcpus, at(hour), hours, { pi }] as Parameters<typeof asking>);
        const before = without(site([slave('s0'), slave('s1'), slave('s2')], ...requests), `s${lost}`);
        const answers = rehome(before.world, before.held, now);
        const slaves = [...before.world.slaves].reverse();
        expect(rehome({ ...before.world, slaves }, [...before.held].reverse(), now)).toEqual(answers);
        const to = new Map(answers.flatMap(({ reservation, slots }) => slots.map(({ slot, to: slaveId }) => [`${reservation.id} ${slot}`, slaveId])));
        const all = before.world.slaves.flatMap(({ id, bookings }) => bookings.map((one) => ({ one, slaveId: to.get(`${one.reservationId} ${one.slot}`) ?? id })));
        const after = before.world.slaves.map((view) => ({ ...view, bookings: all.filter(({ slaveId }) => slaveId === view.id).map(({ one }) => one) }));
        expect(oversubscribed({ ...before, world: { ...before.world, slaves: after } })).toEqual([]);
        for (const slaveId of to.values()) expect(slaveId).not.toBe(`s${lost}`);
        const stranded = before.world.slaves.find(({ id }) => id === `s${lost}`)?.bookings.length ?? 0;
        expect(answers.reduce((sum, { slots, atRisk }) => sum + slots.length + atRisk.length, 0)).toBe(stranded);
      }),
      { numRuns: 300 },
    );
  });
});
