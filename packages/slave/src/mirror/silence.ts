import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';

/** A question that can be raised and given up. */
export interface Question {
  readonly answer: Promise<ChunkAnswer>;
  raise(): void;
  cancel(): void;
  readonly port: Pick<ChunkPort, 'received' | 'answers'>;
}

const lookEveryMs = 500;
/** Who is heard and answers nothing for so many times as long as silence may last gives nothing. */
const answerless = 3;

/**
 * The answer, waited for while whoever was asked says anything at all: no byte of any kind on that connection for so long is silence,
 * and the question is given up. A slow link is not a silent one. Nor is who still looks for what was asked (it says that it is there) until
 * it has answered nothing at all for three times as long.
 */
export async function answerUnlessSilent(question: Question, silentMs: number, clock: Clock): Promise<ChunkAnswer | 'silent'> {
  let cancel: Cancel = () => undefined;
  const silent = new Promise<'silent'>((resolve) => {
    let [received, heardAtMs] = [question.port.received, clock.monotonicMs()];
    let [answers, answeredAtMs] = [question.port.answers, clock.monotonicMs()];
    const look = (): void => {
      const nowMs = clock.monotonicMs();
      if (question.port.received !== received) [received, heardAtMs] = [question.port.received, nowMs];
      if (question.port.answers !== answers) [answers, answeredAtMs] = [question.port.answers, nowMs];
      if (nowMs - heardAtMs >= silentMs || nowMs - answeredAtMs >= answerless * silentMs) resolve('silent');
      else cancel = clock.after(lookEveryMs, look);
    };
    cancel = clock.after(lookEveryMs, look);
  });
  const found = await Promise.race([question.answer, silent]);
  cancel();
  if (found === 'silent') question.cancel();
  return found;
}
