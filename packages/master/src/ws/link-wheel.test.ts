import fc from 'fast-check';
import type { Clock } from '@paravcl/shared/clock';
import { LinkWheel } from './link-wheel';

/** A clock with one timer, moved by hand; a timer may come late. */
function handClock() {
  let [nowMs, timer] = [0, null as { atMs: number; run: () => void } | null];
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, run) => {
      if (timer !== null) throw new Error('one timer for all');
      timer = { atMs: nowMs + delayMs, run };
      return () => undefined;
    },
  };
  const advance = (ms: number): void => {
    const endMs = nowMs + ms;
    while (timer !== null && timer.atMs <= endMs) {
      const due: { atMs: number; run: () => void } = timer;
      timer = null;
      nowMs = Math.max(nowMs, due.atMs);
      due.run();
    }
    nowMs = endMs;
  };
  return { clock, advance, isIdle: () => timer === null };
}

test('everybody beats once a turn, whenever they came, and never after leaving', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { minLength: 1, maxLength: 10 }), fc.integer({ min: 1, max: 5 }), (arrivals, turns) => {
      const { clock, advance } = handClock();
      const wheel = new LinkWheel(clock, 1000, () => undefined);
      const beats = arrivals.map(() => 0);
      const slots = arrivals.map((waitMs, at) => {
        advance(waitMs);
        const connection = { beat: () => void (beats[at] = (beats[at] ?? 0) + 1) };
        return { connection, slot: wheel.join(connection) };
      });
      const before = [...beats];
      advance(turns * 1000);
      expect(beats.map((count, at) => count - (before[at] ?? 0))).toEqual(arrivals.map(() => turns));
      for (const { connection, slot } of slots) wheel.leave(connection, slot);
      const after = [...beats];
      advance(5000);
      expect(beats).toEqual(after);
    }),
  );
});

test('with nobody left there is no timer', () => {
  const { clock, advance, isIdle } = handClock();
  const wheel = new LinkWheel(clock, 1000, () => undefined);
  const connection = { beat: () => undefined };
  const slot = wheel.join(connection);
  expect(isIdle()).toBe(false);
  wheel.leave(connection, slot);
  advance(1000);
  expect(isIdle()).toBe(true);
});
