import { someAtOnce } from './some-at-once';

const soon = (): Promise<void> => new Promise((done) => setImmediate(done));

it('works on so many at a time, and answers in their order', async () => {
  let [now, most] = [0, 0];
  const answers = await someAtOnce([3, 1, 2, 5, 4], 2, async (number) => {
    most = Math.max(most, (now += 1));
    for (let turn = 0; turn < number; turn += 1) await soon();
    now -= 1;
    return number * 10;
  });
  expect([answers, most]).toEqual([[30, 10, 20, 50, 40], 2]);
});

it('begins none after one has failed', async () => {
  const begun: number[] = [];
  const work = async (number: number): Promise<void> => {
    begun.push(number);
    await soon();
    if (number === 1) throw new Error('the first failed');
    await soon();
  };
  await expect(someAtOnce([1, 2, 3, 4], 2, work)).rejects.toThrow('the first failed');
  for (let turn = 0; turn < 5; turn += 1) await soon();
  expect(begun).toEqual([1, 2]);
});
