import { newId } from '@paravcl/shared/ids';
import { deletedName, knownName } from './deleted-name';

const id = newId(1);

test('a deleted instance gives its name back, and is told of by it all the same', () => {
  const name = deletedName({ id, name: 'i-ubuntu-9af' });
  expect(name).toBe(`i-ubuntu-9af-${id.slice(-12)}`);
  expect(knownName({ id, name, observed: 'deleted' })).toBe('i-ubuntu-9af');
});

test('one that is there is told of by its whole name, whatever that ends with', () => {
  const name = `x-${id.slice(-12)}`;
  expect(knownName({ id, name, observed: 'running' })).toBe(name);
  expect(knownName({ id, name: deletedName({ id, name }), observed: 'deleted' })).toBe(name);
});

test('of a long name the first 50 characters are kept, so that it fits with the digits', () => {
  const name = 'a'.repeat(63);
  expect(deletedName({ id, name })).toHaveLength(63);
  expect(knownName({ id, name: deletedName({ id, name }), observed: 'deleted' })).toBe('a'.repeat(50));
});
