import { whoGivesWay, type Waiting } from './giving-way';

const nowMs = 100_000;
const from = (origin: string, progress: Waiting['progress'], ageMs: number): Waiting => ({ origin, progress, sinceMs: nowMs - ageMs });
const flood = (origin: string, many: number, progress: Waiting['progress']): Waiting[] => Array.from({ length: many }, (_, n) => from(origin, progress, 500 + n));

test('who has said nothing for a second goes first, wherever it is from', () => {
  const silent = from('10.0.0.1', 'silent', 1_000);
  expect(whoGivesWay([...flood('10.0.0.2', 50, 'identified'), from('10.0.0.1', 'silent', 999), silent], '10.0.0.3', nowMs)).toBe(silent);
});

test('who comes with many takes from themselves, and never from one who came alone', () => {
  const alone = from('10.0.0.1', 'silent', 900);
  for (const origin of ['10.0.0.1', '10.0.0.2', '10.0.0.9']) {
    expect(whoGivesWay([alone, ...flood('10.0.0.2', 5, 'encrypted')], origin, nowMs)).toEqual(from('10.0.0.2', 'encrypted', 504));
  }
});

test('of two that have as many, the new one’s own gives way', () => {
  const both = [...flood('10.0.0.1', 3, 'identified'), ...flood('10.0.0.2', 3, 'identified')];
  expect(whoGivesWay(both, '10.0.0.1', nowMs)?.origin).toBe('10.0.0.1');
  expect(whoGivesWay(both, '10.0.0.2', nowMs)?.origin).toBe('10.0.0.2');
});

test('of one address, who is less far goes first, then the oldest', () => {
  const [old, young, far] = [from('a', 'identified', 30), from('a', 'identified', 20), from('a', 'encrypted', 900)];
  expect(whoGivesWay([far, young, old], 'a', nowMs)).toBe(old);
  expect(whoGivesWay([far], 'a', nowMs)).toBe(far);
  expect(whoGivesWay([], 'a', nowMs)).toBeNull();
});
