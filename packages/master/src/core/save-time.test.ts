import fc from 'fast-check';
import { leadMs, predictedSaveMs, unmeasuredSaveMiBPerSecond } from './save-time';

const rules = { saveSafety: 2, saveOverheadMs: 10_000 };

test('a guest of 512 MiB takes 13.8 seconds on a slave nobody has measured', () => {
  expect(predictedSaveMs(512, unmeasuredSaveMiBPerSecond)).toBe(13_800);
});

test('saves on one slave add up, and are planned for twice over with ten seconds on top', () => {
  expect(leadMs([512, 1024], 128, rules)).toBe(10_000 + 2 * (5000 + 9000));
});

test('nobody has to be saved: no time is needed', () => {
  expect(leadMs([], 40, rules)).toBe(0);
});

test('a measure of nothing plans for hours, never for ever', () => {
  expect(predictedSaveMs(3600, 0)).toBe(3_601_000);
});

test('more to save never takes less time, and a faster slave never more', () => {
  const rams = fc.array(fc.integer({ min: 32, max: 65_536 }), { maxLength: 20 });
  fc.assert(
    fc.property(rams, fc.integer({ min: 32, max: 65_536 }), fc.double({ min: 0, max: 5000, noNaN: true }), fc.double({ min: 0, max: 5000, noNaN: true }), (some, another, speed, faster) => {
      expect(leadMs([...some, another], speed, rules)).toBeGreaterThan(leadMs(some, speed, rules));
      expect(leadMs(some, speed + faster, rules)).toBeLessThanOrEqual(leadMs(some, speed, rules));
    }),
  );
});
