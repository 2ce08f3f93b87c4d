import { NoAnswer } from '@paravcl/shared/client/no-answer';
import { PassThrough, Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { Context } from './context';
import { answered } from './transport';
import type { World } from './world';

const world: World = { env: {}, home: '/nowhere', stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), now: () => 0, interruptible: (work) => work(new AbortController().signal) };

/** A context whose master answers a list so. */
function listing(answers: readonly unknown[]): Context {
  const left = [...answers];
  const context = new Context(world, {});
  context.call = (() => (left.length === 0 ? Promise.reject(new Error('nothing more is to be asked')) : Promise.resolve(left.shift()))) as typeof context.call;
  return context;
}

it('gathers the pages of a list', async () => {
  expect(await listing([{ items: [1], next: 'a' }, { items: [2], next: null }]).list('get /slaves')).toEqual({ items: [1, 2], next: null });
});

it.each([
  ['names a cursor again', [{ items: [1], next: 'a' }, { items: [1], next: 'b' }, { items: [1], next: 'a' }]],
  ['goes on behind a page with nothing in it', [{ items: [], next: 'a' }]],
  ['is none', [null]],
  ['has no items', [{ next: null }]],
])('believes no list that %s', async (_what, answers) => {
  await expect(listing(answers).list('get /slaves')).rejects.toMatchObject({ name: 'NoAnswer', reason: 'strange' });
});

it('takes no answer that has no end', async () => {
  const endless = Readable.from((function* () { for (;;) yield Buffer.alloc(1024 * 1024); })());
  await expect(answered(Object.assign(endless, { headers: {}, statusCode: 200 }) as unknown as IncomingMessage)).rejects.toThrow(NoAnswer);
  expect(endless.destroyed).toBe(true);
});
