import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { ChunkAnswer, ChunkPort } from '@paravcl/shared/chunks/chunk-port';

/** A question that can be raised and given up. */
export interface Question {
  readonly answer: Promise<ChunkAnswer>;
  raise(): void;
  cancel(): void;
  readonly port: Pick<ChunkPort, 'received'>;
}

const lookEveryMs = 500;

/**
 * The answer, waited for while whoever was asked says anything at all: no byte of any kind on that connection for so long is silence,
 * and the question is given up. A slow link is not a silent one.
 */
export async function answerUnlessSilent(question: Question, silentMs: number, clock: Clock): Promise<ChunkAnswer | 'silent'> {
  let cancel: Cancel = () => undefined;
  const silent = new Promise<'silent'>((resolve) => {
    let [heard, sinceMs] = [question.port.received, clock.monotonicMs()];
    const look = (): void => {
      if (question.port.received !== heard) [heard, sinceMs] = [question.port.received, clock.monotonicMs()];
      if (clock.monotonicMs() - sinceMs >= silentMs) resolve('silent');
      else cancel = clock.after(lookEveryMs, look);
    };
    cancel = clock.after(lookEveryMs, look);
  });
  const found = await Promise.race([question.answer, silent]);
  cancel();
  if (found === 'silent') question.cancel();
  return found;
}
