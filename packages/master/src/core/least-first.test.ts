import fc from 'fast-check';
import { LeastFirst } from './least-first';

describe('things of which the least is next', () => {
  const items = fc.array(fc.record({ value: fc.integer({ min: 0, max: 9 }), turns: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 20 });

  it('come in the order in which looking through all of them would find each', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 5 }), (given, step) => {
        const named = () => given.map((item, at) => ({ ...item, at }));
        type Item = ReturnType<typeof named>[number];
        const compare = (a: Item, b: Item): number => a.value - b.value || a.at - b.at;
        const [heaped, looked] = [named(), named()];
        const heap = new LeastFirst(heaped, compare);
        const rounds = given.reduce((sum, { turns }) => sum + turns, 0);
        for (let round = 0; round < rounds; round++) {
          const expected = looked.filter(({ turns }) => turns > 0).reduce((least, one) => (compare(one, least) < 0 ? one : least));
          const { least } = heap;
          expect([least.at, heap.isEmpty]).toEqual([expected.at, false]);
          for (const one of [least, expected]) {
            one.turns--;
            one.value += step;
          }
          heap.leastChanged(least.turns > 0);
        }
        expect(heap.isEmpty).toBe(true);
        expect(() => heap.least).toThrow('Nothing is left in the heap.');
      }),
    );
  });
});
