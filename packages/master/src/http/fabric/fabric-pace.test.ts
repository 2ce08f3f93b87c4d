import { FabricPace } from './fabric-pace';

const paced = (perMinute: number) => {
  let nowMs = 0;
  const clock = { now: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
  const pace = new FabricPace(clock, perMinute);
  return { pace, passes: (ms: number) => (nowMs += ms) };
};

test('so many a minute pass, then none until the minute is over, and each caller has a minute of its own', () => {
  const { pace, passes } = paced(2);
  pace.count('a');
  passes(10_000);
  expect(pace.waitMs('a')).toBe(0);
  pace.count('a');
  expect(pace.waitMs('a')).toBe(50_000);
  expect(pace.waitMs('b')).toBe(0);
  passes(49_999);
  expect(pace.waitMs('a')).toBe(1);
  passes(1);
  expect(pace.waitMs('a')).toBe(0);
  pace.count('a');
  expect(pace.waitMs('a')).toBe(0);
});

test('asking on while one has to wait does not make the wait longer', () => {
  const { pace, passes } = paced(1);
  pace.count('a');
  passes(59_000);
  pace.count('a');
  passes(1000);
  expect(pace.waitMs('a')).toBe(0);
});

test('a flood of callers is forgotten, the oldest first', () => {
  const { pace } = paced(1);
  pace.count('first');
  for (let i = 0; i < 10_000; i++) pace.count(`caller ${i}`);
  expect(pace.waitMs('first')).toBe(0);
  expect(pace.waitMs('caller 0')).toBeGreaterThan(0);
});
