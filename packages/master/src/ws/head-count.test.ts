import { HeadCount } from './head-count';

test('counts in all and by whom, and who leaves twice leaves once', () => {
  const count = new HeadCount();
  const leave = count.enter('alice');
  count.enter('alice');
  count.enter('bob');
  expect([count.total, count.of('alice'), count.of('bob'), count.of('carol')]).toEqual([3, 2, 1, 0]);
  leave();
  leave();
  expect([count.total, count.of('alice')]).toEqual([2, 1]);
});
