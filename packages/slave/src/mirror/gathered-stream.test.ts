import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { HandClock } from '../../test/fixtures/hand-clock';
import { GatheredStream, ReadTurns } from './gathered-stream';

const turnMs = 50;
let server: Server;
let clock: HandClock;
const open: Socket[] = [];

beforeEach(async () => {
  clock = new HandClock();
  server = createServer((socket) => open.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** Both ends of a connection; `got` is what was taken so far. */
async function pair(turns: ReadTurns) {
  const stream = new GatheredStream(turns);
  const accepted = once(server, 'connection');
  const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, onread: stream.onread });
  open.push(socket);
  const [other] = (await accepted) as [Socket];
  await once(socket, 'connect');
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.over(socket).on('data', (piece: Buffer) => {
    // It lies in the one buffer of all connections.
    pieces.push(Buffer.from(piece));
    bytes += piece.length;
  });
  return { stream, socket, other, got: () => Buffer.concat(pieces).toString('latin1'), bytes: () => bytes, pieces: () => pieces.length };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    // Of a test whose time was over: asking on would keep the whole run from ending.
    if (!server.listening) throw new Error('The test has ended, and this has not come.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** As long as it takes to be heard by one that reads. */
async function heardElsewhere(turns: ReadTurns): Promise<void> {
  const { stream, other, got } = await pair(turns);
  stream.hurry(true);
  other.write('here');
  await until(() => got() === 'here');
}

it('what comes in drops is read together at the next turn, and nothing of it is lost', async () => {
  const turns = new ReadTurns(clock);
  const { other, got } = await pair(turns);
  other.write('a');
  await until(() => got() === 'a' && clock.waiting.length === 1);
  for (const drop of ['b', 'c']) {
    other.write(drop);
    await heardElsewhere(new ReadTurns(clock));
  }
  expect(got()).toBe('a');
  await clock.advance(turnMs);
  await until(() => got() === 'abc');
});

it('who waits gets at once what lies there and what comes', async () => {
  const turns = new ReadTurns(clock);
  const { stream, other, got } = await pair(turns);
  other.write('a');
  await until(() => got() === 'a' && clock.waiting.length === 1);
  other.write('b');
  stream.hurry(true);
  await until(() => got() === 'ab');
  other.write('c');
  await until(() => got() === 'abc');
  stream.hurry(false);
  other.write('d');
  for (let turn = 0; got() !== 'abcd' && turn < 100; turn += 1) {
    await heardElsewhere(new ReadTurns(clock));
    await clock.advance(turnMs);
  }
  expect(got()).toBe('abcd');
});

it('a fast link is read without a turn', async () => {
  const turns = new ReadTurns(clock);
  const { other, bytes: taken } = await pair(turns);
  const bytes = 8 * 1024 * 1024;
  other.write(Buffer.alloc(bytes, 'x'));
  // The clock stands: turns come only when this test lets them.
  let turnsTaken = 0;
  while (taken() < bytes) {
    const before = taken();
    await heardElsewhere(new ReadTurns(clock));
    if (taken() > before) continue;
    turnsTaken += 1;
    await clock.advance(turnMs);
  }
  expect(turnsTaken).toBeLessThan(bytes / (256 * 1024));
});

it('a connection that ended is read at no turn, and no turn is waited for', async () => {
  const turns = new ReadTurns(clock);
  const { socket, other, got } = await pair(turns);
  other.write('a');
  await until(() => got() === 'a' && clock.waiting.length === 1);
  const resume = jest.spyOn(socket, 'resume');
  socket.destroy();
  await once(socket, 'close');
  await clock.advance(turnMs);
  expect(resume).not.toHaveBeenCalled();
  expect(clock.waiting).toEqual([]);
});
