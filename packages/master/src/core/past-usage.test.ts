import fc from 'fast-check';
import { accruedBy, leftOf, usageTerm, type UsageRules } from './past-usage';

const hourMs = 3_600_000;
const rules: UsageRules = { userWeight: 0.1, groupWeight: 0.05, halfLifeMs: 7 * 24 * hourMs };
const amount = fc.double({ min: 0, max: 1e4, noNaN: true });
const span = fc.integer({ min: 0, max: 60 * 24 * hourMs });

test('half of what somebody had is forgotten in each half-life', () => {
  expect(leftOf({ coreHours: 8, countedAt: 0 }, rules.halfLifeMs, rules)).toBe(4);
  expect(leftOf({ coreHours: 8, countedAt: 0 }, 3 * rules.halfLifeMs, rules)).toBe(1);
  expect(leftOf(undefined, 5, rules)).toBe(0);
});

test('forgetting in two steps is forgetting in one, and never adds', () => {
  fc.assert(
    fc.property(amount, span, span, (coreHours, first, second) => {
      const between = { coreHours: leftOf({ coreHours, countedAt: 0 }, first, rules), countedAt: first };
      expect(leftOf(between, first + second, rules)).toBeCloseTo(leftOf({ coreHours, countedAt: 0 }, first + second, rules), 6);
      expect(between.coreHours).toBeLessThanOrEqual(coreHours);
    }),
  );
});

test('a clock that went back changes nothing', () => {
  expect(leftOf({ coreHours: 8, countedAt: 1000 }, 0, rules)).toBe(8);
  expect(accruedBy(4, 1000, 0, rules)).toBe(0);
});

test('what is held comes to cores times hours, less what was forgotten meanwhile; counted in two rounds it is the same', () => {
  expect(accruedBy(2, 0, hourMs, rules)).toBeCloseTo(2, 2);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), span, span, (cores, first, second) => {
      const whole = accruedBy(cores, 0, first + second, rules);
      const inTwo = leftOf({ coreHours: accruedBy(cores, 0, first, rules), countedAt: first }, first + second, rules) + accruedBy(cores, first, first + second, rules);
      expect(inTwo).toBeCloseTo(whole, 6);
      expect(whole).toBeLessThanOrEqual((cores * (first + second)) / hourMs + 1e-9);
    }),
  );
});

test('each doubling takes the weight away, of the person and of the course', () => {
  const book = { user: new Map([['anna', { coreHours: 7, countedAt: 0 }]]), group: new Map([['CL II', { coreHours: 63, countedAt: 0 }]]) };
  expect(usageTerm(book, { userId: 'anna', groupId: null }, rules, 0)).toBeCloseTo(-0.3);
  expect(usageTerm(book, { userId: 'anna', groupId: 'CL II' }, rules, 0)).toBeCloseTo(-0.6);
  expect(usageTerm(book, { userId: 'ben', groupId: null }, rules, 0)).toBe(0);
  expect(usageTerm(book, { userId: 'anna', groupId: 'CL II' }, { ...rules, userWeight: 0, groupWeight: 0 }, 0)).toBe(0);
});

test('the more somebody had, the more is taken away', () => {
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      const term = (coreHours: number): number => usageTerm({ user: new Map([['x', { coreHours, countedAt: 0 }]]), group: new Map() }, { userId: 'x', groupId: null }, rules, hourMs);
      if (a <= b) expect(term(a)).toBeGreaterThanOrEqual(term(b));
      expect(term(a)).toBeLessThanOrEqual(0);
    }),
  );
});
