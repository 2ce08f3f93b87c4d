import fc from 'fast-check';
import { isShort, processorUse, shortSentence, type SlaRules, type Stretch } from './sla';

const rules: SlaRules = { share: 0.25, windowMs: 30_000, coreOvercommit: 1 };
const now = 1_000_000;

/** Six stretches of 5 s, each with so much of a core. */
const window = (got: number, delayed: number, vcpus = 1, waited = 0): readonly Stretch[] =>
  [5, 4, 3, 2, 1, 0].map((ago) => ({ vcpus, overMs: 5000, ranMs: got * 5000, delayedMs: delayed * 5000, waitedMs: waited * 5000, endedAt: now - ago * 5000 }));

const begins = (stretches: readonly Stretch[], over = rules): boolean => isShort(false, processorUse(stretches, now, over), over);

test('a guest that is capped at a fifth of a core and wants a whole one is short of most of its due', () => {
  expect(processorUse(window(0.2, 0.8), now, rules)).toMatchObject({ wanted: 1, got: 0.2, due: 1, missing: 0.8 });
  expect(begins(window(0.2, 0.8))).toBe(true);
});

test('a guest that idles is owed nothing', () => {
  expect(begins(window(0, 0))).toBe(false);
  expect(begins(window(0.05, 0.1))).toBe(false);
});

test('where cores are promised more often than once, the due is as much less', () => {
  const twice = { ...rules, coreOvercommit: 2 };
  expect(processorUse(window(0.5, 0.5), now, twice)).toMatchObject({ due: 0.5, missing: 0 });
  expect(begins(window(0.5, 0.5), twice)).toBe(false);
  expect(begins(window(0.3, 0.7), twice)).toBe(true);
  // Promising less than is there makes the due of a virtual CPU no more than a core.
  expect(processorUse(window(0.2, 0.8), now, { ...rules, coreOvercommit: 0.5 })).toMatchObject({ due: 1 });
});

test('the two counts of the time it waited are one', () => {
  expect(processorUse(window(0.5, 0.1, 1, 0.5), now, rules)).toMatchObject({ wanted: 1, missing: 0.5 });
});

test('half of the virtual CPUs that get nothing are half of the due', () => {
  expect(processorUse(window(1, 1, 2), now, rules)).toMatchObject({ due: 2, missing: 0.5 });
});

test('nothing is concluded from a part of a window, or from one in which the guest became another size', () => {
  expect(processorUse(window(0.2, 0.8).slice(3), now, rules)).toBeNull();
  expect(processorUse([...window(0.2, 0.8).slice(0, 5), ...window(0.2, 0.8, 2).slice(5)], now, rules)).toBeNull();
  expect([isShort(true, null, rules), isShort(false, null, rules)]).toEqual([true, false]);
});

test('what was is not: stretches before the window count no more', () => {
  expect(processorUse(window(0.2, 0.8).map((stretch) => ({ ...stretch, endedAt: stretch.endedAt - 30_000 })), now, rules)).toBeNull();
});

test('what swings about the limit is one violation: it ends under half of the limit', () => {
  const missing = (share: number) => processorUse(window(1 - share, share), now, rules);
  expect([0.2, 0.26, 0.2, 0.14, 0.12].map((share) => missing(share)).reduce<boolean[]>((told, use) => [...told, isShort(told.at(-1) ?? false, use, rules)], [])).toEqual([false, true, true, true, false]);
});

test('whatever is measured, what is missing is a share, nothing for who got the due, and never more than was wanted', () => {
  const amount = fc.double({ min: 0, max: 4, noNaN: true });
  fc.assert(
    fc.property(amount, amount, amount, fc.integer({ min: 1, max: 4 }), fc.double({ min: 0.1, max: 8, noNaN: true }), (got, delayed, waited, vcpus, coreOvercommit) => {
      const use = processorUse(window(got, delayed, vcpus, waited), now, { ...rules, coreOvercommit });
      if (use === null) throw new Error('the window is whole');
      expect(use.missing).toBeGreaterThanOrEqual(0);
      expect(use.missing).toBeLessThanOrEqual(1);
      if (use.got >= use.due) expect(use.missing).toBe(0);
      expect(use.missing * use.due).toBeLessThanOrEqual(Math.max(delayed, waited) + 1e-9);
    }),
  );
});

test('the sentence names the guest, the host, what it got of what, and the way out', () => {
  expect(shortSentence('i-ubuntu-9af', 'lab-3', { wanted: 1, got: 0.2, due: 1, missing: 0.8 }, rules)).toBe(
    'i-ubuntu-9af gets too little of a processor on lab-3: over 30 s it could use 1 of a core, its due is 1, and it got 0.2. It goes on, slower. If that lasts, suspend it and ask an operator of the lab to look at lab-3.',
  );
});
