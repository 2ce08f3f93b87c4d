import { Batches } from './batches';

/** Handles batches when told to. */
function rig(rules: { most: number; atOnce: number }) {
  const seen: string[][] = [];
  const releases: ((fault?: Error) => void)[] = [];
  const batches = new Batches<string, string>(
    (items) => {
      seen.push([...items]);
      return new Promise((resolve, reject) => {
        releases.push((fault) => (fault === undefined ? resolve(items.map((item) => item.toUpperCase())) : reject(fault)));
      });
    },
    { ...rules, keyOf: (item) => item[0] ?? '' },
  );
  return { batches, seen, release: (fault?: Error) => releases.shift()?.(fault) };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes alone is handled at once; what comes meanwhile is the next batch', async () => {
  const { batches, seen, release } = rig({ most: 2, atOnce: 1 });
  const answers = Promise.all(['a', 'b', 'c', 'd'].map((item) => batches.add(item)));
  expect(seen).toEqual([['a']]);
  release();
  await turn();
  expect(seen).toEqual([['a'], ['b', 'c']]);
  release();
  await turn();
  release();
  expect(await answers).toEqual(['A', 'B', 'C', 'D']);
});

test('of one key there is one at a time, also over several batches', async () => {
  const { batches, seen, release } = rig({ most: 5, atOnce: 2 });
  const answers = Promise.all(['a1', 'a2', 'b1', 'a3'].map((item) => batches.add(item)));
  expect(seen).toEqual([['a1'], ['b1']]);
  release();
  await turn();
  expect(seen).toEqual([['a1'], ['b1'], ['a2']]);
  release();
  release();
  await turn();
  release();
  expect(await answers).toEqual(['A1', 'A2', 'B1', 'A3']);
});

test('a batch that fails is tried item by item, so that one does not fail the others', async () => {
  const { batches, seen, release } = rig({ most: 5, atOnce: 1 });
  const first = batches.add('x');
  const answers = Promise.allSettled(['a', 'b'].map((item) => batches.add(item)));
  release();
  await first;
  await turn();
  release(new Error('deadlock'));
  await turn();
  release(new Error('a is broken'));
  await turn();
  release();
  expect(await answers).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'B' }]);
  expect(seen).toEqual([['x'], ['a', 'b'], ['a'], ['b']]);
});
