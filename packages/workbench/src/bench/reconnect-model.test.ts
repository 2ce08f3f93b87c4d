import fc from 'fast-check';
import { reconnectDelayMs } from '@paravcl/shared/protocol/reconnect';
import { waitLeftMs } from './reconnect-model';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('nobody waits longer than three seconds', () => {
  fc.assert(
    fc.property(random, fc.nat(), (at, attempt) => {
      for (const waitMs of [reconnectDelayMs(attempt, at), waitLeftMs(at)]) {
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(3000);
      }
    }),
  );
});

test('what is left of a wait is as when somebody looks at a random moment', () => {
  // Waits follow each other; looked at from a moment in the middle of a long row of them, the rest of the one that runs.
  const waits = Array.from({ length: 20_001 }, (_, at) => (at * 3000) / 20_000);
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  const shareBelow = (ms: number): number => waits.reduce((sum, wait) => sum + Math.min(wait, ms), 0) / total;
  for (const share of [0.1, 0.5, 0.9]) expect(shareBelow(waitLeftMs(share))).toBeCloseTo(share, 3);
});
