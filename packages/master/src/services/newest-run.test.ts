import { NewestRun } from './newest-run';

/** Work that ends when the test says so, and what it was begun with. */
function work() {
  const begun: number[] = [];
  const ends: { readonly end: (answer: string) => void; readonly fail: (error: Error) => void }[] = [];
  const run = new NewestRun((asked: number) => {
    begun.push(asked);
    return new Promise<string>((end, fail) => ends.push({ end, fail }));
  });
  return { begun, ends, run };
}

describe('work that is done once at a time', () => {
  it('is begun at once when none runs, and once more for all who asked meanwhile, with what was asked last', async () => {
    const { begun, ends, run } = work();
    const first = run.run(1);
    const later = [run.run(2), run.run(3)];
    expect(begun).toEqual([1]);
    ends[0]?.end('first');
    await expect(first).resolves.toBe('first');
    expect(begun).toEqual([1, 3]);
    // Who asks now asks after that one began.
    const last = run.run(4);
    expect(begun).toEqual([1, 3]);
    ends[1]?.end('second');
    await expect(Promise.all(later)).resolves.toEqual(['second', 'second']);
    ends[2]?.end('third');
    await expect(last).resolves.toBe('third');
    expect(begun).toEqual([1, 3, 4]);
  });

  it('goes on after one that failed, of which only those are told who waited for it', async () => {
    const { begun, ends, run } = work();
    const [first, second] = [run.run(1), run.run(2)];
    ends[0]?.fail(new Error('the database is away'));
    await expect(first).rejects.toThrow('the database is away');
    ends[1]?.end('there again');
    await expect(second).resolves.toBe('there again');
    const third = run.run(3);
    ends[2]?.end('and again');
    await expect(third).resolves.toBe('and again');
    expect(begun).toEqual([1, 2, 3]);
  });
});
