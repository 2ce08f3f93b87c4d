import fc from 'fast-check';
import { labHosts } from '../../test/core/any-lab';
import { callBacks } from './call-backs';
import { minuteMs } from './local-time';
import { keptFrom, recall, type Kept, type Newcomer } from './recall';
import { joined, slaveNow } from './room-now';
import { at, booking, room, rules, running, slave } from './small-world.model';
import type { SlaveView } from './snapshot';

const seconds = 1000;
/** Of one core with a GiB: 10 s on top, and twice the 11.24 s that saving takes. */
const leadOfOne = 10 * seconds + 2 * 11.24 * seconds;
const ten = at(10);
const lab = (facts: Partial<SlaveView>): SlaveView => slave('a', { bookings: [booking('CL II', 4, ten, at(12))], ...facts });
const recalled = (view: SlaveView, when: number): readonly string[] => recall(slaveNow(view), when, rules).victims.map(({ instance }) => instance.id);
const dueAt = (view: SlaveView, when: number): number | null => recall(slaveNow(view), when, rules).dueAt;
const held = (view: SlaveView, when: number): readonly string[] => recall(slaveNow(view), when, rules).slave.held.map(({ reservationId }) => reservationId);

describe('lent room that is called back', () => {
  const full = lab({ running: [running('x', 1, { pi: 6 }), running('y', 1, { pi: 7 }), running('z', 6, { type: 'AR' })], bookings: [booking('CL II', 1, ten, at(12))] });

  it('is so as long before the start as saving takes, and not before', () => {
    expect(dueAt(full, at(9, 59))).toBe(ten - leadOfOne);
    expect(recalled(full, ten - leadOfOne - 1)).toEqual([]);
    expect(held(full, ten - leadOfOne - 1)).toEqual([]);
    expect(recalled(full, ten - leadOfOne)).toEqual(['x']);
    expect(held(full, ten - leadOfOne)).toEqual(['CL II']);
    expect(recalled(full, ten + 3 * 60 * seconds)).toEqual(['x']);
  });

  it('is looked at again long before, when it is not known yet who will run there', () => {
    const due = dueAt(full, at(8)) ?? 0;
    expect(due).toBeGreaterThan(at(8));
    expect(due).toBeLessThanOrEqual(ten - leadOfOne);
  });

  it('comes from the smallest set, and from nobody where there is room', () => {
    const busy = lab({ running: [running('a', 1, { pi: 1 }), running('b', 4, { pi: 2 }), running('c', 2, { pi: 3 })] });
    expect(recalled(busy, ten)).toEqual(['b']);
    expect(recalled(lab({ running: [running('a', 4)] }), ten)).toEqual([]);
    expect(dueAt(lab({ running: [] }), at(9))).toBe(ten);
  });

  it('comes first from those whose time is over just then, for they would be saved too late', () => {
    const ending = running('ending', 4, { pi: 9, endsAt: ten - seconds });
    expect(recalled(lab({ running: [running('low', 4, { pi: 1 }), ending] }), ten - 90 * seconds)).toEqual(['ending']);
    expect(recalled(lab({ running: [running('low', 4, { pi: 1 }), running('ending', 2, { endsAt: ten - seconds }), running('r', 2, { type: 'AR' })] }), ten - 90 * seconds)).toEqual(['low']);
  });

  it('comes from nobody whose time is over well before', () => {
    expect(recalled(lab({ running: [running('low', 4, { pi: 1 }), running('over', 4, { pi: 9, endsAt: at(9, 30) })] }), at(9, 29))).toEqual([]);
    const before = lab({ running: [running('low', 4, { pi: 1 }), running('reserved', 4, { type: 'AR', endsAt: at(9, 30) })] });
    expect(recalled(before, at(9, 29))).toEqual([]);
    expect(dueAt(before, ten - seconds)).toBe(ten);
  });

  it('comes from best-effort when a reservation ends at that moment, for its guests are still being saved then', () => {
    const before = lab({ running: [running('low', 4, { pi: 1 }), running('reserved', 4, { type: 'AR', endsAt: ten })] });
    const lead = 10 * seconds + 2 * 41.96 * seconds;
    expect(dueAt(before, at(9, 58))).toBe(ten - lead);
    expect(recalled(before, ten - lead)).toEqual(['low']);
  });

  it('comes from nobody when the guests of a reservation that ends at that moment are in the way whoever goes', () => {
    const before = lab({ running: [running('low', 2, { pi: 1 }), running('reserved', 6, { type: 'AR', endsAt: ten })] });
    expect(recalled(before, ten - seconds)).toEqual([]);
    expect(dueAt(before, ten - seconds)).toBe(ten);
  });

  it('is called back once: who leaves already counts', () => {
    expect(recalled(lab({ running: [running('x', 4, { leaving: true, observed: 'suspending' }), running('y', 4)] }), ten - 60 * seconds)).toEqual([]);
  });

  it('comes from all best-effort when even that is not enough, and never from what is reserved or spared', () => {
    const over = lab({ running: [running('x', 1), running('spared', 2, { sparedUntil: at(24) }), running('r', 5, { type: 'AR' })] });
    expect(recalled(over, ten)).toEqual(['x']);
  });

  it('comes from one that was spared yesterday, as soon as it may', () => {
    const night = lab({ running: [running('x', 8, { sparedUntil: at(23, 59) })], bookings: [booking('night', 4, at(24), at(25))] });
    expect(recalled(night, at(23, 58))).toEqual([]);
    expect(dueAt(night, at(23, 58))).toBe(at(23, 59));
    expect(recalled(night, at(23, 59))).toEqual(['x']);
  });
});

