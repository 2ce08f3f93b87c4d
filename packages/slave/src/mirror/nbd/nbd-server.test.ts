import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import fc from 'fast-check';
import pino from 'pino';
import { goData, NbdClient, number32, text } from '../../../test/fixtures/nbd-client';
import { testContent } from '../../../test/fixtures/test-image';
import { until } from '../../../test/fixtures/until';
import { NbdConnection, ReplyBudget } from './nbd-connection';
import type { NbdExport } from './nbd-export';
import { NbdServer } from './nbd-server';
import { allocationContext, command, magic, nbdError, option, optionAnswer } from './wire';

const chunkBytes = 64 * 1024;
/** Larger than the largest request, and not a multiple of anything. */
const content = testContent(33 * 1024 * 1024 + 512, 3);
const isZero = (at: number): boolean => Math.floor(at / chunkBytes) % 5 === 4;

/** An export over bytes in memory; a test may hold its slow reads back. */
class TestExport implements NbdExport {
  readonly sizeBytes = content.length;
  readonly preferredBytes = chunkBytes;
  readonly noted: [number, number][] = [];
  readonly slow: { readonly offset: number; answer(error?: Error): void }[] = [];
  isHere = true;
  holdsBack = false;
  released = 0;

  noteRead(offset: number, length: number): void {
    this.noted.push([offset, length]);
  }

  readHere(target: Buffer, at: number, offset: number, length: number): boolean {
    if (this.isHere) content.copy(target, at, offset, offset + length);
    return this.isHere;
  }

  read(offset: number, length: number): Promise<Buffer> {
    const data = content.subarray(offset, offset + length);
    if (!this.holdsBack) return Promise.resolve(data);
    return new Promise((resolve, reject) => this.slow.push({ offset, answer: (error) => (error === undefined ? resolve(data) : reject(error)) }));
  }

  *extents(offset: number, length: number): Iterable<{ readonly length: number; readonly isZero: boolean }> {
    for (let at = offset; at < offset + length; at = (Math.floor(at / chunkBytes) + 1) * chunkBytes) {
      yield { length: chunkBytes - (at % chunkBytes), isZero: isZero(at) };
    }
  }

  release(): void {
    this.released += 1;
  }
}

let directory: string;
let path: string;
let image: TestExport;
let server: NbdServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nbd-'));
  path = join(directory, 'nbd.sock');
  image = new TestExport();
  await writeFile(path, 'left by an earlier mirror');
  server = await NbdServer.listen({ path, owner: null, clock: systemClock, log: pino({ level: 'silent' }), open: (name) => Promise.resolve(name === 'it' ? image : null) });
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

