import { systemClock } from '@paravcl/shared/clock';
import fc from 'fast-check';
import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import type { LogEnd } from '../disks/log-tail';
import { seam } from './console-seam';
import { SerialConsole } from './serial-console';

/** A guest as QEMU has it: what it prints goes to who is connected, and into the log a little later. */
class PrintingGuest {
  readonly log: Buffer[] = [];
  connections = 0;
  private socket: Duplex | null = null;
  private unlogged: Buffer[] = [];

  print(text: string | Buffer): void {
    const bytes = Buffer.from(text);
    this.socket?.write(bytes);
    this.unlogged.push(bytes);
  }

  /** The log has come up to now. */
  flush(): void {
    this.log.push(...this.unlogged.splice(0));
  }

  readonly connect = (): Promise<Duplex> => {
    this.connections += 1;
    const [agent, guest] = duplexPair();
    guest.on('error', () => undefined);
    this.socket = guest;
    return Promise.resolve(agent);
  };

  readonly readLog = (tailBytes: number): Promise<LogEnd> => {
    const all = Buffer.concat(this.log);
    return Promise.resolve({ tail: all.subarray(Math.max(0, all.length - tailBytes)), totalBytes: all.length });
  };

  get end(): Duplex {
    if (this.socket === null) throw new Error('nobody is connected');
    return this.socket;
  }

  open(over: () => void = () => undefined): Promise<SerialConsole> {
    return SerialConsole.open({ clock: systemClock, connect: this.connect, readLog: this.readLog }, over);
  }
}

const heard = new WeakMap<Duplex, string[]>();
function listen(viewer: Duplex): Duplex {
  const parts: string[] = [];
  heard.set(viewer, parts);
  viewer.on('data', (bytes: Buffer) => parts.push(bytes.toString()));
  return viewer;
}
async function hears(viewer: Duplex, text: string): Promise<void> {
  while (heard.get(viewer)?.join('') !== text) await once(viewer, 'data');
}

describe('where log and live bytes meet', () => {
  it('no byte is lost and none is doubled, wherever the connection came and however far the log is', () => {
    const printing = fc.uint8Array({ minLength: 0, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(printing, printing, printing, fc.nat(200), (old, between, live, logged) => {
        // The log was looked at after `old`; the reader came after `between`; of what it read the log has a part.
        const tail = Buffer.concat([old, between, live.subarray(0, logged)]);
        const { before, shared } = seam(tail, tail.length - old.length, live);
        const all = Buffer.concat([before, live]);
        const truth = Buffer.concat([old, between, live]);
        // Where what came between ends as the live bytes begin, nobody can tell the two apart; nothing else is lost.
        if (between.length === 0 || shared === Math.min(logged, live.length)) expect(all.equals(truth)).toBe(true);
        else expect(shared).toBeGreaterThan(Math.min(logged, live.length));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes what was printed before the look for old, though it looks like what is read', () => {
    expect(seam(Buffer.from('tick\ntick\n'), 0, Buffer.from('tick\n')).before.toString()).toBe('tick\ntick\n');
  });
});

test('a viewer first gets what was printed before, then what is printed, once', async () => {
  const guest = new PrintingGuest();
  guest.print('booted\n');
  guest.flush();
  const opening = guest.open();
  while (guest.connections === 0) await new Promise((resolve) => setImmediate(resolve));
  guest.print('login: ');
  guest.flush();
  const viewer = listen((await opening).view());
  await hears(viewer, 'booted\nlogin: ');
  guest.print('alice\n');
  await hears(viewer, 'booted\nlogin: alice\n');
});

test('a second viewer gets the same over the one connection, and both type', async () => {
  const guest = new PrintingGuest();
  const console = await guest.open();
  const first = listen(console.view());
  guest.print('one ');
  await hears(first, 'one ');
  const second = listen(console.view());
  guest.print('two');
  await hears(second, 'one two');
  await hears(first, 'one two');
  expect(guest.connections).toBe(1);
  const typed: string[] = [];
  guest.end.on('data', (bytes: Buffer) => typed.push(bytes.toString()));
  first.write('a');
  second.write('b');
  while (typed.join('').length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect([...typed.join('')].sort().join('')).toBe('ab');
});

test('one who does not read is cut with a sentence, and keeps neither the guest nor the others waiting', async () => {
  const guest = new PrintingGuest();
  const console = await guest.open();
  const slow = console.view();
  const quick = console.view();
  let taken = 0;
  quick.on('data', (bytes: Buffer) => (taken += bytes.length));
  const block = Buffer.alloc(64 * 1024, '.');
  for (let n = 1; n <= 64; n += 1) {
    guest.print(block);
    while (taken < n * block.length) await once(quick, 'data');
  }
  expect(slow.readableLength).toBeLessThan(1024 * 1024);
  const parts: Buffer[] = [];
  for await (const part of slow as AsyncIterable<Buffer>) parts.push(part);
  expect(Buffer.concat(parts).toString()).toMatch(/\.\r\n\[The guest prints faster than this connection takes it, so it was cut here\. Open the console again\.\]\r\n$/);
});

test('it ends with the guest for everybody, and with the last viewer for the guest', async () => {
  const stopped = new PrintingGuest();
  let over = 0;
  const console = await stopped.open(() => (over += 1));
  const viewers = [console.view(), console.view()];
  const ended = Promise.all(viewers.map((viewer) => once(viewer.resume(), 'end')));
  stopped.end.end();
  await ended;
  expect(over).toBe(1);
  expect(() => console.view()).toThrow('has just ended');

  const left = new PrintingGuest();
  let tellOver: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => (tellOver = resolve));
  const looking = (await left.open(() => tellOver())).view();
  looking.destroy();
  await isOver;
});

test('a guest that prints byte by byte is told of in a few parts, the first of them at once, and none is lost', async () => {
  const guest = new PrintingGuest();
  const console = await guest.open();
  const viewer = listen(console.view());
  const text = 'y\n'.repeat(2000);
  for (const byte of text) {
    guest.print(byte);
    if (heard.get(viewer)?.length === 0) await once(viewer, 'data');
  }
  expect(heard.get(viewer)?.[0]).toBe('y');
  guest.end.end();
  await once(viewer, 'end');
  expect(heard.get(viewer)?.join('')).toBe(text);
  expect(heard.get(viewer)?.length).toBeLessThan(400);
});
