import { keepOrder, orderTiles } from './class-order';
import type { Tile } from './class-tile';

const tile = (slot: number, person: string, phase: Tile['phase'] = 'running'): Tile => ({ slot, instanceId: `i${slot}`, userId: `u${slot}`, person, name: null, phase, state: 'running', sentence: null, isMade: true, isSilent: false });

test('those that failed come first, the others by name whatever they do', () => {
  const tiles = [tile(1, 'Zoe', 'waiting'), tile(2, 'alice'), tile(3, 'Student 10', 'off'), tile(4, 'Student 9'), tile(5, 'Yan', 'failed'), tile(6, 'Bob', 'failed')];
  expect(orderTiles(tiles, 'en').map(({ slot }) => slot)).toEqual([6, 5, 2, 4, 3, 1]);
});

test('people of one name keep the order of their places', () => {
  expect(orderTiles([tile(2, 'Li'), tile(1, 'Li')], 'en').map(({ slot }) => slot)).toEqual([1, 2]);
});

test('under the pointer nothing moves: what failed meanwhile stays where it was, what is new comes last, what is gone leaves', () => {
  const kept = keepOrder([3, 1, 2], [tile(4, 'A', 'failed'), tile(2, 'B', 'failed'), tile(3, 'C')]);
  expect(kept.map(({ slot }) => slot)).toEqual([3, 2, 4]);
});
