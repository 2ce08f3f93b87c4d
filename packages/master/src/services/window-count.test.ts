import { WindowCount } from './window-count';

const counted = (most: number) => {
  let nowMs = 0;
  const clock = { now: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
  const window = new WindowCount(clock, { most, windowMs: 60_000 });
  return { window, passes: (ms: number) => (nowMs += ms) };
};

test('so many a minute pass, then none until the minute is over, and each caller has a minute of its own', () => {
  const { window, passes } = counted(2);
  window.count('a');
  passes(10_000);
  expect(window.waitMs('a')).toBe(0);
  window.count('a');
  expect(window.waitMs('a')).toBe(50_000);
  expect(window.waitMs('b')).toBe(0);
  passes(49_999);
  expect(window.waitMs('a')).toBe(1);
  passes(1);
  expect(window.waitMs('a')).toBe(0);
  window.count('a');
  expect(window.waitMs('a')).toBe(0);
});

test('asking on while one has to wait does not make the wait longer', () => {
  const { window, passes } = counted(1);
  window.count('a');
  passes(59_000);
  window.count('a');
  passes(1000);
  expect(window.waitMs('a')).toBe(0);
});

test('a flood of callers is forgotten, the oldest first', () => {
  const { window } = counted(1);
  window.count('first');
  for (let i = 0; i < 10_000; i++) window.count(`caller ${i}`);
  expect(window.waitMs('first')).toBe(0);
  expect(window.waitMs('caller 0')).toBeGreaterThan(0);
});
