import type { ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { HandClock } from '../../test/fixtures/hand-clock';
import { answerUnlessSilent, type Question } from './silence';

const silentMs = 5000;

/** A clock whose owner can be stopped: time goes on, and what was due meanwhile comes late. */
class StoppableClock extends HandClock {
  private stoodMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.stoodMs;
  }

  standStill(ms: number): void {
    this.stoodMs += ms;
  }
}

/** Asks over this connection; `found` is null while nothing was decided. */
function askedOver(port: Question['port'], clock: HandClock) {
  const state: { found: ChunkAnswer | 'silent' | null; give: (one: ChunkAnswer) => void } = { found: null, give: () => undefined };
  const answer = new Promise<ChunkAnswer>((resolve) => (state.give = resolve));
  void answerUnlessSilent({ answer, raise: () => undefined, cancel: () => undefined, port }, silentMs, clock).then((one) => (state.found = one));
  return state;
}

/** Asks somebody of whom each second so many bytes and answers come; null while nothing was decided. */
function asked(perSecond: { readonly received: number; readonly answers: number }) {
  const clock = new HandClock();
  const port = { received: 0, answers: 0 };
  const cancel = jest.fn();
  let answer: (found: ChunkAnswer) => void = () => undefined;
  let found: ChunkAnswer | 'silent' | null = null;
  void answerUnlessSilent({ answer: new Promise((resolve) => (answer = resolve)), raise: () => undefined, cancel, port }, silentMs, clock).then((one) => (found = one));
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1000);
      port.received += perSecond.received;
      port.answers += perSecond.answers;
    }
  };
  return { pass, cancel, give: (one: ChunkAnswer) => answer(one), found: () => found, timers: () => clock.waiting.length };
}

it.each([
  ['no longer for one of whom nothing comes', 0, 4],
  ['three times as long for one that only says that it is there', 5, 14],
])('waits %s', async (_, received, seconds) => {
  const question = asked({ received, answers: 0 });
  await question.pass(seconds);
  expect(question.found()).toBeNull();
  await question.pass(2);
  expect(question.found()).toBe('silent');
  expect(question.cancel).toHaveBeenCalledTimes(1);
});

it('waits for one that still answers something, however slow this answer is', async () => {
  const question = asked({ received: 1, answers: 1 });
  await question.pass(120);
  expect(question.found()).toBeNull();
  question.give({ kind: 'lack', why: 'absent' });
  await question.pass(1);
  expect(question.found()).toEqual({ kind: 'lack', why: 'absent' });
  expect([question.timers(), question.cancel.mock.calls.length]).toEqual([0, 0]);
});

it('counts from the question, not from what was heard long before it', async () => {
  const clock = new HandClock();
  const port = { received: 0, answers: 0 };
  await clock.advance(60_000);
  const first = askedOver(port, clock);
  await clock.advance(silentMs - 500);
  expect(first.found).toBeNull();
  first.give({ kind: 'lack', why: 'absent' });
  await clock.advance(60_000);
  const second = askedOver(port, clock);
  await clock.advance(silentMs - 500);
  expect(second.found).toBeNull();
});

it('takes nothing that came while nothing was asked for a sign of life', async () => {
  const clock = new HandClock();
  const port = { received: 0, answers: 0 };
  const first = askedOver(port, clock);
  await clock.advance(500);
  first.give({ kind: 'lack', why: 'absent' });
  await clock.advance(60_000);
  [port.received, port.answers] = [100, 1];
  const second = askedOver(port, clock);
  await clock.advance(silentMs);
  expect(second.found).toBe('silent');
});

it.each([
  ['silence of somebody whose bytes lie there', 0, 2],
  ['lack of answers of somebody who says that it is there', 1, 12],
])('does not take its own standing still for the %s', async (_, received, seconds) => {
  const clock = new StoppableClock();
  const port = { received: 0, answers: 0 };
  await clock.advance(60_000);
  const question = askedOver(port, clock);
  for (let second = 0; second < seconds; second += 1) {
    port.received += received;
    await clock.advance(1000);
  }
  clock.standStill(20_000);
  // The timers that are due come before what lies in the kernel, or on the way to a machine that was paused.
  await clock.advance(2000);
  expect(question.found).toBeNull();
});

it('gives up on a silent one though it stands still now and then', async () => {
  const clock = new StoppableClock();
  const question = askedOver({ received: 0, answers: 0 }, clock);
  for (let time = 0; time < 20 && question.found === null; time += 1) {
    clock.standStill(2000);
    await clock.advance(1000);
  }
  expect(question.found).toBe('silent');
});
