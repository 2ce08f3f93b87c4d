import fc from 'fast-check';
import { minuteMs, now, site } from '../../test/core/any-world';
import { bookedSlave, keepTimeline, reservable, slaveTimeline } from './slave-timeline';
import { at, booking, room, running, slave } from './small-world.model';

const ten = { start: at(10), end: at(11) };
const free = (facts: Parameters<typeof slave>[1], window = ten): { vcpus: number; diskMiB: number } => {
  const { vcpus, diskMiB } = slaveTimeline(slave('lab-1', facts), at(9)).freeDuring(window);
  return { vcpus, diskMiB };
};

describe('what of a slave is taken for reservations', () => {
  it('is what is booked, in its window, without the slots of those that are asked about', () => {
    const bookings = [booking('CL II', 3, at(10), at(12)), booking('CL III', 2, at(12), at(13))];
    expect(free({ bookings })).toEqual({ vcpus: 5, diskMiB: 100_000 - 3 * 2048 });
    expect(slaveTimeline(slave('lab-1', { bookings }), at(9), new Set(['CL II'])).freeDuring(ten).vcpus).toBe(8);
  });

  it('is of best-effort the disk alone, for it can be suspended in time', () => {
    expect(free({ running: [running('be', 6)] })).toEqual({ vcpus: 8, diskMiB: 100_000 - 6 * 2048 });
  });

  it('is of one that may not be suspended again today its cores too, until it may be or ends', () => {
    expect(free({ running: [running('be', 6, { sparedUntil: at(24) })] }).vcpus).toBe(2);
    expect(free({ running: [running('be', 6, { sparedUntil: at(24), endsAt: at(10) })] }).vcpus).toBe(8);
    expect(free({ running: [running('be', 6, { sparedUntil: at(24) })] }, { start: at(24), end: at(25) }).vcpus).toBe(8);
    expect(free({ running: [running('be', 6, { sparedUntil: at(24), leaving: true })] }).vcpus).toBe(8);
  });

  it('is of a reserved instance its slot, once; without a slot here it counts until it ends', () => {
    const guest = running('ar', 4, { type: 'AR', endsAt: at(10, 30) });
    const slot = booking('CL II', 4, at(9), at(11), { instanceId: 'ar', need: room(4, { diskMiB: 0 }) });
    expect(free({ running: [guest], bookings: [slot] })).toEqual({ vcpus: 4, diskMiB: 100_000 - 4 * 2048 });
    expect(free({ running: [guest] }).vcpus).toBe(4);
    expect(free({ running: [guest] }, { start: at(10, 30), end: at(11) }).vcpus).toBe(8);
    // Whoever asks about the reservation itself leaves its guests out with it.
    expect(slaveTimeline(slave('lab-1', { running: [guest], bookings: [slot] }), at(9), new Set(['CL II'])).freeDuring(ten).vcpus).toBe(8);
  });

  it('is never more disk than the file system has, whoever filled it', () => {
    expect(free({ poolAvailableMiB: 500 }).diskMiB).toBe(500);
    expect(free({ promised: room(0, { diskMiB: 200_000 }) }).diskMiB).toBe(0);
  });

  it('counts on slaves that are in the pool, there, and able to run guests; on volunteers while they contribute', () => {
    expect(reservable(slave('a'))).toBe(true);
    expect(reservable(slave('a', { liveness: 'suspect', connected: false }))).toBe(true);
    expect(reservable(slave('a', { kind: 'volunteer', contributing: true }))).toBe(true);
    const out = [{ liveness: 'lost' }, { admission: 'draining' }, { admission: 'pending' }, { hypervisor: { usable: false, why: 'no KVM' } }, { kind: 'volunteer', contributing: false }] as const;
    for (const facts of out) expect(reservable(slave('a', facts))).toBe(false);
  });
});

describe('a timeline that is kept', () => {
  it('says what one that is built anew says, without some reservations too, and is not asked about before its time', () => {
    fc.assert(
      fc.property(site, fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 120 }), fc.constantFrom([], ['slave-0-r-0'], ['slave-0-r-0', 'slave-1-r-1']), (world, after, minutes, without) => {
        const window = { start: now + after * minuteMs, end: now + (after + minutes) * minuteMs };
        for (const view of world.snapshot.slaves) {
          const same = { ...view };
          keepTimeline(view, now);
          const except = new Set<string>(without);
          expect(slaveTimeline(view, window.start, except).freeDuring(window)).toEqual(slaveTimeline(same, window.start, except).freeDuring(window));
          const [{ timeline, ...kept }, { timeline: anew, ...made }] = [bookedSlave(view, window.start, except), bookedSlave(same, window.start, except)];
          expect([kept, timeline.freeDuring(window)]).toEqual([made, anew.freeDuring(window)]);
          const early = { start: now - minuteMs, end: window.end };
          expect(slaveTimeline(view, early.start).freeDuring(early)).toEqual(slaveTimeline(same, early.start).freeDuring(early));
        }
      }),
    );
  });

  it('is the same value again for whoever leaves out none of its slots', () => {
    const view = slave('lab-1', { bookings: [booking('CL II', 3, at(10), at(12))] });
    keepTimeline(view, at(9));
    expect(bookedSlave(view, at(10), new Set(['Lab B']))).toBe(bookedSlave(view, at(9)));
    expect(bookedSlave(view, at(9), new Set(['CL II'])).timeline.freeDuring(ten).vcpus).toBe(8);
  });
});
