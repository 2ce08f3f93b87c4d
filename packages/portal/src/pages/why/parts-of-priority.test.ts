import { priorityOf } from '@paravcl/shared/priority';
import { partsOf } from './parts-of-priority';

it('shows the parts as they are added: RAM and time take away', () => {
  const { parts, pf, pi, weight } = partsOf(priorityOf({ pfv: 3, ras: true, mon: false, ramMiB: 1024, minutes: 120 }));
  expect(parts).toEqual([
    { name: 'pfv', value: 3 },
    { name: 'ras', value: 1 },
    { name: 'log2R', value: -10 },
    { name: 'lnE', value: -4.79 },
    { name: 'mon', value: 0 },
  ]);
  expect([pf, weight]).toEqual([-10.79, 0.2]);
  expect(pi).toBeCloseTo(10 + 0.2 * -10.7875, 3);
});

it('shows parts that add up to the shown sum, whatever rounding does', () => {
  for (let ramMiB = 100; ramMiB < 9000; ramMiB += 37) {
    for (let minutes = 1; minutes < 3000; minutes += 61) {
      const { parts, pf } = partsOf(priorityOf({ pfv: 1.005, ras: false, mon: true, ramMiB, minutes }));
      expect(Math.round(parts.reduce((sum, { value }) => sum + value, 0) * 100)).toBe(Math.round(pf * 100));
    }
  }
});

it('finds the weight that a site has set', () => {
  expect(partsOf(priorityOf({ pfv: 3, ras: true, mon: false, ramMiB: 1024, minutes: 120 }, { weight: 0.25, leastRamMiB: 1, leastMinutes: 1 })).weight).toBe(0.25);
});
