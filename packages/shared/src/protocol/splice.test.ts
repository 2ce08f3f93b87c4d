import { setImmediate as turn } from 'node:timers/promises';
import { Duplex } from 'node:stream';
import { splice } from './splice';

/** An end whose other side the test plays: it says things, and takes what it is given when it likes. */
class End extends Duplex {
  readonly taken: string[] = [];
  private taking: (() => void) | null = null;
  private parting: (() => void) | null = null;
  /** Takes at once what it is given. */
  eager = false;

  constructor() {
    super({ highWaterMark: 16 });
  }

  override _read(): void {
    // What is said comes by `say`.
  }
  override _write(part: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.taken.push(String(part));
      done();
    };
    if (this.eager) take();
    else this.taking = take;
  }
  /** As a WebSocket does: it has ended when the other side has, and that comes after all which that said. */
  override _final(done: () => void): void {
    this.parting = done;
    if (this.readableEnded) done();
    else this.once('end', done);
  }

  get isParting(): boolean {
    return this.parting !== null;
  }
  say(text: string | null): boolean {
    return this.push(text);
  }
  async takeOne(): Promise<void> {
    const take = this.taking;
    this.taking = null;
    take?.();
    await turn();
  }
}

test('what the one that goes had said is delivered before the other ends', async () => {
  const [one, other] = [new End(), new End()];
  const done = splice(one, other);
  one.say('first ');
  one.say('last');
  one.say(null);
  await turn();
  expect(one.destroyed).toBe(true);
  for (const words of [['first '], ['first ', 'last']]) {
    expect([other.isParting, other.destroyed]).toEqual([false, false]);
    await other.takeOne();
    expect(other.taken).toEqual(words);
  }
  expect(other.isParting).toBe(true);
  other.say(null);
  await done;
  expect(other.destroyed).toBe(true);
});

test('the other is read on to its own end, although nobody is there to hear it', async () => {
  const [one, other] = [new End(), new End()];
  const done = splice(one, other);
  // More than waits in it, to somebody who takes nothing.
  while (other.say('x'.repeat(10)));
  await turn();
  one.destroy();
  for (let more = 0; more < 10; more += 1) other.say('y'.repeat(10));
  other.say(null);
  await done;
  expect(other.readableEnded).toBe(true);
});

test.each([
  ['fails', (end: End) => end.destroy(new Error('gone'))],
  ['is destroyed', (end: End) => end.destroy()],
])('an end that %s ends the other', async (_, goes) => {
  const [one, other] = [new End(), new End()];
  const done = splice(one, other);
  one.say('said');
  await turn();
  goes(other);
  one.say(null);
  await done;
  expect([one.destroyed, other.destroyed]).toEqual([true, true]);
});

test('of two ends one of which has gone before, the other ends', async () => {
  const [one, other] = [new End(), new End()];
  one.destroy();
  other.say(null);
  await turn();
  await splice(one, other);
  expect(other.destroyed).toBe(true);
});

test('neither is read faster than the other takes it', async () => {
  const [one, other] = [new End(), new End()];
  const done = splice(one, other);
  let said = 0;
  for (let tries = 0; tries < 100; tries += 1) {
    if (one.say('0123456789')) said += 1;
    await turn();
  }
  expect(said).toBeLessThan(10);
  other.eager = true;
  await other.takeOne();
  await turn();
  expect(other.taken.join('')).toHaveLength(1000);
  one.destroy();
  other.say(null);
  await done;
});
