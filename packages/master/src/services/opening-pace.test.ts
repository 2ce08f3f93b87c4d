import fc from 'fast-check';
import { OpeningPace } from './opening-pace';

test('a burst is let in, then five a second, each person by themselves', () => {
  const pace = new OpeningPace(3);
  expect([1, 2, 3, 4].map(() => pace.take('anna', 0))).toEqual([0, 0, 0, 1]);
  expect(pace.take('bela', 0)).toBe(0);
  expect(pace.take('anna', 100)).toBe(1);
  expect([pace.take('anna', 200), pace.take('anna', 200)]).toEqual([0, 1]);
  expect([1, 2, 3, 4].map(() => pace.take('anna', 60_000))).toEqual([0, 0, 0, 1]);
});

test('whatever the pauses, no more come in than the burst and five a second', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 300 }), (pauses) => {
      const pace = new OpeningPace(10);
      let [now, taken] = [0, 0];
      for (const pause of pauses) {
        now += pause;
        if (pace.take('anna', now) === 0) taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(10 + (now / 1000) * 5 + 1e-6);
    }),
  );
});