test('only its owner may connect', async () => {
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('says what an export is: its size, read-only, for several connections, and the sizes of requests', async () => {
  const client = await NbdClient.connect(path);
  expect((await client.greet()).subarray(0, 8).toString()).toBe('NBDMAGIC');
  const answers = await client.ask(option.info, goData('it'));
  expect(answers.map(({ kind }) => kind)).toEqual([optionAnswer.info, optionAnswer.info, optionAnswer.ack]);
  const [facts, sizes] = answers.map(({ payload }) => payload);
  expect([facts?.readUInt16BE(0), facts?.readBigUInt64BE(2), facts?.readUInt16BE(10)]).toEqual([0, BigInt(content.length), 0b1_0000_0011]);
  expect([sizes?.readUInt16BE(0), sizes?.readUInt32BE(2), sizes?.readUInt32BE(6), sizes?.readUInt32BE(10)]).toEqual([3, 1, chunkBytes, 32 * 1024 * 1024]);
  expect(image.released).toBe(1);
  client.end();
});

test('refuses what it does not have, and goes on with the handshake', async () => {
  const client = await NbdClient.connect(path);
  await client.greet();
  const last = async (code: number, data?: Buffer): Promise<number | undefined> => (await client.ask(code, data)).at(-1)?.kind;
  expect(await last(option.go, goData('another'))).toBe(optionAnswer.unknown);
  expect(await last(option.list)).toBe(optionAnswer.policy);
  expect(await last(5)).toBe(optionAnswer.unsupported);
  expect(await last(4711, Buffer.alloc(100))).toBe(optionAnswer.unsupported);
  expect(await last(option.go, Buffer.from([0, 0, 1]))).toBe(optionAnswer.invalid);
  expect(await last(option.go, Buffer.concat([number32(0xffffffff), Buffer.alloc(20)]))).toBe(optionAnswer.invalid);
  expect(await last(option.setMetaContext, Buffer.concat([text('it'), number32(1), text(allocationContext)]))).toBe(optionAnswer.invalid);
  expect(await last(option.structuredReply, Buffer.alloc(1))).toBe(optionAnswer.invalid);
  expect(await last(option.structuredReply)).toBe(optionAnswer.ack);
  expect(await last(option.setMetaContext, Buffer.concat([text('it'), number32(9), text(allocationContext)]))).toBe(optionAnswer.invalid);
  expect((await client.ask(option.listMetaContext, Buffer.concat([text('it'), number32(0)]))).map(({ kind }) => kind)).toEqual([optionAnswer.metaContext, optionAnswer.ack]);
  expect((await client.ask(option.setMetaContext, Buffer.concat([text('it'), number32(1), text('qemu:dirty-bitmap:x')]))).map(({ kind }) => kind)).toEqual([optionAnswer.ack]);
  expect(await last(option.go, goData('it'))).toBe(optionAnswer.ack);
  client.end();
});

test('a client of the old way gets the same export, or is hung up on', async () => {
  const client = await NbdClient.connect(path);
  await client.greet(1);
  client.say(option.exportName, Buffer.from('it'));
  const facts = await client.take(10 + 124);
  expect([facts.readBigUInt64BE(0), facts.subarray(10).every((byte) => byte === 0)]).toEqual([BigInt(content.length), true]);
  client.request(command.read, 7, 9);
  expect(await client.reply(() => 9)).toEqual({ cookie: 1n, error: 0, data: content.subarray(7, 16) });
  client.end();
  const other = await NbdClient.connect(path);
  await other.greet();
  other.say(option.exportName, Buffer.from('another'));
  await other.hungUp();
  const ending = await NbdClient.connect(path);
  await ending.greet();
  expect(await ending.ask(option.abort)).toHaveLength(1);
  await ending.hungUp();
});

test.each([{ structured: false }, { structured: true }])('every range is read right, whatever its size (structured: $structured)', async ({ structured }) => {
  const client = await NbdClient.open(path, 'it', { structured });
  for (const isHere of [true, false]) {
    image.isHere = isHere;
    for (const [offset, length] of [[0, 1], [511, 2], [chunkBytes - 3, 7], [4096, 65_536], [1, 131_073], [content.length - 512, 512], [512, 32 * 1024 * 1024]] as const) {
      client.request(command.read, offset, length);
      const { error, data } = await client.reply(() => length);
      expect([error, data.equals(content.subarray(offset, offset + length))]).toEqual([0, true]);
      expect(image.noted.at(-1)).toEqual([offset, length]);
    }
  }
  client.end();
  await until('the release', () => image.released === 1);
});

test('requests are answered in the order in which their bytes come', async () => {
  const client = await NbdClient.open(path, 'it');
  image.isHere = false;
  image.holdsBack = true;
  const [first, second] = [client.request(command.read, 0, 4096), client.request(command.read, 8192, 4096)];
  await until('both reads', () => image.slow.length === 2);
  image.isHere = true;
  const third = client.request(command.read, 100, 10);
  expect((await client.reply()).cookie).toBe(third);
  image.slow[1]?.answer();
  expect(await client.reply()).toEqual({ cookie: second, error: 0, data: content.subarray(8192, 12_288) });
  image.slow[0]?.answer(new Error('Nobody has it.'));
  expect(await client.reply()).toEqual({ cookie: first, error: nbdError.io, data: Buffer.alloc(0) });
  client.request(command.read, 0, 10);
  expect((await client.reply()).error).toBe(0);
  client.end();
});

test.each([{ structured: false }, { structured: true }])('nothing is written, and nothing is read beyond the end (structured: $structured)', async ({ structured }) => {
  const client = await NbdClient.open(path, 'it', { structured });
  const errorOf = async (...request: Parameters<NbdClient['request']>): Promise<number> => {
    client.request(...request);
    return (await client.reply()).error;
  };
  expect(await errorOf(command.write, 0, 5000, { payload: Buffer.alloc(5000, 0x25) })).toBe(nbdError.permission);
  expect(await errorOf(command.trim, 0, 4096)).toBe(nbdError.permission);
  expect(await errorOf(command.writeZeroes, 0, 4096)).toBe(nbdError.permission);
  expect(await errorOf(command.read, content.length - 10, 11)).toBe(nbdError.invalid);
  expect(await errorOf(command.read, 2 ** 52, 10)).toBe(nbdError.invalid);
  expect(await errorOf(command.read, 0, 0)).toBe(nbdError.invalid);
  expect(await errorOf(command.read, 0, 32 * 1024 * 1024 + 1)).toBe(nbdError.invalid);
  expect(await errorOf(command.read, 0, 10, { flags: 0x80 })).toBe(nbdError.invalid);
  expect(await errorOf(command.flush, 0, 0)).toBe(nbdError.invalid);
  expect(await errorOf(99, 0, 0)).toBe(nbdError.invalid);
  if (!structured) expect(await errorOf(command.blockStatus, 0, 4096)).toBe(nbdError.invalid);
  client.request(command.read, 3, 4);
  expect((await client.reply(() => 4)).data).toEqual(content.subarray(3, 7));
  client.request(command.disconnect, 0, 0);
  await client.hungUp();
});

test('reads nothing more of a client that said that it goes', async () => {
  const served: Socket[] = [];
  const listening = createServer((socket) => {
    served.push(socket.on('error', () => undefined));
    new NbdConnection(socket, { export: image, structured: false, tellsAllocation: false }, new ReplyBudget(1024), Buffer.alloc(0), (error) => {
      throw error;
    });
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const client = connect({ port: (listening.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  const going = Buffer.alloc(28);
  going.writeUInt32BE(magic.request, 0);
  going.writeUInt16BE(command.disconnect, 6);
  client.write(Buffer.concat([going, Buffer.alloc(32 * 1024 * 1024)]));
  await until('the release', () => image.released === 1);
  expect(served.map(({ destroyed, bytesRead }) => [destroyed, bytesRead < 1024 * 1024])).toEqual([[true, true]]);
  client.destroy();
  listening.close();
});

test('tells which ranges are zeros, all of them or the first', async () => {
  const client = await NbdClient.open(path, 'it');
  client.request(command.blockStatus, 3 * chunkBytes + 100, 2 * chunkBytes);
  const { data } = await client.reply();
  expect(Array.from({ length: data.length / 4 }, (_, at) => data.readUInt32BE(at * 4))).toEqual([chunkBytes - 100, 0, chunkBytes, 3, 100, 0]);
  client.request(command.blockStatus, 4 * chunkBytes, 10 * chunkBytes, { flags: 8 });
  expect((await client.reply()).data).toEqual(Buffer.concat([number32(chunkBytes), number32(3)]));
  client.end();
});

test('a client that asks and never reads is kept few bytes for, and others are served', async () => {
  const greedy = await NbdClient.open(path, 'it');
  greedy.socket.pause();
  const asked = 2000;
  for (let at = 0; at < asked; at += 1) greedy.request(command.read, 0, 128 * 1024);
  const client = await NbdClient.open(path, 'it');
  client.request(command.read, 0, 4096);
  expect((await client.reply()).error).toBe(0);
  await until('the first answers', () => image.noted.length > 10);
  // A hundred are 12.8 MiB: what is kept for it and what the kernel takes.
  expect(image.noted.length).toBeLessThan(100);
  greedy.socket.resume();
  for (let at = 0; at < asked; at += 1) {
    const { error, data } = await greedy.reply();
    if (error !== 0 || data.length !== 128 * 1024) throw new Error(`The answer ${at} is wrong.`);
  }
  greedy.end();
  client.end();
}, 60_000);

test.each([{ kind: 'reads', type: command.read }, { kind: 'block status', type: command.blockStatus }])('clients that never read are kept few bytes for all together, while others are served at once ($kind)', async ({ type }) => {
  await server.close();
  const length = 128 * 1024;
  const open = (name: string): Promise<NbdExport | null> => Promise.resolve(name === 'it' ? image : null);
  server = await NbdServer.listen({ path, owner: null, clock: systemClock, log: pino({ level: 'silent' }), open, mostReplyBytes: 1024 * 1024 });
  let told = 0;
  const extents = image.extents.bind(image);
  image.extents = (...range) => {
    told += 1;
    return extents(...range);
  };
  const answered = (): number => (type === command.read ? image.noted.length : told);
  const greedy = await Promise.all(Array.from({ length: 16 }, () => NbdClient.open(path, 'it')));
  const asked = type === command.read ? 64 : 8000;
  for (const client of greedy) {
    client.socket.pause();
    for (let at = 0; at < asked; at += 1) client.request(type, 0, length);
  }
  const honest = await NbdClient.open(path, 'it');
  for (let at = 0; at < 50; at += 1) {
    honest.request(command.read, 0, 4096);
    expect((await honest.reply()).error).toBe(0);
  }
  expect(answered()).toBeGreaterThan(16);
  // Of reads: 1 MiB, and of each client what the kernel takes and one more. All that was asked for are 1024 reads.
  expect(answered()).toBeLessThan(type === command.read ? 200 : 16 * asked * 0.8);
  for (const client of greedy) client.socket.resume();
  for (const client of greedy) {
    for (let at = 0; at < asked; at += 1) if ((await client.reply()).error !== 0) throw new Error(`The answer ${at} is wrong.`);
    client.end();
  }
  honest.end();
}, 60_000);

test('many large requests of many connections wait for each other and are all answered', async () => {
  const clients = await Promise.all(Array.from({ length: 12 }, () => NbdClient.open(path, 'it')));
  image.isHere = false;
  image.holdsBack = true;
  const length = 32 * 1024 * 1024;
  for (const client of clients) client.request(command.read, 0, length);
  await until('as many as there is room for', () => image.slow.length === 8);
  image.holdsBack = false;
  for (const { answer } of image.slow) answer();
  for (const client of clients) {
    expect((await client.reply()).data.length).toBe(length);
    client.end();
  }
}, 60_000);

const wellFormed = fc.oneof(
  fc.record({ code: fc.oneof(fc.nat(12), fc.nat()), data: fc.uint8Array({ maxLength: 64 }) }).map(({ code, data }) => {
    const head = Buffer.from('IHAVEOPT00000000');
    head.writeUInt32BE(code >>> 0, 8);
    head.writeUInt32BE(data.length, 12);
    return Buffer.concat([head, data]);
  }),
  fc.record({ type: fc.nat(9), flags: fc.nat(20), offset: fc.maxSafeNat(), length: fc.nat(0xffffffff) }).map(({ type, flags, offset, length }) => {
    const head = Buffer.alloc(28);
    head.writeUInt32BE(0x25609513, 0);
    head.writeUInt16BE(flags, 4);
    head.writeUInt16BE(type, 6);
    head.writeBigUInt64BE(BigInt(offset), 16);
    head.writeUInt32BE(length, 24);
    return head;
  }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

test('whatever a client says, the server goes on, lets go of the export and serves the next', async () => {
  let opened = 0;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(wellFormed, { maxLength: 12 }), async (chooses, pieces) => {
      const client = chooses ? await NbdClient.open(path, 'it') : await NbdClient.connect(path);
      if (chooses) opened += 1;
      else client.socket.write(number32(3));
      for (const piece of pieces) client.socket.write(piece);
      await new Promise<void>((resolve) => client.socket.write('', () => resolve()));
      client.end();
      const honest = await NbdClient.open(path, 'it');
      opened += 1;
      honest.request(command.read, 5, 6);
      expect((await honest.reply()).data).toEqual(content.subarray(5, 11));
      honest.end();
    }),
    { numRuns: 150 },
  );
  await until('that all is let go of', () => image.released >= opened);
}, 60_000);

test('a handshake that drags on or talks too much is ended', async () => {
  const talker = await NbdClient.connect(path);
  await talker.greet();
  for (let at = 0; at < 100; at += 1) talker.say(4711);
  await talker.hungUp();
  const boaster = await NbdClient.connect(path);
  await boaster.greet();
  const head = Buffer.from('IHAVEOPT00000000');
  head.writeUInt32BE(7, 8);
  head.writeUInt32BE(0xffffffff, 12);
  boaster.socket.write(head);
  await boaster.hungUp();
});
