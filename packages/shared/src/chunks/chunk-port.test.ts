import { EventEmitter } from 'node:events';
import type { Clock } from '../clock';
import { ChunkPort, type ByteStream, type ChunkAnswer, type ChunkPortHandlers } from './chunk-port';
import type { Want } from './frames';

/** Timers go off when the test says so. */
class HandClock implements Clock {
  private nowMs = 0;
  private timers: { readonly atMs: number; readonly run: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((one) => one !== timer));
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.timers.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.timers = this.timers.filter((one) => one !== timer);
      timer.run();
    }
  }

  get waiting(): number {
    return this.timers.length;
  }
}

/** One end of a connection in memory. What is written waits until `carry` takes it over. */
class End extends EventEmitter implements ByteStream {
  readonly out: Buffer[] = [];
  destroyed = false;
  other: End | null = null;

  get writableLength(): number {
    return this.out.reduce((sum, { length }) => sum + length, 0);
  }

  write(data: Buffer): boolean {
    this.out.push(data);
    return true;
  }

  cork(): void {
    // Pieces are taken over one by one here.
  }

  uncork(): void {
    // As above.
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
    this.other?.destroy();
  }

  /** Everything written so far arrives at the other end. */
  carry(): void {
    const pieces = this.out.splice(0);
    for (const piece of pieces) this.other?.emit('data', piece);
    if (pieces.length > 0) this.emit('drain');
  }
}

const quiet: ChunkPortHandlers = {
  onControl: () => undefined,
  onWant: () => Promise.resolve({ kind: 'lack', why: 'absent' }),
  onClose: () => undefined,
};

function connected(serving: Partial<ChunkPortHandlers>, clock = new HandClock()): { readonly asker: ChunkPort; readonly server: ChunkPort; readonly ends: readonly [End, End]; carry(): Promise<void> } {
  const [one, two] = [new End(), new End()];
  one.other = two;
  two.other = one;
  const asker = new ChunkPort(one, quiet, clock);
  const server = new ChunkPort(two, { ...quiet, ...serving }, clock);
  const carry = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) {
      one.carry();
      two.carry();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { asker, server, ends: [one, two], carry };
}

const want = (index: number, urgent = false): Omit<Want, 'request'> => ({ channel: 0, index, urgent, insist: false, rank: 0 });
const chunkOf = (index: number, bytes = 10): ChunkAnswer => ({ kind: 'chunk', encoding: 'plain', data: Buffer.alloc(bytes, index) });

it('answers many wants on one connection, each with its own answer', async () => {
  const { asker, carry } = connected({ onWant: ({ index }) => Promise.resolve(index % 2 === 0 ? chunkOf(index) : { kind: 'redirect', members: [index] }) });
  const asked = [0, 1, 2, 3].map((index) => asker.ask(want(index)).answer);
  await carry();
  expect(await Promise.all(asked)).toEqual([chunkOf(0), { kind: 'redirect', members: [1] }, chunkOf(2), { kind: 'redirect', members: [3] }]);
});

it('what is said in one turn leaves in one, and what was said before the end leaves too', () => {
  const { asker, ends } = connected({});
  const corks: string[] = [];
  ends[0].cork = () => void corks.push('cork');
  ends[0].uncork = () => void corks.push(`uncork after ${ends[0].out.length}`);
  void asker.ask(want(1)).answer;
  void asker.ask(want(2)).answer;
  asker.sendControl({ type: 'refused' });
  asker.close('refused');
  expect(corks).toEqual(['cork', 'uncork after 3']);
});

it('tells its stream when somebody begins to wait, and when nobody does any more', async () => {
  const { asker, ends, carry } = connected({ onWant: ({ index }) => Promise.resolve(chunkOf(index)) });
  const hurried: boolean[] = [];
  Object.assign(ends[0], { hurry: (isWaitedFor: boolean) => hurried.push(isWaitedFor) });
  asker.ask(want(1));
  const raised = asker.ask(want(2));
  expect(hurried).toEqual([]);
  asker.raise(raised.number, want(2));
  const given = asker.ask(want(3, true));
  asker.cancel(given.number);
  expect(hurried).toEqual([true]);
  await carry();
  expect(hurried).toEqual([true, false]);
});

it('sends what somebody waits for before what is fetched ahead, also when it was raised later', async () => {
  const { asker, ends, carry } = connected({ onWant: ({ index }) => Promise.resolve(chunkOf(index, 200 * 1024)) });
  const order: number[] = [];
  const ask = (index: number, urgent: boolean): number => {
    const { number, answer } = asker.ask(want(index, urgent));
    void answer.then(() => order.push(index));
    return number;
  };
  [1, 2, 3, 4, 5].forEach((index) => ask(index, false));
  const raised = ask(6, false);
  ask(7, true);
  asker.raise(raised, want(6));
  ends[0].carry();
  await carry();
  expect(order).toHaveLength(7);
  expect(order.slice(0, 4)).toEqual(expect.arrayContaining([6, 7]));
});

it('hands no more than a little to a socket that does not drain', async () => {
  let taken = 0;
  const { asker, ends } = connected({
    onWant: ({ index }) => {
      taken += 1;
      return Promise.resolve(chunkOf(index, 64 * 1024));
    },
  });
  for (let index = 0; index < 1000; index += 1) asker.ask(want(index));
  ends[0].carry();
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(ends[1].writableLength).toBeLessThanOrEqual(320 * 1024 + 64 * 1024);
  expect(taken).toBeLessThanOrEqual(200);
});

