import { askEach } from './ask-each';

test('so many are asked at a time, and a refusal stops no other', async () => {
  let underWay = 0;
  let most = 0;
  const heard: number[] = [];
  const answer = await askEach([1, 2, 3, 4, 5, 6, 7], 3, async (thing) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    if (thing % 3 === 0) throw new Error(`${thing} says no.`);
  }, (answered) => heard.push(answered));
  expect(most).toBe(3);
  expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(answer).toEqual({ accepted: [1, 2, 4, 5, 7], refused: [{ thing: 3, sentence: '3 says no.' }, { thing: 6, sentence: '6 says no.' }] });
});

test('nothing is asked of nothing', async () => {
  expect(await askEach([], 4, () => Promise.reject(new Error('asked')))).toEqual({ accepted: [], refused: [] });
});
