import fc from 'fast-check';
import { cellOf, faultKinds, kindFor, leastMet, nextAtAnyTime, requiredCells, withoutStage, type Cell, type FaultKind } from './fault-plan';
import { SeededRandom } from './seeded-random';
import { stages, type Stage } from './stages';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** A run in which the stage that is hunted for comes half of the time, and another one otherwise. */
function drawn(seed: number, count: number): { readonly met: ReadonlyMap<Cell, number>; readonly done: ReadonlyMap<FaultKind, number> } {
  const random = new SeededRandom(seed);
  const met = new Map<Cell, number>();
  const done = new Map<FaultKind, number>();
  for (let fault = 0; fault < count; fault += 1) {
    const tally = { met, done };
    const anyTime = nextAtAnyTime(random, tally, faultKinds);
    const stage: Stage | null = anyTime !== null ? null : random.chance(0.5) ? random.pick(leastMet(tally, faultKinds)) : random.pick(stages);
    const kind = anyTime ?? kindFor(random, stage ?? 'booting', tally, faultKinds);
    done.set(kind, (done.get(kind) ?? 0) + 1);
    if (stage !== null) met.set(cellOf(kind, stage), (met.get(cellOf(kind, stage)) ?? 0) + 1);
  }
  return { met, done };
}

test('two hundred faults meet every kind in every stage, and every kind there is', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { met, done } = drawn(seed, 200);
      expect(requiredCells.filter((cell) => !met.has(cell))).toEqual([]);
      expect([...done.keys()].sort()).toEqual([...faultKinds].sort());
    }),
    { numRuns: 50 },
  );
});

test('the same seed draws the same faults', () => {
  fc.assert(fc.property(seeds, (seed) => expect(drawn(seed, 40)).toEqual(drawn(seed, 40))), { numRuns: 20 });
});

test('what needs no stage is never aimed at one', () => {
  const { met } = drawn(7, 500);
  for (const kind of Object.keys(withoutStage) as FaultKind[]) for (const stage of stages) expect(met.has(cellOf(kind, stage))).toBe(false);
});
