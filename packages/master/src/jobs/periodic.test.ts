import type { Clock } from '@paravcl/shared/clock';
import { repeat } from './periodic';

/** A clock whose timers fire when told. */
function handClock(): Clock & { readonly waiting: (() => void)[] } {
  const waiting: (() => void)[] = [];
  return {
    waiting,
    now: () => 0,
    monotonicMs: () => 0,
    after: (_delayMs, run) => {
      waiting.push(run);
      return () => void waiting.splice(waiting.indexOf(run), 1);
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a round begins only after the one before has ended, also when that failed', async () => {
  const clock = handClock();
  const faults: unknown[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const stop = repeat({ run: () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })) }, 10, clock, (error) => faults.push(error));
  expect([ends.length, clock.waiting.length]).toEqual([1, 0]);
  ends[0]?.reject(new Error('database away'));
  await settled();
  expect(faults).toEqual([new Error('database away')]);
  clock.waiting.shift()?.();
  expect(ends).toHaveLength(2);
  ends[1]?.resolve();
  await settled();
  expect(clock.waiting).toHaveLength(1);
  await stop();
  expect(clock.waiting).toHaveLength(0);
});

test('what goes wrong with one item is told where failed rounds are, and the round goes on', async () => {
  const clock = handClock();
  const faults: unknown[] = [];
  let ended = false;
  const run = async (onFault: (error: unknown) => void): Promise<void> => {
    onFault(new Error('one host'));
    await Promise.resolve();
    ended = true;
  };
  await repeat({ run }, 10, clock, (error) => faults.push(error))();
  expect([faults, ended]).toEqual([[new Error('one host')], true]);
});

test('stopping waits for the round that runs, and no other follows', async () => {
  const clock = handClock();
  let end: () => void = () => undefined;
  let stopped = false;
  const stop = repeat({ run: () => new Promise<void>((resolve) => (end = resolve)) }, 10, clock, () => undefined);
  const stopping = stop().then(() => (stopped = true));
  await settled();
  expect(stopped).toBe(false);
  end();
  await stopping;
  expect(clock.waiting).toHaveLength(0);
});