it('answers every open request when the connection ends', async () => {
  const { asker, server, carry } = connected({ onWant: () => new Promise(() => undefined) });
  const { answer } = asker.ask(want(1));
  await carry();
  server.close('gone');
  expect(await answer).toEqual({ kind: 'lack', why: 'failed' });
  expect(await asker.ask(want(2)).answer).toEqual({ kind: 'lack', why: 'failed' });
});

it('drops an answer that was given up, and takes up no want that was given up before its turn', async () => {
  const served: number[] = [];
  const answers: (() => void)[] = [];
  const { asker, server, carry } = connected({
    onWant: ({ index }) => {
      served.push(index);
      return new Promise((resolve) => answers.push(() => resolve(chunkOf(index, 1000))));
    },
  });
  // As many as are served at once, and two whose turn has not come.
  const first = Array.from({ length: 64 }, (_, index) => asker.ask(want(index)));
  const [queued, last] = [asker.ask(want(100)), asker.ask(want(101))];
  await carry();
  expect(served).toHaveLength(64);
  asker.cancel(queued.number);
  asker.cancel(first[0]?.number ?? 0);
  expect(await Promise.all([queued.answer, first[0]?.answer])).toEqual([{ kind: 'lack', why: 'failed' }, { kind: 'lack', why: 'failed' }]);
  await carry();
  const { sent } = server;
  answers.shift()?.();
  await carry();
  expect(served.slice(64)).toEqual([101]);
  expect(server.sent).toBe(sent);
  for (const answer of answers.splice(0)) answer();
  await carry();
  expect(await last.answer).toEqual(chunkOf(101, 1000));
  expect(served.slice(64)).toEqual([101]);
  expect(asker.outstanding).toBe(0);
});

it('ends a connection that sends what no frame can be', () => {
  const onClose = jest.fn();
  const [one, two] = [new End(), new End()];
  one.other = two;
  two.other = one;
  const port = new ChunkPort(two, { ...quiet, onClose }, new HandClock());
  one.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  one.carry();
  expect(port.isOpen).toBe(false);
  expect(onClose).toHaveBeenCalledTimes(1);
});

it('answers once when a want is raised while its answer is on its way', async () => {
  const { asker, server, carry } = connected({ onWant: ({ index }) => Promise.resolve(chunkOf(index)) });
  const { number, answer } = asker.ask(want(1));
  await carry();
  await answer;
  const { sent } = server;
  // As the asker would have said it before it heard the answer.
  const again = connected({ onWant: ({ index }) => Promise.resolve(chunkOf(index)) });
  const late = again.asker.ask(want(1));
  again.ends[0].carry();
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  again.asker.raise(late.number, want(1));
  await again.carry();
  expect(await late.answer).toEqual(chunkOf(1));
  expect([number, again.server.sent]).toEqual([late.number, sent]);
});

it('serves an urgent want though as many as it serves at once are still looked for', async () => {
  const { asker, carry } = connected({ onWant: ({ index }) => (index === 500 || index === 3 ? Promise.resolve(chunkOf(index)) : new Promise(() => undefined)) });
  const ahead = Array.from({ length: 200 }, (_, index) => asker.ask(want(index + 100)));
  const later = asker.ask(want(3));
  const urgent = asker.ask(want(500, true));
  await carry();
  expect(await urgent.answer).toEqual(chunkOf(500));
  asker.raise(later.number, want(3));
  await carry();
  expect(await later.answer).toEqual(chunkOf(3));
  expect(asker.outstanding).toBe(ahead.length);
});

it('takes up more wants while those before them wait for other hosts', async () => {
  const never = new Promise<ChunkAnswer>(() => undefined);
  const { asker, carry } = connected({ onWant: (served) => (served.index < 300 ? served.elsewhere(never) : Promise.resolve(chunkOf(served.index))) });
  for (let index = 0; index < 300; index += 1) asker.ask(want(index));
  const last = asker.ask(want(300));
  await carry();
  expect(await last.answer).toEqual(chunkOf(300));
});

it('tells whoever looks for a chunk that somebody waits for it now', async () => {
  const raised: number[] = [];
  const { asker, carry } = connected({
    onWant: (served) => {
      served.whenRaised(() => raised.push(served.index));
      return new Promise(() => undefined);
    },
  });
  const [one] = [asker.ask(want(1)), asker.ask(want(2))];
  await carry();
  expect(raised).toEqual([]);
  asker.raise(one.number, want(1));
  asker.raise(one.number, want(1));
  await carry();
  expect(raised).toEqual([1]);
});

it('is heard every second while somebody waits for an answer, and only then', async () => {
  const clock = new HandClock();
  let answer: (found: ChunkAnswer) => void = () => undefined;
  const { asker, carry } = connected({ onWant: () => new Promise((resolve) => (answer = resolve)) }, clock);
  const { answer: found } = asker.ask(want(1));
  await carry();
  const heard: number[] = [];
  for (let second = 0; second < 3; second += 1) {
    const before = asker.received;
    clock.pass(1000);
    await carry();
    heard.push(asker.received - before);
  }
  expect(heard.every((bytes) => bytes > 0)).toBe(true);
  expect(asker.answers).toBe(0);
  answer(chunkOf(1));
  await carry();
  expect(await found).toEqual(chunkOf(1));
  clock.pass(1000);
  const before = asker.received;
  clock.pass(5000);
  await carry();
  expect([asker.received, clock.waiting, asker.answers]).toEqual([before, 0, 1]);
});
