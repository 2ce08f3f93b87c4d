import fc from 'fast-check';
import { SeededRandom } from './seeded-random';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('the same seed gives the same numbers, and another seed others', () => {
  const draw = (seed: number): readonly number[] => Array.from({ length: 20 }, ((random) => () => random.next())(new SeededRandom(seed)));
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});

test('numbers stay between their ends, both of which come up', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = new SeededRandom(seed);
      const seen = new Set(Array.from({ length: 200 }, () => random.between(3, 6)));
      expect([...seen].sort()).toEqual([3, 4, 5, 6]);
    }),
  );
});

test('a fork does not depend on what its source is asked later', () => {
  const one = new SeededRandom(9);
  const other = new SeededRandom(9);
  const [a, b] = [one.fork(), other.fork()];
  one.next();
  expect(a.next()).toBe(b.next());
});
