import fc from 'fast-check';
import { judgeLiveness } from './liveness';

const thresholds = { suspectAfterMs: 15_000, lostAfterMs: 60_000 };

test.each([
  [0, 'online'],
  [14_999, 'online'],
  [15_000, 'suspect'],
  [59_999, 'suspect'],
  [60_000, 'lost'],
] as const)('a slave silent for %i ms is %s', (silenceMs, liveness) => {
  expect(judgeLiveness({ stored: 'online', heardAtMs: 1000 }, 1000 + silenceMs, 0, thresholds)).toBe(liveness);
});

test('after a restart of the master the fleet has until lostAfterMs from its start', () => {
  const started = 500_000;
  expect(judgeLiveness({ stored: 'online', heardAtMs: null }, started + 1, started, thresholds)).toBe('online');
  expect(judgeLiveness({ stored: 'online', heardAtMs: null }, started + 59_999, started, thresholds)).toBe('suspect');
  expect(judgeLiveness({ stored: 'online', heardAtMs: null }, started + 60_000, started, thresholds)).toBe('lost');
});

test('what was lost before the restart stays lost until it is heard', () => {
  expect(judgeLiveness({ stored: 'lost', heardAtMs: null }, 10, 0, thresholds)).toBe('lost');
  expect(judgeLiveness({ stored: 'lost', heardAtMs: 10 }, 11, 0, thresholds)).toBe('online');
});

const time = fc.nat(200_000);
const stored = fc.constantFrom('online' as const, 'suspect' as const, 'lost' as const);
const rank = { online: 0, suspect: 1, lost: 2 };

test('more silence is never better, and repeating the judgement changes nothing', () => {
  fc.assert(
    fc.property(stored, fc.option(time), time, time, (was, heardAtMs, now, later) => {
      const first = judgeLiveness({ stored: was, heardAtMs }, now, 0, thresholds);
      const then = judgeLiveness({ stored: first, heardAtMs }, now + later, 0, thresholds);
      expect(rank[then]).toBeGreaterThanOrEqual(rank[first]);
      expect(judgeLiveness({ stored: first, heardAtMs }, now, 0, thresholds)).toBe(first);
    }),
    { numRuns: 1000 },
  );
});
