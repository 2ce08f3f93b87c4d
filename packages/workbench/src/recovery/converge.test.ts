import { setTimeout } from 'node:timers/promises';
import { converge } from './converge';

test('a site at rest is asked twice, and the first look is the time', async () => {
  let looks = 0;
  const { seconds, late } = await converge(performance.now(), 10_000, () => Promise.resolve(++looks > 1 ? [] : ['booting']));
  expect(looks).toBe(3);
  expect(late).toEqual([]);
  expect(seconds).toBeGreaterThan(0.3);
  expect(seconds).toBeLessThan(5);
});

test('what is different after the limit is told, and it is waited for on', async () => {
  let looks = 0;
  const { seconds, late } = await converge(performance.now() - 31_000, 30_000, () => Promise.resolve(++looks > 1 ? [] : ['booting']));
  expect(late).toEqual(['booting']);
  expect(seconds).toBeGreaterThan(31);
});

test('a site that never rests has no time', async () => {
  expect(await converge(performance.now() - 400_000, 30_000, () => Promise.reject(new Error('no database')))).toEqual({ seconds: null, late: ['no database'] });
});

test('the time of a look that takes long counts', async () => {
  const { seconds } = await converge(performance.now(), 10_000, async () => {
    // A timer may come a fraction of a millisecond early.
    await setTimeout(301);
    return [];
  });
  expect(seconds).toBeGreaterThanOrEqual(0.3);
});
