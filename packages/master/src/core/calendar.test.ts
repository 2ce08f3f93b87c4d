import fc from 'fast-check';
import { countWithin, Timeline, type Lease } from './calendar';
import { room } from './small-world.model';
import { noRoom, subtract, type Room } from './snapshot';

const capacity = room(8, { bandwidthMbps: 100 });
const lease = (start: number, end: number, vcpus: number): Lease => ({ start, end, need: room(vcpus) });

const anyRoom = fc.record({ vcpus: fc.integer({ min: 0, max: 6 }), ramMiB: fc.integer({ min: 0, max: 4000 }), diskMiB: fc.integer({ min: 0, max: 9000 }), bandwidthMbps: fc.integer({ min: 0, max: 60 }) });
const anyWindow = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 8 })).map(([start, length]) => ({ start, end: start + length }));
const anyLeases = fc.array(fc.tuple(anyWindow, anyRoom).map(([window, need]): Lease => ({ ...window, need })), { maxLength: 12 });

/** What is taken at an instant, counted lease by lease. */
const takenAt = (leases: readonly Lease[], instant: number): Room =>
  leases.filter(({ start, end }) => start <= instant && instant < end).reduce((sum, { need }) => subtract(sum, subtract(noRoom, need)), noRoom);

describe('a timeline', () => {
  it('has everything free while nothing is taken', () => {
    const timeline = Timeline.of(capacity, []);
    expect(timeline.freeDuring({ start: 0, end: Infinity })).toEqual(capacity);
    expect(timeline.countFitting({ start: 0, end: 1 }, room(2))).toBe(4);
    expect(timeline.firstFit(room(2), 10, 5)).toBe(5);
  });

  it('lets one begin at the very moment at which another ends', () => {
    const timeline = Timeline.of(capacity, [lease(10, 20, 8)]);
    expect(timeline.fits({ start: 20, end: 30 }, room(8))).toBe(true);
    expect(timeline.fits({ start: 0, end: 10 }, room(8))).toBe(true);
    expect(timeline.fits({ start: 9, end: 11 }, room(1))).toBe(false);
    expect(timeline.fits({ start: 19, end: 20 }, room(1))).toBe(false);
  });

  it('takes a lease without end for ever, and a window without length for its moment', () => {
    const timeline = Timeline.of(capacity, [lease(10, Infinity, 8), lease(5, 5, 8), lease(6, 4, 8)]);
    expect(timeline.fits({ start: 0, end: 10 }, room(8))).toBe(true);
    expect(timeline.fits({ start: 1e15, end: Infinity }, room(1))).toBe(false);
    expect(timeline.fits({ start: 9, end: 9 }, room(1))).toBe(true);
    expect(timeline.fits({ start: 10, end: 10 }, room(1))).toBe(false);
    expect(timeline.firstFit(room(1), 3, 8)).toBeNull();
    expect(timeline.firstFit(room(1), 2, 8)).toBe(8);
  });

  it('does not count a dimension of which nothing is needed', () => {
    expect(countWithin({ ...noRoom, vcpus: 2 }, { vcpus: 5, ramMiB: -1, diskMiB: -1, bandwidthMbps: 0 })).toBe(2);
    expect(countWithin({ ...noRoom, vcpus: 2, bandwidthMbps: 1 }, { vcpus: 5, ramMiB: 0, diskMiB: 0, bandwidthMbps: 0 })).toBe(0);
    expect(countWithin(room(1), { ...room(1), vcpus: -3 })).toBe(0);
  });

  it('is exact with a fraction of a core', () => {
    const timeline = Timeline.of({ ...capacity, vcpus: 8 * 1.1 }, [lease(0, 1, 8)]).withLease(lease(0, 2, 0)).withoutLease(lease(0, 1, 8));
    expect(timeline.freeDuring({ start: 0, end: 1 }).vcpus).toBe(8 * 1.1);
  });

  it('has free in a window what is free at every instant of it, dimension by dimension', () => {
    fc.assert(
      fc.property(anyLeases, anyWindow, anyRoom, (leases, window, need) => {
        const timeline = Timeline.of(capacity, leases);
        const instants = Array.from({ length: window.end - window.start }, (_, n) => window.start + n);
        const free = instants.map((instant) => subtract(capacity, takenAt(leases, instant)));
        const least = (amount: (one: Room) => number): number => Math.min(...free.map(amount));
        const expected: Room = { vcpus: least((one) => one.vcpus), ramMiB: least((one) => one.ramMiB), diskMiB: least((one) => one.diskMiB), bandwidthMbps: least((one) => one.bandwidthMbps) };
        expect(timeline.freeDuring(window)).toEqual(expected);
        expect(timeline.countFitting(window, need)).toBe(countWithin(need, expected));
        for (const end of [window.end, window.start + 40]) expect(timeline.mostCoresTaken({ ...window, end })).toBe(timeline.mostTaken({ ...window, end }).vcpus);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same whether leases were there at first, came later, or came and went', () => {
    fc.assert(
      fc.property(anyLeases, anyLeases, anyWindow, (leases, passing, window) => {
        const built = Timeline.of(capacity, leases).freeDuring(window);
        const added = leases.reduce((timeline, one) => timeline.withLease(one), Timeline.of(capacity, []));
        expect(added.freeDuring(window)).toEqual(built);
        const been = passing.reduce((timeline, one) => timeline.withLease(one), added);
        expect(passing.reduce((timeline, one) => timeline.withoutLease(one), been).freeDuring(window)).toEqual(built);
        expect(added.freeDuring(window)).toEqual(built);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the first moment from which something fits', () => {
    fc.assert(
      fc.property(anyLeases, anyRoom, fc.integer({ min: 0, max: 25 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 30 }), (leases, need, from, lengthMs, latest) => {
        const timeline = Timeline.of(capacity, leases);
        // Nothing changes between whole numbers, so the first fit is one of them.
        const starts = Array.from({ length: Math.max(0, latest - from + 1) }, (_, n) => from + n);
        expect(timeline.firstFit(need, lengthMs, from, latest)).toBe(starts.find((start) => timeline.fits({ start, end: start + lengthMs }, need)) ?? null);
      }),
      { numRuns: 500 },
    );
  });
});