describe('saves on one disk', () => {
  const guests = [running('x', 1, { pi: 1 }), running('y', 7, { pi: 2 })];
  /** Of y with its 7 GiB. */
  const leadOfY = 10 * seconds + 2 * (1 + 71.68) * seconds;

  it('for one start are over before those for the next begin', () => {
    const slots = [booking('first', 1, ten, at(12)), booking('second', 7, ten + 60 * seconds, at(12))];
    const site = lab({ running: guests, bookings: slots });
    const second = ten + 60 * seconds - leadOfY;
    expect(dueAt(site, at(9, 57))).toBeCloseTo(second - leadOfOne);
    expect(recalled(site, second - leadOfOne)).toEqual(['x']);
    expect(recalled(site, second)).toEqual(['x', 'y']);
  });

  it('wait behind one that goes on already, so that they are ordered before', () => {
    const saving = running('saving', 6, { leaving: true, observed: 'suspending', since: ten - 100 * seconds });
    const site = lab({ running: [running('x', 2), saving], bookings: [booking('CL II', 7, ten, at(12))] });
    expect(recalled(lab({ running: [running('x', 2)], bookings: [booking('CL II', 7, ten, at(12))] }), ten - 100 * seconds)).toEqual([]);
    expect(recalled(site, ten - 100 * seconds)).toEqual(['x']);
  });

  it('wait for one as long as it can take from now on, for what it waited behind others on the disk was not its saving', () => {
    const saving = running('saving', 6, { leaving: true, observed: 'suspending', since: ten - 300 * seconds });
    expect(recalled(lab({ running: [running('x', 2), saving], bookings: [booking('CL II', 7, ten, at(12))] }), ten - 100 * seconds)).toEqual(['x']);
  });

  it('are reckoned with all RAM, also of one that has not started yet', () => {
    expect(dueAt(lab({ running: [running('x', 5, { observed: 'preparing' })] }), at(9, 57))).toBe(ten - 10 * seconds - 2 * (1 + 51.2) * seconds);
  });
});

describe('a window that has begun', () => {
  const begun = lab({ running: [running('x', 8)] });

  it('has its room held until the grace is over, then it is lent again', () => {
    expect(held(begun, at(10, 14))).toEqual(['CL II']);
    expect(dueAt(lab({ running: [] }), at(10, 14))).toBe(at(10, 15));
    expect(held(begun, at(10, 15))).toEqual([]);
    expect(recalled(begun, at(10, 15))).toEqual([]);
    expect(dueAt(begun, at(10, 15))).toBeNull();
  });

  it('is not held for a guest that runs, and is for one that was claimed and waits', () => {
    const slot = booking('CL II', 4, ten, at(12), { instanceId: 'guest' });
    expect(held(lab({ bookings: [slot], running: [running('guest', 4, { type: 'AR' })] }), at(10, 1))).toEqual([]);
    expect(held(lab({ bookings: [slot] }), at(10, 1))).toEqual(['CL II']);
  });

  it('may still be claimed until its grace is over, so the next start reckons with it', () => {
    const next = booking('CL III', 4, at(10, 15), at(12));
    const site = lab({ running: [running('x', 4)], bookings: [booking('CL II', 4, ten, at(12)), next] });
    expect(recalled(site, at(10, 14))).toEqual(['x']);
    expect(recalled(site, at(10, 15))).toEqual([]);
  });

  it('does not take the room that a late claim waits for', () => {
    const next = booking('CL III', 4, at(10, 30), at(12));
    const site = slaveNow(lab({ running: [running('leaving', 4, { leaving: true }), running('x', 4)], bookings: [next] }));
    const late = { id: 'late', type: 'AR' as const, need: room(4), runMs: null };
    const victims = (nominated: typeof site.nominated): readonly string[] => recall({ ...site, nominated }, at(10, 30), rules).victims.map(({ instance }) => instance.id);
    expect(victims(new Map())).toEqual([]);
    expect(victims(new Map([['late', late]]))).toEqual(['x']);
    expect(victims(new Map([['be', { ...late, id: 'be', type: 'BE' as const }]]))).toEqual([]);
  });
});

