import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { Context } from '../context';
import { follow, type OperationAnswer } from './follow';
import { passes, waitMs } from './passes';

const busy = (status: number, retryAfterSeconds?: number): ApiProblem => new ApiProblem({ status, code: 'not-ready', detail: 'Not now.', ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
const pending = { id: 'o', state: 'pending', sentence: 'It boots.' } as OperationAnswer;

/** A master that answers in this order, and fails where it was told nothing. */
const rig = (answers: readonly unknown[]): Context => {
  const left = [...answers];
  return {
    output: { progress: () => undefined, endProgress: () => undefined },
    world: { interruptible: (work: (signal: AbortSignal) => Promise<unknown>) => work(new AbortController().signal) },
    call: () => {
      const next = left.shift();
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  } as unknown as Context;
};

it('follows on through a master that is restarted behind a proxy, or asks for patience', async () => {
  const done = { ...pending, state: 'succeeded' };
  expect(await follow(rig([busy(503), new NoAnswer('wordless', 502), new NoAnswer('unreachable'), done]), pending, 'paravcl')).toBe(done);
}, 20_000);

it('ends with what is an answer', async () => {
  const refusal = busy(403);
  await expect(follow(rig([refusal]), pending, 'paravcl')).rejects.toBe(refusal);
  await expect(follow(rig([new NoAnswer('strange')]), pending, 'paravcl')).rejects.toThrow(NoAnswer);
});

it('tells what passes by itself from what does not, and waits as long as it is asked to', () => {
  expect([busy(429), busy(502), busy(503), busy(504), new NoAnswer('unreachable'), new NoAnswer('wordless', 503)].map(passes)).not.toContain(false);
  expect([busy(401), busy(404), busy(409), busy(500), busy(507), new NoAnswer('strange'), new NoAnswer('wordless', 500), new Error('no')].map(passes)).not.toContain(true);
  expect([waitMs(busy(503, 5), 700), waitMs(busy(503), 700), waitMs(busy(429, 9999), 700), waitMs(new NoAnswer('unreachable'), 700)]).toEqual([5000, 700, 60_000, 700]);
});
