import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { connect, createServer as createUnixServer, type AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { newId } from '@paravcl/shared/ids';
import type { StreamEnd, StreamHello } from '@paravcl/shared/protocol/streams';
import { agentStreamPath } from '@paravcl/shared/protocol/version';
import { WebSocketServer, type WebSocket } from 'ws';
import { testCertificate } from '../../test/fixtures/certificate';
import { HandClock } from '../../test/fixtures/hand-clock';
import { until } from '../../test/fixtures/until';
import { dialStream } from './master-stream';
import { StreamJoins } from './stream-joins';

const ticket = 't'.repeat(43);
let clock: HandClock;
let server: Server;
let doors: WebSocketServer;
/** What came to the master: addresses, first messages, then bytes. */
let asked: { readonly url: string; readonly origin: string | undefined; readonly socket: WebSocket; hello: string | null; readonly heard: Buffer[]; isClosed: boolean }[];
/** What the master does on a hello. */
let onHello: (socket: WebSocket) => void;

beforeEach(async () => {
  clock = new HandClock();
  asked = [];
  onHello = (socket) => socket.send('{"open":true}');
  server = createServer(testCertificate());
  doors = new WebSocketServer({ server });
  doors.on('connection', (socket, request) => {
    const one: (typeof asked)[number] = { url: request.url ?? '', origin: request.headers.origin, socket, hello: null, heard: [], isClosed: false };
    asked.push(one);
    socket.on('close', () => (one.isClosed = true));
    socket.on('message', (data, isBinary) => {
      if (isBinary) one.heard.push(data as Buffer);
      else {
        one.hello = String(data as Buffer);
        onHello(socket);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  for (const { socket } of asked) socket.terminate();
  server.close();
  await once(server, 'close');
});

const parts = (ca: readonly string[] = [testCertificate().cert]) => ({ clock, masterUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca });
const dial = (hello: StreamHello = { ticket }, signal?: AbortSignal): Promise<Duplex> => dialStream(parts(), hello, signal);

async function all(stream: Duplex): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) read.push(part);
  return Buffer.concat(read);
}

describe('a stream that is dialled', () => {
  test('shows its ticket in its first message and nowhere else, and is bytes once the master says that it is open', async () => {
    onHello = (socket) => {
      socket.send('{"open":true}');
      socket.send(Buffer.from('at once'));
    };
    const stream = await dial({ ticket, channel: 'ram' });
    const [one] = asked;
    expect(one).toMatchObject({ url: agentStreamPath, origin: undefined, hello: JSON.stringify({ ticket, channel: 'ram' }) });
    expect(String((await once(stream, 'data'))[0])).toBe('at once');
    stream.write('and back');
    await until('it arrives', () => String(one?.heard[0] ?? '') === 'and back');
    one?.socket.close();
    expect(String(await all(stream))).toBe('');
  });

  test('that is ended has told all that it was given', async () => {
    const stream = await dial();
    const bytes = randomBytes(4 * 1024 * 1024);
    asked[0]?.socket.pause();
    for (let at = 0; at < bytes.length; at += 65_536) stream.write(bytes.subarray(at, at + 65_536));
    stream.resume().end();
    setTimeout(() => asked[0]?.socket.resume(), 50);
    await until('it is closed', () => asked[0]?.isClosed === true);
    expect(Buffer.concat(asked[0]?.heard ?? []).equals(bytes)).toBe(true);
  });

  test('throws the master’s sentence when it does not open', async () => {
    onHello = (socket) => socket.close(1013, 'The other host is not connected now.');
    await expect(dial()).rejects.toThrow('The master did not open the stream: The other host is not connected now.');
  });

  test('takes nothing but that it is open for an answer', async () => {
    onHello = (socket) => socket.send('{"open":false}');
    await expect(dial()).rejects.toThrow('something else');
    await until('it hung up', () => asked[0]?.isClosed === true);
  });

  test('sends its ticket to nobody with another certificate than the pinned one', async () => {
    await expect(dialStream({ ...parts(), ca: [] }, { ticket })).rejects.toThrow('The stream to the master failed');
    expect(asked).toEqual([]);
  });

  test('is given up after twenty seconds, and by its signal, before and after it is open', async () => {
    onHello = () => undefined;
    const late = expect(dial()).rejects.toThrow('within 20 s');
    await until('it has asked', () => asked[0]?.hello !== null && asked.length === 1);
    await clock.advance(20_000);
    await late;
    const control = new AbortController();
    const waiting = expect(dial({ ticket }, control.signal)).rejects.toThrow('not any more');
    await until('it has asked', () => asked.length === 2 && asked[1]?.hello !== null);
    control.abort(new Error('not any more'));
    await waiting;
    onHello = (socket) => socket.send('{"open":true}');
    const after = new AbortController();
    const stream = await dial({ ticket }, after.signal);
    after.abort(new Error('over'));
    await all(stream);
    await until('all are closed', () => asked.every((one) => one.isClosed));
    await expect(dial({ ticket }, after.signal)).rejects.toThrow('over');
  });

  test('of which nothing is heard for 45 seconds is cut', async () => {
    const stream = await dial();
    asked[0]?.socket.pause();
    const end = all(stream);
    await clock.advance(45_000);
    await end;
  });
});

describe('what the master asks this slave to join', () => {
  const end: StreamEnd = { kind: 'migration', migrationId: newId(1), channel: 'libvirt' };
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'joins-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  /** A local end as a guest's is: a unix socket, and who answers on it. */
  async function local(): Promise<{ readonly near: Duplex; readonly far: Duplex }> {
    const path = join(directory, `socket-${Math.random()}`);
    const listener = createUnixServer().listen(path);
    const accepted = once(listener, 'connection') as Promise<[Duplex]>;
    const near = connect(path);
    const [far] = await accepted;
    listener.close();
    return { near, far };
  }

  test('carries bytes both ways between the two, and ends one with the other', async () => {
    const { near, far } = await local();
    const joins = new StreamJoins({ targets: { connect: () => Promise.resolve(near) }, dial });
    await joins.join({ ticket, end });
    expect(asked[0]?.hello).toBe(JSON.stringify({ ticket }));
    asked[0]?.socket.send(Buffer.from('question'));
    expect(String((await once(far, 'data'))[0])).toBe('question');
    const bytes = randomBytes(4 * 1024 * 1024);
    far.end(bytes);
    await until('it is closed', () => asked[0]?.isClosed === true);
    expect(Buffer.concat(asked[0]?.heard ?? []).equals(bytes)).toBe(true);
    far.destroy();
  });

  test('ends the local end when the stream ends, after what had been sent', async () => {
    const { near, far } = await local();
    await new StreamJoins({ targets: { connect: () => Promise.resolve(near) }, dial }).join({ ticket, end });
    const bytes = randomBytes(1024 * 1024);
    asked[0]?.socket.send(bytes);
    asked[0]?.socket.close();
    expect((await all(far)).equals(bytes)).toBe(true);
  });

  test('is joined once, though the command comes twice', async () => {
    let connects = 0;
    const { near, far } = await local();
    const joins = new StreamJoins({ targets: { connect: () => Promise.resolve((connects += 1, near)) }, dial });
    await Promise.all([joins.join({ ticket, end }), joins.join({ ticket, end })]);
    await joins.join({ ticket, end });
    expect([connects, asked.length]).toEqual([1, 1]);
    joins.stop();
    await all(far);
    await until('it is closed', () => asked[0]?.isClosed === true);
  });

  test('is not dialled for when there is nothing here, and let go when the master does not open it', async () => {
    const joins = new StreamJoins({ targets: { connect: () => Promise.reject(new Error('This host awaits no guest of that migration.')) }, dial });
    await expect(joins.join({ ticket, end })).rejects.toThrow('awaits no guest');
    expect(asked).toEqual([]);
    onHello = (socket) => socket.close(1008, 'This ticket opens nothing.');
    const { near, far } = await local();
    const others = new StreamJoins({ targets: { connect: () => Promise.resolve(near) }, dial });
    await expect(others.join({ ticket, end })).rejects.toThrow('opens nothing');
    await all(far);
  });
});
