import fc from 'fast-check';
import { minuteMs } from './local-time';
import { orderingPolicies } from './ordering';
import { placementPolicies } from './rank';
import { SchedulingModel, type ModelAct, type ModelScript } from './scheduling.model';
import type { Room } from './snapshot';

const beginsAt = Date.parse('2026-11-23T08:00:00Z');

const size: fc.Arbitrary<Room> = fc.record({
  vcpus: fc.integer({ min: 1, max: 4 }),
  ramMiB: fc.constantFrom(512, 1024, 2048, 4096),
  diskMiB: fc.constantFrom(1000, 5000),
  bandwidthMbps: fc.constantFrom(0, 0, 100, 400),
});
const afterMs = fc.integer({ min: 0, max: 480 }).map((minutes) => minutes * minuteMs);
const which = fc.nat({ max: 30 });

const launch: fc.Arbitrary<ModelAct> = fc.record({
  kind: fc.constant('launch' as const),
  afterMs: fc.oneof(fc.constant(0), afterMs),
  size,
  pfv: fc.integer({ min: 0, max: 5 }),
  minutes: fc.option(fc.constantFrom(5, 30, 60, 300), { nil: null, freq: 2 }),
});
const claims = fc.array(
  fc.record({
    afterStartMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }).map((minutes) => minutes * minuteMs)),
    deletedAfterMs: fc.option(fc.integer({ min: 0, max: 40 }).map((minutes) => minutes * minuteMs), { freq: 2 }),
  }),
  { maxLength: 6 },
);
const reserve: fc.Arbitrary<ModelAct> = fc.record({
  kind: fc.constant('reserve' as const),
  // On the grid, so that one begins where another ends.
  afterMs: fc.integer({ min: 0, max: 16 }).map((quarters) => quarters * 15 * minuteMs),
  size,
  pfv: fc.integer({ min: 0, max: 5 }),
  count: fc.integer({ min: 1, max: 5 }),
  startsIn: fc.integer({ min: 0, max: 10 }),
  lasts: fc.integer({ min: 1, max: 8 }),
  claims,
});
const verb: fc.Arbitrary<ModelAct> = fc.record({ kind: fc.constantFrom('suspend', 'resume', 'delete', 'extend', 'release', 'prolong'), afterMs, which });
const rare: fc.Arbitrary<ModelAct> = fc.record({ kind: fc.constantFrom('lose', 'return'), afterMs, which });

const script: fc.Arbitrary<ModelScript> = fc.record({
  beginsAt: fc.constantFrom(beginsAt, beginsAt + 14 * 60 * minuteMs),
  slaves: fc.array(
    fc.record({
      capacity: fc.record({ vcpus: fc.constantFrom(4, 6, 8), ramMiB: fc.constantFrom(8192, 16_384), diskMiB: fc.constantFrom(30_000, 200_000), bandwidthMbps: fc.constantFrom(500, 1000) }),
      saveMiBPerSecond: fc.constantFrom(40, 100),
      lent: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  rules: fc.record({
    agingPerHour: fc.constantFrom(0, 0.2, 2),
    criticalShare: fc.constantFrom(0, 0.05, 0.2),
    noShowGraceMs: fc.constantFrom(5, 15).map((minutes) => minutes * minuteMs),
    shortestLoanMs: fc.constantFrom(0, 5 * minuteMs),
    saveOverheadMs: fc.constant(10_000),
    saveSafety: fc.constant(2),
    horizonMs: fc.constant(15 * 24 * 60 * minuteMs),
    timeZone: fc.constant('UTC'),
  }),
  preemptionsPerDay: fc.integer({ min: 0, max: 3 }),
  acts: fc.tuple(fc.array(launch, { maxLength: 18 }), fc.array(reserve, { maxLength: 5 }), fc.array(verb, { maxLength: 6 }), fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.array(rare, { maxLength: 3 }))).map((lists) => lists.flat()),
  saveFactors: fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 1, maxLength: 4 }),
  latenessMs: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 3 }),
});

/** Some thousand rounds of planning in a few seconds; `npm run test:model` asks for more. */
const numRuns = fc.readConfigureGlobal().numRuns ?? 300;

describe('a site that is left to the scheduler', () => {
  it.each(['para', 'fifo'] as const)('keeps every promise, whatever people, hosts and clocks do (%s)', (ordering) => {
    fc.assert(
      fc.property(script, (played) => {
        const { violations, history } = new SchedulingModel(played, { ordering: orderingPolicies[ordering], placement: placementPolicies.para }).run();
        expect(violations.length === 0 ? [] : [...violations, ...history]).toEqual([]);
      }),
      { numRuns },
    );
  });
});
