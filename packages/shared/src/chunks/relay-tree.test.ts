import fc from 'fast-check';
import { memberAt, parentRank, rankOf, relaySize, relayTiers } from './relay-tree';

const members = fc.uniqueArray(fc.record({ number: fc.nat(1000), weight: fc.integer({ min: 0, max: 2 }) }), { selector: ({ number }) => number, maxLength: 70 });
const equals = (count: number) => Array.from({ length: count }, (_, number) => ({ number, weight: 1 }));

/** Chunks that each member sends of so many places. */
function sent(all: readonly { readonly number: number; readonly weight: number }[], places: number): ReadonlyMap<number, number> {
  const tiers = relayTiers(all);
  const counts = new Map(all.map(({ number }) => [number, 0]));
  for (let place = 0; place < places; place += 1) {
    for (let rank = 1; rank < relaySize(tiers); rank += 1) {
      const parent = memberAt(tiers, place, parentRank(rank)) ?? -1;
      counts.set(parent, (counts.get(parent) ?? 0) + 1);
    }
  }
  return counts;
}

describe('the relay tree of a chunk', () => {
  it('is the same for whoever computes it, in whatever order the members were told', () => {
    fc.assert(fc.property(members, (all) => expect(relayTiers([...all].reverse())).toEqual(relayTiers(all))));
  });

  it('has each serving member once, and its ranks tell whose they are', () => {
    fc.assert(
      fc.property(members, fc.nat(500), (all, place) => {
        const tiers = relayTiers(all);
        const inTree = Array.from({ length: relaySize(tiers) }, (_, rank) => memberAt(tiers, place, rank));
        expect([...inTree].sort()).toEqual(all.flatMap(({ number, weight }) => (weight > 0 ? [number] : [])).sort());
        inTree.forEach((number, rank) => expect(rankOf(tiers, place, number ?? -1)).toBe(rank));
        for (const { number, weight } of all) if (weight === 0) expect(rankOf(tiers, place, number)).toBeNull();
        expect(memberAt(tiers, place, inTree.length)).toBeNull();
      }),
    );
  });

  it('leads from every rank to the owner, in no more steps than the logarithm of its size', () => {
    for (let rank = 1; rank < 5000; rank += 1) {
      expect(parentRank(rank)).toBeLessThan(rank);
      let steps = 0;
      for (let at = rank; at > 0; at = parentRank(at)) steps += 1;
      expect(steps).toBeLessThanOrEqual(Math.ceil(Math.log2(rank + 1)));
    }
  });

  it('lets equal members send equally, and speak to few others', () => {
    for (const count of [2, 3, 7, 8, 32, 61]) {
      const tiers = relayTiers(equals(count));
      expect(new Set(sent(equals(count), count).values())).toEqual(new Set([count - 1]));
      const parents = new Set(Array.from({ length: count }, (_, place) => rankOf(tiers, place, 0) ?? 0).flatMap((rank, place) => (rank === 0 ? [] : [memberAt(tiers, place, parentRank(rank))])));
      expect(parents.size).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
    }
  });

  it('lets volunteers serve nobody while as many others serve', () => {
    const all = [...equals(20).map(({ number }) => ({ number, weight: 2 })), ...equals(12).map(({ number }) => ({ number: number + 100, weight: 1 }))];
    const counts = sent(all, 100);
    for (const { number, weight } of all) expect(weight === 1 ? counts.get(number) === 0 : (counts.get(number) ?? 0) > 0).toBe(true);
  });

  it('lets volunteers help when they are many', () => {
    const all = [{ number: 0, weight: 2 }, ...equals(31).map(({ number }) => ({ number: number + 1, weight: 1 }))];
    const counts = sent(all, 310);
    expect(counts.get(0)).toBeLessThanOrEqual(310 * 5);
    expect(Math.max(...[...counts].filter(([number]) => number > 0).map(([, chunks]) => chunks))).toBeLessThanOrEqual(310);
  });
});
