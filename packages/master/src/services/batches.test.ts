import { Batches } from './batches';

/** Handles batches when told to. */
function rig(rules: { most: number; atOnce: number; mostWaiting?: number }) {
  const gone = new Set<string>();
  const seen: string[][] = [];
  const releases: ((fault?: Error) => void)[] = [];
  const batches = new Batches<string, string>(
    (items) => {
      seen.push([...items]);
      return new Promise((resolve, reject) => {
        releases.push((fault) => (fault === undefined ? resolve(items.map((item) => item.toUpperCase())) : reject(fault)));
      });
    },
    {
      mostWaiting: 10,
      ...rules,
      keyOf: (item) => item[0] ?? '',
      isWanted: (item) => !gone.has(item),
      isFaultOfOne: (error) => error instanceof TypeError,
    },
  );
  return { batches, seen, gone, release: (fault?: Error) => releases.shift()?.(fault) };
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

/** Two items that are handled together, because they waited for a third. */
async function twoInOneBatch() {
  const { batches, seen, release } = rig({ most: 5, atOnce: 1 });
  const first = batches.add('x');
  const answers = Promise.allSettled(['a', 'b'].map((item) => batches.add(item)));
  release();
  await first;
  await turn();
  return { seen, release, answers };
}

test('a batch that fails by the fault of one is tried item by item, so that one does not fail the others', async () => {
  const { seen, release, answers } = await twoInOneBatch();
  release(new TypeError('one of them'));
  await turn();
  release(new Error('a is broken'));
  await turn();
  release();
  expect(await answers).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'B' }]);
  expect(seen).toEqual([['x'], ['a', 'b'], ['a'], ['b']]);
});

test('a batch that fails because nobody answers fails as a whole: its items do not wait as long again, one after the other', async () => {
  const { seen, release, answers } = await twoInOneBatch();
  release(new Error('the database said nothing'));
  expect(await answers).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect(seen).toEqual([['x'], ['a', 'b']]);
});

test('what nobody wants any more is not handled, and makes room for others; who finds no room is refused', async () => {
  const { batches, seen, gone, release } = rig({ most: 5, atOnce: 1, mostWaiting: 2 });
  const first = batches.add('x');
  const left = ['a', 'b'].map((item) => batches.add(item));
  await expect(batches.add('c')).rejects.toMatchObject({ code: 'not-ready', message: expect.stringContaining('2 wait already') as string });
  gone.add('a');
  const third = batches.add('c');
  expect(await left[0]).toBeNull();
  gone.add('b');
  release();
  expect(await first).toBe('X');
  expect(await left[1]).toBeNull();
  release();
  expect(await third).toBe('C');
  expect(seen).toEqual([['x'], ['c']]);
});
