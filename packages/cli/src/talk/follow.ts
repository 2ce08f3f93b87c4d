import type { Answered } from '@paravcl/shared/client/routes';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context';
import { Refusal } from '../errors/refusal';
import { passes, waitMs } from './passes';

export type OperationAnswer = Answered<'get /operations/:operationId'>;

const everyMs = 700;
/** A master that is restarted is back within this time. */
const silentForMs = 120_000;

/**
 * Follows long work to its end, with its sentences. Ctrl-C ends the following, never the work: it goes on at the master, and `see` shows it.
 * Answers the operation as it ended. Throws Refusal where it failed, or is not waited for any more.
 */
export async function follow(context: Context, first: OperationAnswer, see: string): Promise<OperationAnswer> {
  const { output, world } = context;
  return world.interruptible(async (interrupted) => {
    let operation = first;
    let heardAt = Date.now();
    let againMs = everyMs;
    while (operation.state === 'pending') {
      output.progress(operation.sentence);
      try {
        await pause(againMs, undefined, { signal: interrupted });
        operation = await context.call('get /operations/:operationId', { params: { operationId: operation.id } }, interrupted);
        [heardAt, againMs] = [Date.now(), everyMs];
      } catch (error) {
        if (interrupted.aborted) throw new Refusal('You do not wait for it any more; the work goes on at the master.', see);
        if (!passes(error) || Date.now() - heardAt > silentForMs) throw error;
        againMs = waitMs(error, everyMs);
      }
    }
    output.endProgress();
    if (operation.state === 'failed') throw new Refusal(operation.sentence, see);
    if (operation.state === 'superseded') throw new Refusal(`${operation.sentence} Something else was asked for meanwhile.`, see);
    return operation;
  });
}
