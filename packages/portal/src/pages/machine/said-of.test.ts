import { saidOf } from './said-of';

const reason = (sentence: string) => ({ code: 'KeptForReservation' as const, sentence });
const saved = 'i-one is saved with everything open, because its room is reserved by CL II from 14:00.';
const waits = 'All 4 free cores are kept for CL II until 15:00. Earliest start: today 15:00.';

test('a machine that waits for its first start is told what it waits for, once', () => {
  expect(saidOf({ observed: 'queued', reason: reason('All 4 free cores are kept for CL II.') }, { waitsFor: waits })).toEqual([waits]);
});

test('a machine that was saved and waits is told who saved it and what it waits for', () => {
  expect(saidOf({ observed: 'suspended', reason: reason(saved) }, { waitsFor: waits })).toEqual([saved, waits]);
  expect(saidOf({ observed: 'suspended', reason: reason('All 4 free cores are kept for CL II until 15:00.') }, { waitsFor: waits })).toEqual([waits]);
});

test('a machine that does not wait is told its reason, where there is one', () => {
  expect(saidOf({ observed: 'suspended', reason: reason(saved) }, null)).toEqual([saved]);
  expect(saidOf({ observed: 'running', reason: null }, null)).toEqual([]);
});
