import { HostInstallTurns } from './host-install-turns';

const never = new AbortController().signal;
const quiet = (): Promise<void> => Promise.resolve();

test('a turn that ends while the next one still says that it waits is not missed', async () => {
  const turns = new HostInstallTurns(1);
  const first = await turns.take(never, quiet);
  const second = turns.take(never, () => Promise.resolve(first?.()));
  expect(await second).not.toBeNull();
});

test('who is given up while waiting takes no turn, and keeps none from the next', async () => {
  const turns = new HostInstallTurns(1);
  const first = await turns.take(never, quiet);
  const given = new AbortController();
  const second = turns.take(given.signal, quiet);
  const third = turns.take(never, quiet);
  given.abort();
  expect(await second).toBeNull();
  first?.();
  expect(await third).not.toBeNull();
});

test('no more than so many are at work, whoever comes and goes', async () => {
  const turns = new HostInstallTurns(2);
  let working = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const given = new AbortController();
      if (index % 5 === 4) setImmediate(() => given.abort());
      const end = await turns.take(given.signal, quiet);
      if (end === null) return;
      working += 1;
      most = Math.max(most, working);
      await new Promise(setImmediate);
      working -= 1;
      end();
    }),
  );
  expect([working, most]).toEqual([0, 2]);
});
