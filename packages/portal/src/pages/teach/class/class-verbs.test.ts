import type { Tile } from './class-tile';
import { nextVerb, targetOf, told } from './class-verbs';

const tile = (state: Tile['state'], isMade = true): Tile => ({ slot: 1, instanceId: 'i', userId: 'u', person: null, name: null, phase: 'running', state, sentence: null, isMade, isSilent: false });

test('the next step of a class that runs is to save it, of a saved one to go on, of one that is off to start', () => {
  expect(nextVerb([tile('running'), tile('running'), tile('failed')])).toBe('suspend');
  expect(nextVerb([tile('suspended'), tile('suspended'), tile('running')])).toBe('resume');
  expect(nextVerb([tile('stopped'), tile('failed'), tile('running')])).toBe('start');
});

test('nothing suggests itself while all is under way, or nothing is made', () => {
  expect(nextVerb([])).toBeNull();
  expect(nextVerb([tile('booting'), tile('wanted', false), tile('refused', false)])).toBeNull();
});

test('nothing is told to places without a machine', () => {
  expect(told([tile('running'), tile('refused', false)])).toHaveLength(1);
});

test('with nothing chosen a verb is for all, or for what a filter shows; what nobody sees is told nothing unless it is chosen', () => {
  const [failed, running, refused] = [tile('failed'), tile('running'), tile('refused', false)];
  const all = [failed, running, refused];
  expect(targetOf(all, all, [])).toEqual({ tiles: [failed, running], isWhole: true });
  expect(targetOf(all, [failed], [])).toEqual({ tiles: [failed], isWhole: false });
  expect(targetOf(all, [failed], [running])).toEqual({ tiles: [running], isWhole: false });
  expect(targetOf(all, [], [])).toEqual({ tiles: [], isWhole: false });
});