describe('what reservations have against a newcomer', () => {
  const newcomer = (facts: Partial<Newcomer> = {}): Newcomer => ({ id: 'i', type: 'BE', need: room(4), pi: 8, endsAt: null, spared: false, ...facts });
  const kept = (view: SlaveView, facts: Partial<Newcomer> = {}): Kept | null => keptFrom(slaveNow(view), newcomer(facts), at(9), rules);

  it('is that it would be called back before its end', () => {
    expect(kept(lab({ running: [running('r', 4, { type: 'AR' })] }))).toMatchObject({ from: ten, recalledAt: ten - 10 * seconds - 2 * (1 + 40.96) * seconds, booking: { reservationId: 'CL II' } });
    expect(kept(lab({ running: [running('r', 4, { type: 'AR' })] }), { endsAt: ten })).toBeNull();
    expect(kept(lab({}))).toBeNull();
  });

  it('is nothing when others of lower priority go first, in time', () => {
    expect(kept(lab({ running: [running('low', 4, { pi: 7 })] }))).toBeNull();
    expect(kept(lab({ running: [running('high', 4, { pi: 9 })] }))).toMatchObject({ from: ten });
    expect(kept(lab({ running: [running('spared', 4, { pi: 7, sparedUntil: at(24) })] }))).toMatchObject({ from: ten });
  });

  it('is that others would be told too late', () => {
    const soon = lab({ running: [running('low', 4, { pi: 7 })], bookings: [booking('CL II', 4, at(9, 1), at(12))] });
    expect(kept(soon)?.recalledAt).toBeLessThan(at(9));
    expect(kept(soon, { type: 'AR' })?.recalledAt).toBeLessThan(at(9));
  });

  it('is that a start would have to wait for those who are being saved still', () => {
    const saving = running('saving', 4, { leaving: true, observed: 'suspending', since: at(9) });
    const view = lab({ running: [saving], bookings: [booking('CL II', 4, at(9, 1), at(12))] });
    expect(kept(view)?.recalledAt).toBeLessThan(at(9));
    expect(kept(lab({ bookings: [booking('CL II', 4, at(9, 1), at(12))] }))).toBeNull();
    expect(held(view, at(9))).toEqual([]);
    expect(held(lab({ running: [saving, running('x', 4)], bookings: [booking('CL II', 4, at(9, 1), at(12))] }), at(9))).toEqual(['CL II']);
  });

  it('is that nobody could be told when it may not be suspended', () => {
    expect(kept(lab({ running: [running('r', 4, { type: 'AR' })] }), { spared: true, endsAt: at(11) })).toMatchObject({ from: ten });
    expect(kept(lab({ running: [running('r', 2, { type: 'AR' })] }), { spared: true, need: room(2), endsAt: at(11) })).toBeNull();
  });

  it('is nothing only where looking at every slot finds nothing', () => {
    const counts = { nothing: 0, something: 0 };
    const any = fc.record({ type: fc.constantFrom('BE' as const, 'AR' as const), vcpus: fc.integer({ min: 1, max: 4 }), pi: fc.constantFrom(6, 7.5, Infinity, -Infinity), minutes: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 90 })), spared: fc.boolean() });
    fc.assert(
      fc.property(labHosts, any, fc.integer({ min: -60, max: 120 }), (hosts, { vcpus, minutes, ...facts }, later) => {
        const when = at(9, later);
        const endsAt = when + minutes * minuteMs;
        const asking = newcomer({ id: 'newcomer', need: room(vcpus), endsAt, ...facts });
        for (const host of hosts.map(slaveNow)) {
          const beside = joined(host, { ...running('newcomer', vcpus), ...asking, observed: 'booting', since: when, sparedUntil: facts.spared ? Infinity : null });
          const without = new Map(callBacks(host, when, rules, Infinity).map((one) => [one.start, one]));
          const inItsWay = callBacks(beside, when, rules, Infinity).some(({ start, victims, short, tellAt }) => {
            const alone = without.get(start);
            const goes = start < endsAt && victims.some(({ instance }) => instance.id === 'newcomer');
            return goes || (alone !== undefined && ((short && !alone.short) || (tellAt < when && tellAt < alone.tellAt)));
          });
          counts[inItsWay ? 'something' : 'nothing']++;
          expect(keptFrom(host, asking, when, rules) !== null).toBe(inItsWay);
        }
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(counts.nothing, counts.something)).toBeGreaterThan(50);
  });
});
