import { chosenOf, smallestOf, type Choice } from './choices';

const choice = (kind: Choice['kind'], id: string): Choice => ({ kind, id, name: id, description: '', vcpus: null, ramMiB: null, minutes: null });
const [course, ubuntu] = [choice('template', 'course'), choice('family', 'ubuntu')];

test('an address names its choice, by kind and id', () => {
  expect(chosenOf(new URLSearchParams('family=ubuntu'), [course, ubuntu])).toBe(ubuntu);
  expect(chosenOf(new URLSearchParams('template=ubuntu'), [course, ubuntu])).toBeNull();
});

test('nothing is chosen for who has a choice, and the only choice is chosen', () => {
  expect(chosenOf(new URLSearchParams(), [course, ubuntu])).toBeNull();
  expect(chosenOf(new URLSearchParams(), [ubuntu])).toBe(ubuntu);
  expect(chosenOf(new URLSearchParams(), [])).toBeNull();
});

test('the smallest is the one with the fewest cores, then the least RAM; one that does not say counts only where none does', () => {
  const [small, lean, large] = [{ ...course, id: 'small', vcpus: 1, ramMiB: 512 }, { ...course, id: 'lean', vcpus: 1, ramMiB: 256 }, { ...course, id: 'large', vcpus: 4, ramMiB: 128 }];
  expect(smallestOf([ubuntu, large, small, lean])).toBe(lean);
  expect(smallestOf([ubuntu, course])).toBe(ubuntu);
  expect(smallestOf([])).toBeNull();
});

test('who asked for something that is gone is not given something else', () => {
  expect(chosenOf(new URLSearchParams('template=gone'), [ubuntu])).toBeNull();
});
