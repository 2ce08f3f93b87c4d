import fc from 'fast-check';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type SecureContextOptions } from 'node:tls';
import { ServedWant } from './served-want';
import { WayOut, type PacedStream, type SentStream } from './way-out';

/** A socket whose other end takes what was written when the test says so. */
class HandStream implements SentStream {
  private taken: (() => void)[] = [];
  private onClose: (() => void)[] = [];
  writableLength = 0;
  destroyed = false;
  written = 0;

  write(data: Buffer, left?: () => void): boolean {
    this.written += data.length;
    this.taken.push(left ?? (() => undefined));
    return true;
  }

  cork(): void { /* nothing is held back */ }
  uncork(): void { /* nothing is held back */ }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const listener of this.onClose) listener();
  }

  on(event: string, listener: (value: never) => void): void {
    if (event === 'close') this.onClose.push(listener as () => void);
  }

  take(): void {
    for (const left of this.taken.splice(0)) left();
  }
}

const wanted = (urgent = false): ServedWant => new ServedWant({ request: 1, channel: 0, index: 0, urgent, insist: false, rank: 0 });
const givenUp = (): ServedWant => {
  const want = wanted();
  want.cancel();
  return want;
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const chunk = (bytes: number) => () => Promise.resolve({ data: Buffer.alloc(bytes) });
/** Sends as a port does: what is found is written. */
async function send(stream: PacedStream, bytes: number, want = wanted()): Promise<boolean> {
  const found = await stream.send(bytes, want, chunk(bytes));
  if (found !== null) stream.write(found.data);
  return found !== null;
}

test('what does not fit waits until something has left', async () => {
  const out = new WayOut({ bytes: 1000, bytesPerConnection: 100 });
  const socket = new HandStream();
  const stream = out.paced(socket);
  const sent = [send(stream, 60), send(stream, 40), send(stream, 1)];
  await settled();
  expect([socket.written, out.heldBytes]).toEqual([100, 100]);
  socket.take();
  await settled();
  expect(socket.written).toBe(101);
  socket.take();
  expect(await Promise.all(sent)).toEqual([true, true, true]);
  expect(out.heldBytes).toBe(0);
});

test('of what waits the urgent goes first, and what became urgent only while it waited', async () => {
  const out = new WayOut({ bytes: 1000, bytesPerConnection: 10 });
  const socket = new HandStream();
  const stream = out.paced(socket);
  const order: string[] = [];
  const named = (name: string, want: ServedWant) => send(stream, 10, want).then(() => order.push(name));
  const later = wanted();
  const all = [named('first', wanted()), named('ahead', wanted()), named('raised', later), named('urgent', wanted(true)), named('urgent too', wanted(true))];
  later.raise();
  while (order.length < 5) {
    await settled();
    socket.take();
  }
  await Promise.all(all);
  expect(order).toEqual(['first', 'urgent', 'urgent too', 'raised', 'ahead']);
});

test('who does not read takes its own room and nobody else’s', async () => {
  const out = new WayOut({ bytes: 1000, bytesPerConnection: 100 });
  const [asleep, awake] = [new HandStream(), new HandStream()];
  const [slow, fast] = [out.paced(asleep), out.paced(awake)];
  void Promise.all(Array.from({ length: 50 }, () => send(slow, 50)));
  for (let round = 0; round < 20; round++) {
    const sent = send(fast, 100);
    await settled();
    awake.take();
    expect(await sent).toBe(true);
  }
  expect([asleep.written, awake.written]).toEqual([100, 2000]);
});

test('when all the room is taken by others, who waits longest is the next', async () => {
  const out = new WayOut({ bytes: 100, bytesPerConnection: 100 });
  const sockets = [new HandStream(), new HandStream(), new HandStream()] as const;
  const streams = sockets.map((socket) => out.paced(socket));
  const order: number[] = [];
  const all = streams.flatMap((stream, at) => [send(stream, 100).then(() => order.push(at)), send(stream, 100).then(() => order.push(at))]);
  while (order.length < 6) {
    await settled();
    for (const socket of sockets) socket.take();
  }
  await Promise.all(all);
  expect(order).toEqual([0, 1, 2, 0, 1, 2]);
});

test('what nobody waits for any more is not read, and what could not be read gives its room back', async () => {
  const out = new WayOut({ bytes: 100, bytesPerConnection: 100 });
  const stream = out.paced(new HandStream());
  expect(await stream.send(100, givenUp(), () => Promise.reject(new Error('it was read')))).toBeNull();
  await expect(stream.send(100, wanted(), () => Promise.reject(new Error('the disk is broken')))).rejects.toThrow('the disk is broken');
  expect(await stream.send(100, wanted(), () => Promise.resolve(null))).toBeNull();
  expect(out.heldBytes).toBe(0);
});

test('the end of a connection gives everything back and lets nobody wait', async () => {
  const out = new WayOut({ bytes: 100, bytesPerConnection: 100 });
  const [gone, other] = [new HandStream(), new HandStream()];
  const stream = out.paced(gone);
  const sent = [send(stream, 100), send(stream, 100)];
  await settled();
  const rest = send(out.paced(other), 100);
  await settled();
  expect(other.written).toBe(0);
  gone.destroy();
  expect(await Promise.all(sent)).toEqual([true, false]);
  expect(await rest).toBe(true);
  expect(out.heldBytes).toBe(100);
});

test('a connection that takes nothing is cut; one that takes something is not, nor one that has nothing to take', async () => {
  const out = new WayOut({ bytes: 10_000_000, bytesPerConnection: 10_000_000 });
  const [stuck, slow, idle] = [new HandStream(), new HandStream(), new HandStream()];
  const [one, other] = [out.paced(stuck), out.paced(slow)];
  out.paced(idle);
  await send(one, 10);
  await send(other, 1_000_000);
  out.cutStuck();
  slow.take();
  await send(other, 10);
  out.cutStuck();
  expect([stuck.destroyed, slow.destroyed, idle.destroyed]).toEqual([true, false, false]);
});

describe.each(['TCP', 'TLS'] as const)('over %s, where all that waits behind a write leaves as one', (kind) => {
  const psk = Buffer.alloc(16, 1);
  const ciphers: SecureContextOptions = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
  let server: Server;
  let reader: Socket;
  let socket: Socket;

  beforeEach(async () => {
    server = kind === 'TCP' ? createServer() : createTlsServer({ ...ciphers, pskCallback: () => psk });
    const accepted = once(server, kind === 'TCP' ? 'connection' : 'secureConnection');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    reader = kind === 'TCP' ? connect(at) : connectTls({ ...at, ...ciphers, checkServerIdentity: () => undefined, pskCallback: () => ({ psk, identity: 'it' }) });
    reader.on('error', () => undefined);
    [socket] = (await accepted) as [Socket];
    socket.on('error', () => undefined);
  });

  afterEach(async () => {
    reader.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  /** Some answers behind one another, more than the kernel takes. */
  async function answers(out: WayOut): Promise<number> {
    const stream = out.paced(socket);
    const sizes = [1000, 12_000_000, 12_000_000, 1000];
    for (const bytes of sizes) await send(stream, bytes);
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  test('one that reads steadily but slowly is not cut, however long an answer is', async () => {
    const out = new WayOut({ bytes: 100_000_000, bytesPerConnection: 100_000_000 });
    const inAll = await answers(out);
    let got = 0;
    let stopAt = 0;
    reader.on('data', (piece: Buffer) => {
      got += piece.length;
      if (got >= stopAt) reader.pause();
    });
    while (got < inAll) {
      out.cutStuck();
      expect(socket.destroyed).toBe(false);
      // More than the kernel keeps back before it takes anything again.
      stopAt = Math.min(inAll, got + 6_000_000);
      reader.resume();
      while (got < stopAt) await settled();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  test('one that stops to read is cut', async () => {
    const out = new WayOut({ bytes: 100_000_000, bytesPerConnection: 100_000_000 });
    await answers(out);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    while (!socket.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      out.cutStuck();
    }
    await closed;
    expect(out.heldBytes).toBe(0);
  });
});

test('whatever is sent, cancelled, taken and cut, no more is on its way than the limits say, and in the end nothing', async () => {
  const step = fc.record({ on: fc.nat(3), bytes: fc.integer({ min: 1, max: 80 }), urgent: fc.boolean(), does: fc.constantFrom('send', 'send', 'send', 'cancelled', 'missing', 'take', 'cut') });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const out = new WayOut({ bytes: 150, bytesPerConnection: 100 });
      const sockets = Array.from({ length: 4 }, () => new HandStream());
      const streams = sockets.map((socket) => out.paced(socket));
      const all: Promise<unknown>[] = [];
      for (const { on, bytes, urgent, does } of steps) {
        const [socket, stream] = [sockets[on], streams[on]];
        if (socket === undefined || stream === undefined) continue;
        if (does === 'take') socket.take();
        else if (does === 'cut') socket.destroy();
        else if (does === 'missing') all.push(stream.send(bytes, wanted(urgent), () => Promise.resolve(null)));
        else all.push(send(stream, bytes, does === 'cancelled' ? givenUp() : wanted(urgent)));
        await settled();
        expect(out.heldBytes).toBeLessThanOrEqual(150);
        for (const one of streams) expect(one.held).toBeLessThanOrEqual(100);
      }
      let over = false;
      void Promise.all(all).then(() => (over = true));
      for (let round = 0; round < 200 && !over; round++) {
        for (const socket of sockets) socket.take();
        await settled();
      }
      for (const socket of sockets) socket.take();
      expect([over, out.heldBytes]).toEqual([true, 0]);
    }),
    { numRuns: 60 },
  );
});
