import type { Clock } from '@paravcl/shared/clock';
import { BookRounds } from './book-rounds';

/** Books in which some things are due; each step ends when the test says so, and a thing that was done is due no more. */
function rig({ mayBegin = () => true }: { readonly mayBegin?: (step: string, underWay: readonly string[]) => boolean } = {}) {
  const due = new Set<string>();
  const begun: string[] = [];
  const faults: unknown[] = [];
  const ends = new Map<string, (result: boolean | Error) => void>();
  let nowMs = 0;
  let onRead = (): Promise<void> => Promise.resolve();
  const clock: Clock = { now: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
  const rounds = new BookRounds<string>({
    due: async function* () {
      // Books never answer at once.
      await Promise.resolve();
      const read = [...due];
      await onRead();
      yield* read;
    },
    keyOf: (step) => step,
    mayBegin,
    carryOut: (step) => {
      begun.push(step);
      return new Promise((resolve, reject) => {
        ends.set(step, (result) => {
          ends.delete(step);
          if (result === true) due.delete(step);
          if (result instanceof Error) reject(result);
          else resolve(result);
        });
      });
    },
    clock,
    onFault: (error) => void faults.push(error),
  });
  const end = async (step: string, result: boolean | Error = true): Promise<void> => {
    const ending = ends.get(step);
    if (ending === undefined) throw new Error(`${step} is not under way.`);
    ending(result);
    await turn();
  };
  return { rounds, due, begun, faults, end, pass: (ms: number) => void (nowMs += ms), reads: (does: () => Promise<void>) => void (onRead = does) };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what is due begins, each once at a time, however many rounds see it', async () => {
  const { rounds, due, begun, end } = rig();
  due.add('a').add('b');
  await rounds.run();
  await rounds.run();
  expect(begun).toEqual(['a', 'b']);
  await end('a');
  due.add('a');
  await rounds.run();
  expect(begun).toEqual(['a', 'b', 'a']);
});

test('a step that was done wakes a round, which begins what is due by then', async () => {
  const { rounds, due, begun, end } = rig();
  due.add('a');
  await rounds.run();
  due.add('b');
  await end('a');
  expect(begun).toEqual(['a', 'b']);
});

test('a round that is asked for during another follows it, once for all who asked', async () => {
  const { rounds, due, begun, reads } = rig();
  let reading = 0;
  reads(() => {
    reading += 1;
    if (reading > 1) return Promise.resolve();
    due.add('a');
    rounds.wake();
    rounds.wake();
    return Promise.resolve();
  });
  await rounds.run();
  expect(begun).toEqual(['a']);
  expect(reading).toBe(2);
});

test('nothing is missed whose round is asked for while another comes to its end', async () => {
  for (let moment = 0; moment < 20; moment += 1) {
    const { rounds, due, begun } = rig();
    const over = rounds.run();
    for (let passed = 0; passed < moment; passed += 1) await Promise.resolve();
    due.add('a');
    rounds.wake();
    await over;
    await turn();
    expect({ moment, begun }).toEqual({ moment, begun: ['a'] });
  }
});

test('a step that ends while a round reads is not begun again by what that round had read', async () => {
  const { rounds, due, begun, end, reads } = rig();
  due.add('a');
  await rounds.run();
  let first = true;
  reads(async () => {
    if (first) {
      first = false;
      await end('a');
    }
  });
  await rounds.run();
  expect(begun).toEqual(['a']);
});

test('what may not begin beside what is under way waits for a later round', async () => {
  const { rounds, due, begun, end } = rig({ mayBegin: (_, underWay) => underWay.length < 2 });
  due.add('a').add('b').add('c');
  await rounds.run();
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
});

test.each([['was not done', false, 0], ['failed', new Error('The database is away.'), 1]] as const)('what %s is tried again after 2 seconds, then after twice as long each time, up to a minute', async (_, result, faultsEach) => {
  const { rounds, due, begun, faults, end, pass } = rig();
  due.add('a');
  await rounds.run();
  const waits = [2, 4, 8, 16, 32, 60, 60];
  for (const [at, seconds] of waits.entries()) {
    await end('a', result);
    pass(seconds * 1000 - 1);
    await rounds.run();
    expect(begun).toHaveLength(at + 1);
    pass(1);
    await rounds.run();
    expect(begun).toHaveLength(at + 2);
  }
  expect(faults).toHaveLength(faultsEach * waits.length);
});

test('a step that waits wakes nobody, and holds up no other', async () => {
  const { rounds, due, begun, end } = rig();
  due.add('a');
  await rounds.run();
  due.add('b');
  await end('a', false);
  expect(begun).toEqual(['a']);
  await rounds.run();
  expect(begun).toEqual(['a', 'b']);
});

test('once it was done the next wait is a short one again; so it is once it was not due for long', async () => {
  const { rounds, due, begun, end, pass } = rig();
  const failsOnce = async (waitMs: number): Promise<void> => {
    await end('a', false);
    pass(waitMs);
    await rounds.run();
  };
  due.add('a');
  await rounds.run();
  await failsOnce(2000);
  await failsOnce(4000);
  await end('a');
  due.add('a');
  await rounds.run();
  await failsOnce(2000);
  await end('a', false);
  expect(begun).toHaveLength(5);

  due.delete('a');
  pass(4000 + 60_001);
  await rounds.run();
  due.add('a');
  await rounds.run();
  await failsOnce(2000);
  expect(begun).toHaveLength(7);
});

test('a long step does not shorten the wait after it', async () => {
  const { rounds, due, begun, end, pass } = rig();
  due.add('a');
  await rounds.run();
  await end('a', false);
  pass(2000);
  await rounds.run();
  pass(600_000);
  await rounds.run();
  await end('a', false);
  pass(2000);
  await rounds.run();
  expect(begun).toHaveLength(2);
  pass(2000);
  await rounds.run();
  expect(begun).toHaveLength(3);
});

test('a round that cannot read the books rejects to whoever ran it, is told when it was woken, and the next one goes on', async () => {
  const { rounds, due, begun, faults, reads } = rig();
  const away = new Error('The database is away.');
  due.add('a');
  reads(() => Promise.reject(away));
  await expect(rounds.run()).rejects.toBe(away);
  expect(faults).toEqual([]);
  rounds.wake();
  await turn();
  expect(faults).toEqual([away]);
  reads(() => Promise.resolve());
  await rounds.run();
  expect(begun).toEqual(['a']);
});

test('stopped it begins nothing more, and answers when what is under way has ended', async () => {
  const { rounds, due, begun, end } = rig();
  due.add('a');
  await rounds.run();
  let isOver = false;
  const over = rounds.stop().then(() => (isOver = true));
  due.add('b');
  await rounds.run();
  await turn();
  expect(isOver).toBe(false);
  await end('a');
  await over;
  expect(begun).toEqual(['a']);
});
