import fc from 'fast-check';
import { priorityOf } from '@paravcl/shared/priority';
import { quarterly } from '../scheduling-site.model';
import { minuteMs } from '../local-time';
import { at, fifo, para, room, rules, slave } from '../small-world.model';
import { roomFor, type Room } from '../snapshot';
import { simulateSite } from './simulate-site';
import type { SimulatedRequest, SimulatedReservation, SimulatedSite } from './simulated-site';

const beginsAt = at(8);

const size: fc.Arbitrary<Room> = fc.record({ vcpus: fc.integer({ min: 1, max: 4 }), ramMiB: fc.constantFrom(512, 1024, 4096), diskMiB: fc.constantFrom(1000, 5000), bandwidthMbps: fc.constantFrom(0, 0, 200) });
const priority = (pfv: number, { ramMiB }: Room, minutes: number): SimulatedRequest['priority'] => priorityOf({ pfv, ras: false, mon: false, ramMiB, minutes });

const requests = fc
  .array(fc.record({ size, pfv: fc.integer({ min: 0, max: 5 }), after: fc.integer({ min: 0, max: 480 }), minutes: fc.constantFrom(5, 30, 60, 300), used: fc.double({ min: 0.1, max: 1, noNaN: true }) }), { maxLength: 25 })
  .map((drawn) =>
    drawn.map((one, n): SimulatedRequest => ({
      id: `i-${String(n)}`, name: `i-${String(n)}`, userId: 'somebody', groupId: null, need: roomFor(one.size), priority: priority(one.pfv, one.size, one.minutes),
      at: beginsAt + one.after * minuteMs, runMs: one.minutes * minuteMs, staysMs: Math.round(one.minutes * minuteMs * one.used),
    })),
  );

const claims = fc.array(fc.record({ afterStartMs: fc.integer({ min: 0, max: 40 }).map((minutes) => minutes * minuteMs), staysMs: fc.integer({ min: 5, max: 100 }).map((minutes) => minutes * minuteMs) }), { maxLength: 5 });
const reservations = fc
  .array(fc.record({ size, pfv: fc.integer({ min: 0, max: 5 }), count: fc.integer({ min: 1, max: 5 }), asked: fc.integer({ min: 0, max: 8 }), startsIn: fc.integer({ min: 4, max: 16 }), lasts: fc.integer({ min: 1, max: 8 }), claims }), { maxLength: 6 })
  .map((drawn) =>
    drawn.map((one, n): SimulatedReservation => {
      const askedAt = beginsAt + one.asked * 15 * minuteMs;
      const start = askedAt + one.startsIn * 15 * minuteMs;
      return {
        id: `r-${String(n)}`, ownerName: `r-${String(n)}`, groupId: null, askedAt, start, end: start + one.lasts * 15 * minuteMs, count: one.count, need: roomFor(one.size), priority: priority(one.pfv, one.size, one.lasts * 15),
        rules: { ...quarterly, timeZone: 'UTC' }, claims: one.claims.map((claim) => ({ ...claim, userId: 'student' })),
      };
    }),
  );

const sites: fc.Arbitrary<SimulatedSite> = fc.record({
  beginsAt: fc.constant(beginsAt),
  until: fc.constant(beginsAt + 14 * 24 * 60 * minuteMs),
  slaves: fc.array(fc.record({ capacity: fc.constantFrom(room(4, { ramMiB: 8192, diskMiB: 40_000, bandwidthMbps: 500 }), room(8, { ramMiB: 16_384, diskMiB: 200_000, bandwidthMbps: 1000 })), saveMiBPerSecond: fc.constantFrom(40, 100) }), { minLength: 1, maxLength: 3 }).map((hosts) =>
    hosts.map((facts, n) => slave(`lab-${String(n)}`, { ...facts, poolAvailableMiB: facts.capacity.diskMiB })),
  ),
  rules: fc.constantFrom(rules, { ...rules, criticalShare: 0.2 }),
  policies: fc.constantFrom(para, fifo),
  preemptionsPerDay: fc.integer({ min: 0, max: 3 }),
  requests,
  reservations,
  saveFactor: fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 1, maxLength: 4 }).map((factors) => (n: number) => factors[n % factors.length] ?? 1),
});

const { numRuns = 100 } = fc.readConfigureGlobal();
const check = (property: (site: SimulatedSite) => void): void => fc.assert(fc.property(sites, property), { numRuns });

describe('whatever is asked of a simulated site', () => {
  it('puts nothing on a host beyond what that has, and has ended everything two quiet weeks later', () => {
    check((site) => {
      const { requests: told, oversubscribed } = simulateSite(site);
      expect(oversubscribed).toEqual([]);
      expect(told.map(({ id }) => id).sort()).toEqual(site.requests.map(({ id }) => id).sort());
      for (const { endedAt, waits, ending } of told) expect([endedAt !== null, ending !== null, waits]).toEqual([true, true, false]);
    });
  });

  it('counts as waiting all the time in which one did not run', () => {
    check((site) => {
      for (const { id, submittedAt, firstStartAt, totalWaitMs, endedAt, ending } of simulateSite(site).requests) {
        const asked = site.requests.find((request) => request.id === id);
        if (asked === undefined || firstStartAt === null || endedAt === null) continue;
        expect(firstStartAt).toBeGreaterThanOrEqual(submittedAt);
        const ran = endedAt - submittedAt - totalWaitMs;
        // Stopping takes a moment.
        if (ending === 'left') expect(Math.abs(ran - asked.staysMs)).toBeLessThanOrEqual(1000);
      }
    });
  });

  it('lets nobody wait for a reserved machine that was promised and had its room', () => {
    check((site) => {
      const late = simulateSite(site).reservations.flatMap((reservation) => reservation.claims.filter((claim) => claim.promised && claim.late && claim.roomExisted));
      expect(late).toEqual([]);
    });
  });

  it('tells the same twice', () => {
    check((site) => expect(simulateSite(site)).toEqual(simulateSite(site)));
  });
});
