import { priorityOf, roundPi } from '@paravcl/shared/priority';
import fc from 'fast-check';
import { inOrder, orderingPolicies } from './ordering';
import { agingOf, whileWaiting } from './queue-terms';
import { noRoom, type WaitingInstance } from './snapshot';

const parts = priorityOf({ pfv: 0, ras: false, mon: false, ramMiB: 512, minutes: 60 });
const waiting = (id: string, { pi = 8, ras = 0, ...facts }: Partial<WaitingInstance> & { readonly pi?: number; readonly ras?: 0 | 1 } = {}): WaitingInstance => ({
  id, name: id, type: 'BE', userId: 'u', groupId: null, generation: 1, need: noRoom, priority: { ...parts, pi, ras }, createdAt: 0, waitsSince: 0, runMs: null, attempts: [], boundTo: null,
  nominatedTo: null, booking: null, spared: false, reason: null, ...facts,
});
const hourMs = 3_600_000;
const served = (policy: keyof typeof orderingPolicies, queue: readonly WaitingInstance[], agingPerHour = 0): readonly string[] => inOrder(queue, orderingPolicies[policy], { agingPerHour }).map(({ id }) => id);

describe('para', () => {
  test('serves what is reserved first, then the highest priority', () => {
    expect(served('para', [waiting('low', { pi: 7 }), waiting('high', { pi: 9 }), waiting('reserved', { type: 'AR', pi: 1 })])).toEqual(['reserved', 'high', 'low']);
  });

  test('of equal priorities serves who lends a machine first, then who came first, then the smaller id', () => {
    const queue = [waiting('d', { createdAt: 1 }), waiting('b'), waiting('a'), waiting('c', { createdAt: 5, ras: 1 })];
    expect(served('para', queue)).toEqual(['c', 'a', 'b', 'd']);
  });

  test('takes priorities for equal that are equal at six decimals', () => {
    expect(served('para', [waiting('later', { pi: 7.592_904_1, createdAt: 1 }), waiting('sooner', { pi: 7.592_903_9 })])).toEqual(['sooner', 'later']);
    expect(orderingPolicies.para.outranks(7.592_904_1, 7.592_903_9)).toBe(false);
  });

  test('lets only a strictly higher priority have others suspended', () => {
    expect(orderingPolicies.para.outranks(8, 7)).toBe(true);
    expect(orderingPolicies.para.outranks(7, 7)).toBe(false);
    expect(orderingPolicies.para.outranks(6, 7)).toBe(false);
  });
});

describe('waiting', () => {
  test('counts an hour as much as 0.2 of Pi', () => {
    const [fresh, waited] = [waiting('fresh', { pi: 8.19, waitsSince: 10 * hourMs }), waiting('waited', { pi: 8, waitsSince: 9 * hourMs })];
    expect(served('para', [fresh, waited], 0.2)).toEqual(['waited', 'fresh']);
    expect(served('para', [{ ...fresh, priority: { ...parts, pi: 8.21, ras: 0 } }, waited], 0.2)).toEqual(['fresh', 'waited']);
    expect(served('para', [fresh, waited], 0)).toEqual(['fresh', 'waited']);
  });

  test('counts beside past usage, which takes away', () => {
    const greedy = waiting('greedy', { pi: 9 });
    expect(served('para', [waiting('modest', { pi: 8 }), { ...greedy, priority: { ...greedy.priority, usage: -1.5 } }], 0.2)).toEqual(['modest', 'greedy']);
  });

  test('is nothing to what is reserved, nor to who comes first', () => {
    const reserved = [waiting('strong', { type: 'AR', pi: 9, waitsSince: 10 * hourMs }), waiting('waited', { type: 'AR', pi: 8 })];
    expect(served('para', reserved, 2)).toEqual(['strong', 'waited']);
    expect(served('fifo', [waiting('late', { createdAt: 2 }), waiting('early', { createdAt: 1, waitsSince: 10 * hourMs })], 2)).toEqual(['early', 'late']);
  });

  test('lets nobody have others suspended', () => {
    const { outranks } = orderingPolicies.para;
    const pi = fc.double({ min: 5, max: 15, noNaN: true });
    fc.assert(fc.property(pi, pi, (own, theirs) => expect(outranks(own, theirs)).toBe(roundPi(own) > roundPi(theirs))));
  });

  test('never turns the order of two who wait, and lets a newcomer pass for as long as the difference of Pi is worth', () => {
    const facts = fc.record({ pi: fc.double({ min: 5, max: 12, noNaN: true }).map(roundPi), waitsSince: fc.integer({ min: 1_790_000_000_000, max: 1_800_000_000_000 }) });
    fc.assert(
      fc.property(facts, facts, fc.constantFrom(0.05, 0.2, 3), fc.nat({ max: 1e9 }), (one, other, agingPerHour, laterMs) => {
        const first = served('para', [waiting('one', one), waiting('other', other)], agingPerHour)[0];
        const at = Math.max(one.waitsSince, other.waitsSince) + laterMs;
        const shown = (instance: WaitingInstance): number => { const { pi, aging = 0 } = whileWaiting(instance, at, { agingPerHour }); return pi + aging; };
        const difference = shown(waiting('one', one)) - shown(waiting('other', other));
        if (Math.abs(difference) > 1e-5) expect(first).toBe(difference > 0 ? 'one' : 'other');
        const newcomer = { pi: 12, waitsSince: one.waitsSince + ((12 - one.pi) / agingPerHour) * hourMs + 1000 };
        expect(served('para', [waiting('newcomer', newcomer), waiting('one', one)], agingPerHour)[0]).toBe('one');
      }),
    );
  });

  test('is shown as what it has added by now', () => {
    const instance = waiting('w', { waitsSince: 8 * hourMs });
    expect(whileWaiting(instance, 9.5 * hourMs, { agingPerHour: 0.2 })).toEqual({ ...instance.priority, aging: expect.closeTo(0.3, 9) as number });
    expect(whileWaiting(instance, 9.5 * hourMs, { agingPerHour: 0 })).toEqual(instance.priority);
    expect(agingOf({ ...instance, type: 'AR' }, 9.5 * hourMs, { agingPerHour: 0.2 })).toBe(0);
  });
});

describe('fifo', () => {
  test('serves what is reserved first, then who came first, whatever the priority', () => {
    const queue = [waiting('late', { pi: 9, createdAt: 2 }), waiting('early', { pi: 5, createdAt: 1 }), waiting('reserved', { type: 'AR', createdAt: 3 })];
    expect(served('fifo', queue)).toEqual(['reserved', 'early', 'late']);
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
      waitsSince: fc.constantFrom(0, 1, 20, 1e9),
    }),
    { selector: ({ id }) => id, minLength: 2 },
  );
  fc.assert(
    fc.property(arbitrary.chain((facts) => fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length }))), ([facts, shuffled]) => {
      const queue = (list: typeof facts) => served(name, list.map(({ id, ...rest }) => waiting(id, rest)), 0.2);
      expect(queue(shuffled)).toEqual(queue(facts));
    }),
    { numRuns: 500 },
  );
});
