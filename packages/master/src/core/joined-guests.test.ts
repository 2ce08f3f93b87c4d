import { joinedSince, withGuest } from './joined-guests';
import { running, slave } from './small-world.model';

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
  expect(joinedSince({ ...empty }, both)).toBeNull();
  expect(joinedSince(withGuest(empty, second), both)).toBeNull();
});
