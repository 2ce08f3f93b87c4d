import { neighbour } from './grid-keys';

test('arrows lead to the neighbours in a grid of four columns, and nowhere beyond its edge', () => {
  expect(neighbour('ArrowRight', 3, 4, 10)).toBe(4);
  expect(neighbour('ArrowLeft', 0, 4, 10)).toBeNull();
  expect(neighbour('ArrowDown', 3, 4, 10)).toBe(7);
  expect(neighbour('ArrowDown', 7, 4, 10)).toBeNull();
  expect(neighbour('ArrowUp', 5, 4, 10)).toBe(1);
  expect(neighbour('ArrowUp', 2, 4, 10)).toBeNull();
  expect(neighbour('End', 2, 4, 10)).toBe(9);
  expect(neighbour('Home', 0, 4, 10)).toBeNull();
  expect(neighbour('a', 2, 4, 10)).toBeNull();
});
