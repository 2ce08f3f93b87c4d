import type { DeploymentMember } from '@paravcl/shared/domain/deployment';
import { countPhases, findTiles, tileOf, titleOf } from './class-tile';

const member = (change: Partial<DeploymentMember>): DeploymentMember => ({ slot: 1, userId: 'u1', instanceId: 'i1', state: 'made', name: 'cl-ii-alice', desired: 'running', observed: 'running', slaveId: 's1', address: null, reason: null, sentence: null, ...change });
const people = new Map([['u1', 'Alice Ängström'], ['u2', 'Bob']]);

test('a machine that failed says why, and needs somebody', () => {
  const tile = tileOf(member({ observed: 'failed', reason: { code: 'DeadlinePassed', sentence: 'It took too long.' } }), people);
  expect(tile).toMatchObject({ phase: 'failed', state: 'failed', sentence: 'It took too long.', person: 'Alice Ängström', isMade: true });
});

test('one whose slave is silent does not count as running', () => {
  expect(tileOf(member({ reason: { code: 'SlaveOffline', sentence: 'lab-pc-07 is silent.' } }), people)).toMatchObject({ phase: 'failed', state: 'running', isSilent: true });
  expect(tileOf(member({ reason: { code: 'TimeEnded', sentence: 'Its time ended.' } }), people).phase).toBe('running');
});

test('a place that was refused one failed, and nothing can be told to it', () => {
  expect(tileOf(member({ state: 'refused', observed: null, name: null, sentence: 'The limit is 5.' }), people)).toMatchObject({ phase: 'failed', state: 'refused', isMade: false, sentence: 'The limit is 5.' });
  expect(tileOf(member({ state: 'wanted', observed: null, name: null }), people)).toMatchObject({ phase: 'waiting', isMade: false });
  expect(tileOf(member({ observed: null, name: null }), people)).toMatchObject({ phase: 'off', state: 'deleted', isMade: false });
});

test('a tile is named after its person, else its machine, else its place', () => {
  expect(titleOf(tileOf(member({}), people))).toBe('Alice Ängström');
  expect(titleOf(tileOf(member({ userId: 'u9' }), people))).toBe('cl-ii-alice');
  expect(titleOf(tileOf(member({ userId: 'u9', name: null, slot: 7 }), people))).toBe('#7');
});

test('tiles are counted and found by kind and by either name', () => {
  const tiles = [tileOf(member({}), people), tileOf(member({ slot: 2, userId: 'u2', name: 'cl-ii-bob', observed: 'queued' }), people), tileOf(member({ slot: 3, userId: 'u9', name: 'cl-ii-carol', observed: 'stopped' }), people)];
  expect(countPhases(tiles)).toEqual({ failed: 0, waiting: 1, running: 1, off: 1 });
  expect(findTiles(tiles, 'all', ' ängs').map(({ slot }) => slot)).toEqual([1]);
  expect(findTiles(tiles, 'all', 'CL-II').map(({ slot }) => slot)).toEqual([1, 2, 3]);
  expect(findTiles(tiles, 'waiting', '').map(({ slot }) => slot)).toEqual([2]);
  expect(findTiles(tiles, 'running', 'bob')).toEqual([]);
});
