import { slaveWarnings } from './slave-warnings';

const lab = (clockOffsetMs: number | null, troubles: readonly string[] = []) =>
  slaveWarnings({ name: 'lab-1', isDead: false, describe: { clockOffsetMs, troubles: troubles.map((sentence) => ({ code: 'pool-full' as const, sentence })) } });

test('a clock up to 5 s wrong, or not measured yet, is no warning', () => {
  for (const offset of [null, 0, 5000, -5000]) expect(lab(offset)).toEqual([]);
});

test('a clock that is further off is told with its distance and the way out', () => {
  expect(lab(5001)).toEqual([expect.stringMatching(/^The clock of lab-1 is 5 s ahead of the master's.*chronyc makestep/)]);
  expect(lab(-3_600_000)).toEqual([expect.stringMatching(/^The clock of lab-1 is 3600 s behind the master's/)]);
});

test('troubles are told in the slave’s own words; an agent that knows none tells none', () => {
  expect(lab(0, ['The pool is full.'])).toEqual(['The pool is full.']);
  expect(slaveWarnings({ name: 'lab-1', isDead: false, describe: { clockOffsetMs: 0 } })).toEqual([]);
});

test('one that was declared dead says so before all else, with what can be done about what it has', () => {
  const [first, ...others] = slaveWarnings({ name: 'lab-1', isDead: true, describe: { clockOffsetMs: 0, troubles: [{ code: 'pool-full', sentence: 'Full.' }] } });
  expect(first).toMatch(/^lab-1 was declared dead: .*recover/);
  expect(others).toEqual(['Full.']);
});
