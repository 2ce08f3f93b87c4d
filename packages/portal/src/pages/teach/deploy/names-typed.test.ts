import { namesTyped } from './names-typed';

test('names may stand on lines or in a row, and nobody counts twice', () => {
  expect(namesTyped(' alice\nbob, carol;dave  alice\n')).toEqual(['alice', 'bob', 'carol', 'dave']);
  expect(namesTyped(' \n')).toEqual([]);
});
