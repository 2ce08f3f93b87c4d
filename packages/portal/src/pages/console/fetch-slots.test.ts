import { FetchSlots } from './fetch-slots';

const never = new AbortController().signal;

test('no more than the slots are under way, and the others follow in their order', async () => {
  const slots = new FetchSlots(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((at) => slots.run(() => new Promise<void>((end) => {
    begun.push(at);
    ends[at] = end;
  }), never));
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  ends[1]?.();
  await all[1];
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  await Promise.all([all[0], all[2]]);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[3]?.();
  await all[3];
});

test('what is given up while it waits takes no turn, and what fails gives its slot back', async () => {
  const slots = new FetchSlots(1);
  let fail: (error: Error) => void = () => undefined;
  const first = slots.run(() => new Promise<never>((_resolve, reject) => (fail = reject)), never);
  const leaving = new AbortController();
  const second = slots.run(() => Promise.reject(new Error('it was run')), leaving.signal);
  const third = slots.run(() => Promise.resolve('third'), never);
  leaving.abort(new Error('given up'));
  await expect(second).rejects.toThrow('given up');
  fail(new Error('no screen'));
  await expect(first).rejects.toThrow('no screen');
  expect(await third).toBe('third');
});
