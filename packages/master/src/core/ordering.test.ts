import { priorityOf, roundPi } from '@paravcl/shared/priority';
import fc from 'fast-check';
import { orderingPolicies } from './ordering';
import { noRoom, type WaitingInstance } from './snapshot';

const parts = priorityOf({ pfv: 0, ras: false, mon: false, ramMiB: 512, minutes: 60 });
const waiting = (id: string, { pi = 8, ras = 0, ...facts }: Partial<WaitingInstance> & { readonly pi?: number; readonly ras?: 0 | 1 } = {}): WaitingInstance => ({
  id, name: id, type: 'BE', userId: 'u', groupId: null, generation: 1, need: noRoom, priority: { ...parts, pi, ras }, createdAt: 0, runMs: null, attempts: [], boundTo: null,
  nominatedTo: null, booking: null, spared: false, reason: null, ...facts,
});
const served = (policy: keyof typeof orderingPolicies, ...queue: readonly WaitingInstance[]): readonly string[] => [...queue].sort(orderingPolicies[policy].compare).map(({ id }) => id);

describe('para', () => {
  test('serves what is reserved first, then the highest priority', () => {
    expect(served('para', waiting('low', { pi: 7 }), waiting('high', { pi: 9 }), waiting('reserved', { type: 'AR', pi: 1 }))).toEqual(['reserved', 'high', 'low']);
  });

  test('of equal priorities serves who lends a machine first, then who came first, then the smaller id', () => {
    const queue = [waiting('d', { createdAt: 1 }), waiting('b'), waiting('a'), waiting('c', { createdAt: 5, ras: 1 })];
    expect(served('para', ...queue)).toEqual(['c', 'a', 'b', 'd']);
  });

  test('takes priorities for equal that are equal at six decimals', () => {
    expect(served('para', waiting('later', { pi: 7.592_904_1, createdAt: 1 }), waiting('sooner', { pi: 7.592_903_9 }))).toEqual(['sooner', 'later']);
    expect(orderingPolicies.para.outranks(7.592_904_1, 7.592_903_9)).toBe(false);
  });

  test('lets only a strictly higher priority have others suspended', () => {
    expect(orderingPolicies.para.outranks(8, 7)).toBe(true);
    expect(orderingPolicies.para.outranks(7, 7)).toBe(false);
    expect(orderingPolicies.para.outranks(6, 7)).toBe(false);
  });
});

describe('fifo', () => {
  test('serves what is reserved first, then who came first, whatever the priority', () => {
    const queue = [waiting('late', { pi: 9, createdAt: 2 }), waiting('early', { pi: 5, createdAt: 1 }), waiting('reserved', { type: 'AR', createdAt: 3 })];
    expect(served('fifo', ...queue)).toEqual(['reserved', 'early', 'late']);
  });

  test('lets nobody have others suspended', () => {
    expect(orderingPolicies.fifo.outranks(20, 1)).toBe(false);
  });
});

test.each(['para', 'fifo'] as const)('%s is a total order: the queue is the same whatever order it was read in', (name) => {
  const arbitrary = fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      type: fc.constantFrom('BE' as const, 'AR' as const),
      pi: fc.constantFrom(7, 7.000_000_4, 7.000_001, 8).map((pi) => (pi === 7.000_000_4 ? pi : roundPi(pi))),
      ras: fc.constantFrom(0 as const, 1 as const),
      createdAt: fc.integer({ min: 0, max: 2 }),
    }),
    { selector: ({ id }) => id, minLength: 2 },
  );
  fc.assert(
    fc.property(arbitrary.chain((facts) => fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length }))), ([facts, shuffled]) => {
      const queue = (list: typeof facts) => served(name, ...list.map(({ id, ...rest }) => waiting(id, rest)));
      expect(queue(shuffled)).toEqual(queue(facts));
    }),
    { numRuns: 500 },
  );
});
