import type { ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { HandClock } from '../../test/fixtures/hand-clock';
import { answerUnlessSilent } from './silence';

const silentMs = 5000;

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
