import { joinedSince, withGuest } from './joined-guests';
import { running, slave } from './small-world.model';
import type { SlaveView } from './snapshot';

test('a slave that a guest joins has promised it its room, and runs it at its place in the order of ids', () => {
  const [first, second, third] = [running('a', 1), running('b', 1), running('c', 1)];
  const before = slave('one', { running: [first, third] });
  const after = withGuest(before, second);
  expect(after.running.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(after.promised.vcpus).toBe(before.promised.vcpus + second.need.vcpus);
  expect(before.running).toHaveLength(2);
});

test('it is known who joined between two states of a slave, and that anything else is another state', () => {
  const [first, second] = [running('b', 1), running('a', 2)];
  const empty = slave('one', { running: [] });
  const both = withGuest(withGuest(empty, first), second);
  expect(joinedSince(empty, both)).toEqual([first, second]);
  expect(joinedSince(empty, empty)).toEqual([]);
  expect(joinedSince(both, empty)).toBeNull();
  expect(joinedSince(empty, { ...both })).toBeNull();
});

test('of a slave that many join, the last few are known, and it holds no more', () => {
  const views = [slave('one', { running: [] })];
  for (let number = 0; number < 100; number += 1) views.push(withGuest(views.at(-1) as SlaveView, running(`guest-${String(number)}`, 1)));
  const known = views.map((view) => joinedSince(view, views.at(-1) as SlaveView));
  const count = known.filter((guests) => guests !== null).length;
  expect(count).toBeGreaterThan(4);
  expect(count).toBeLessThan(10);
  known.slice(-count).forEach((guests, index) => { expect(guests).toHaveLength(count - 1 - index); });
});
