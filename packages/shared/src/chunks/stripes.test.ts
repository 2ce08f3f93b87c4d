import fc from 'fast-check';
import { ownerOf, stripeSlots } from './stripes';

const members = fc.uniqueArray(fc.record({ number: fc.nat(1000), weight: fc.integer({ min: 0, max: 4 }) }), { selector: ({ number }) => number, maxLength: 40 });

describe('stripes', () => {
  it('are the same for whoever computes them, in whatever order the members were told', () => {
    fc.assert(fc.property(members, (all) => expect(stripeSlots([...all].reverse())).toEqual(stripeSlots(all))));
  });

  it('give each member as many slots as its weight, and spread them evenly', () => {
    fc.assert(
      fc.property(members, (all) => {
        const slots = stripeSlots(all);
        const total = all.reduce((sum, { weight }) => sum + weight, 0);
        expect(slots).toHaveLength(total);
        for (const { number, weight } of all) {
          const places = slots.flatMap((slot, at) => (slot === number ? [at] : []));
          expect(places).toHaveLength(weight);
          // In any half of the round it has about half of its slots.
          const inFirstHalf = places.filter((at) => at < total / 2).length;
          expect(Math.abs(inFirstHalf - weight / 2)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('have no owner when nobody serves', () => {
    expect(ownerOf(5, stripeSlots([{ number: 1, weight: 0 }]))).toBeNull();
  });
});
