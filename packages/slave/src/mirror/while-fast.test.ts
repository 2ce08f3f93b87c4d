import { WhileFast } from './while-fast';

const limits = { slowMs: 5, slowInRow: 3, elsewhere: 2 };
const asked = (fast: WhileFast, times: number): readonly boolean[] => Array.from({ length: times }, () => fast.mayBlock());

it('all is done at once while it is fast, and when one waited for a processor', () => {
  const fast = new WhileFast(limits);
  for (let round = 0; round < 5; round += 1) for (const ms of [50, 50, ...Array.from({ length: 16 }, () => 5)]) fast.took(ms);
  expect(asked(fast, 3)).toEqual([true, true, true]);
});

it('after slow ones in a row some go to another thread, then it is tried again', () => {
  const fast = new WhileFast(limits);
  for (let round = 0; round < 2; round += 1) {
    for (const ms of [6, 6, 6]) fast.took(ms);
    expect(asked(fast, 4)).toEqual([false, false, true, true]);
  }
});

it('slow and fast ones in turn are noticed', () => {
  const fast = new WhileFast(limits);
  for (const ms of [50, 1, 50, 1, 50]) fast.took(ms);
  expect(asked(fast, 3)).toEqual([false, false, true]);
});

it('after a very slow one the next ones go to another thread at once', () => {
  const fast = new WhileFast(limits);
  fast.took(101);
  expect(asked(fast, 3)).toEqual([false, false, true]);
});
