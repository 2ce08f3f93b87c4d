import fc from 'fast-check';
import { setBetween } from './steady-clock';

test('a clock that runs, corrected by less than minutes, was not set', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400_000 }), fc.integer({ min: -300_000, max: 300_000 }), (elapsedMs, drift) => {
      expect(setBetween({ wallMs: 1000, monotonicMs: 7 }, { wallMs: 1000 + elapsedMs + drift, monotonicMs: 7 + elapsedMs })).toBe(0);
    }),
  );
});

test('a clock that was set is told by how much, ahead and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400_000 }), fc.integer({ min: 300_001, max: 1e12 }), fc.constantFrom(1, -1), (elapsedMs, by, sign) => {
      expect(setBetween({ wallMs: 2e12, monotonicMs: 0 }, { wallMs: 2e12 + elapsedMs + sign * by, monotonicMs: elapsedMs })).toBe(sign * by);
    }),
  );
});
