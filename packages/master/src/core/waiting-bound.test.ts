import fc from 'fast-check';
import { minuteMs } from './local-time';
import { inOrder, orderingPolicies } from './ordering';
import { placementPolicies } from './rank';
import { SchedulingModel, type ModelAct, type ModelScript } from './scheduling.model';
import type { Room } from './snapshot';
import { passedForMs, waitingBoundMs } from './waiting-bound';

const hourMs = 60 * minuteMs;
const beginsAt = Date.parse('2026-11-23T08:00:00Z');
const longestRunMs = hourMs;
/** All saves of a host of eight guests, twice as slow as predicted, and preparing. */
const turnoverMs = 5 * minuteMs;
const lasts = 14 * hourMs;

const size = (vcpus: number, ramMiB: number): Room => ({ vcpus, ramMiB, diskMiB: 100, bandwidthMbps: 0 });

/** Small ones of high priority come for ever, more than there is room for, and among them come large ones of low priority. */
const adversity: fc.Arbitrary<ModelScript> = fc
  .record({
    slaves: fc.array(fc.constantFrom(4, 6, 8), { minLength: 1, maxLength: 2 }),
    streamEvery: fc.constantFrom(6, 9, 13),
    stream: fc.array(fc.record({ vcpus: fc.constantFrom(1, 1, 2), pfv: fc.integer({ min: 2, max: 5 }), minutes: fc.constantFrom(30, 45, 60) }), { minLength: 1, maxLength: 7 }),
    large: fc.array(fc.record({ afterMinutes: fc.integer({ min: 30, max: 200 }), share: fc.constantFrom(0.5, 1), pfv: fc.integer({ min: 0, max: 1 }), minutes: fc.constantFrom(30, 60) }), { minLength: 1, maxLength: 3 }),
    agingPerHour: fc.constantFrom(0.5, 1, 2),
    preemptionsPerDay: fc.integer({ min: 0, max: 2 }),
    criticalShare: fc.constantFrom(0, 0, 0.05),
  })
  .map(({ slaves, streamEvery, stream, large, agingPerHour, preemptionsPerDay, criticalShare }) => {
    const least = Math.min(...slaves);
    const small = Array.from({ length: Math.floor(lasts / (streamEvery * minuteMs)) }, (_, turn): readonly ModelAct[] =>
      // As many at a time as there are slaves, so that the pool is never idle.
      slaves.map((_slave, which) => {
        const { vcpus, pfv, minutes } = stream[(turn + which) % stream.length] ?? { vcpus: 1, pfv: 5, minutes: 60 };
        return { kind: 'launch', afterMs: turn * streamEvery * minuteMs, size: size(vcpus, 512), pfv, minutes };
      }),
    ).flat();
    return {
      beginsAt,
      slaves: slaves.map((vcpus) => ({ capacity: { vcpus, ramMiB: vcpus * 2048, diskMiB: 1e7, bandwidthMbps: 1000 }, saveMiBPerSecond: 100, lent: false })),
      rules: { agingPerHour, criticalShare, noShowGraceMs: 15 * minuteMs, shortestLoanMs: 5 * minuteMs, saveOverheadMs: 10_000, saveSafety: 2, horizonMs: 15 * 24 * hourMs, timeZone: 'UTC' },
      preemptionsPerDay,
      acts: [...small, ...large.map(({ afterMinutes, share, pfv, minutes }): ModelAct => ({ kind: 'launch', afterMs: afterMinutes * minuteMs, size: size(Math.floor(least * share), 1024), pfv, minutes }))],
      saveFactors: [0.5, 2, 1],
      latenessMs: [0, 900],
    };
  });

/** 512 MiB for half an hour with the most that an image is worth. */
const mostPi = 10 + 0.2 * (5 - Math.log2(512) - Math.log(30));

/** By instance, how much longer than the bound says it waited until it ran, in ms; never above 0 if that is one. */
function beyondBound(script: ModelScript): { readonly worst: number; readonly longest: number; readonly violations: readonly string[] } {
  const { rules, preemptionsPerDay } = script;
  const ahead = new Map<string, number>();
  const waited = new Map<string, number>();
  const asked = new Map<string, { readonly pi: number; readonly createdAt: number }>();
  const model = new SchedulingModel(script, { ordering: orderingPolicies.para, placement: placementPolicies.para }, (waiting, at) => {
    for (const { id, priority: { pi }, createdAt } of waiting) if (!asked.has(id)) asked.set(id, { pi, createdAt });
    inOrder(waiting, orderingPolicies.para, rules).forEach(({ id, boundTo, createdAt, priority: { pi } }, place) => {
      if (boundTo !== null) return;
      waited.set(id, at - createdAt);
      if (!ahead.has(id) && at >= createdAt + passedForMs({ pi, mostPi, agingPerHour: rules.agingPerHour })) ahead.set(id, place);
    });
  }).run();
  const over = [...waited].map(([id, ms]) => {
    const terms = { pi: asked.get(id)?.pi ?? 0, mostPi, agingPerHour: rules.agingPerHour, ahead: ahead.get(id) ?? 0, longestRunMs, turnoverMs, preemptionsPerDay };
    return ms - waitingBoundMs(terms);
  });
  return { worst: Math.max(-Infinity, ...over), longest: Math.max(0, ...waited.values()), violations: model.violations };
}

describe('the wait of whoever fits the pool', () => {
  it('has a bound, however many small ones of high priority come', () => {
    let longest = 0;
    fc.assert(
      fc.property(adversity, (script) => {
        const judged = beyondBound(script);
        longest = Math.max(longest, judged.longest);
        expect(judged.violations).toEqual([]);
        expect(judged.worst).toBeLessThanOrEqual(0);
      }),
      { numRuns: fc.readConfigureGlobal().numRuns ?? 3 },
    );
    // Somebody waited long, or nothing was shown.
    expect(longest).toBeGreaterThan(hourMs);
  }, 120_000);
});

test('newcomers pass one for as long as the difference of Pi is worth, and for ever without aging', () => {
  expect(passedForMs({ pi: 7, mostPi: 8, agingPerHour: 0.2 })).toBeCloseTo(5 * hourMs);
  expect(passedForMs({ pi: 8, mostPi: 8, agingPerHour: 0 })).toBe(0);
  expect(passedForMs({ pi: 7, mostPi: 8, agingPerHour: 0 })).toBe(Infinity);
});

test('with the site’s defaults one that is a whole point weaker than anybody waits five hours, and a longest run for each before it and itself', () => {
  const terms = { pi: 7, mostPi: 8, agingPerHour: 0.2, ahead: 3, longestRunMs: 5 * hourMs, turnoverMs: 0, preemptionsPerDay: 0 };
  expect(waitingBoundMs(terms)).toBeCloseTo((5 + 4 * 5) * hourMs);
  expect(waitingBoundMs({ ...terms, preemptionsPerDay: 2 })).toBeCloseTo((5 + 4 * 5 * 5) * hourMs);
});
