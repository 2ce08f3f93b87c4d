import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { newId } from '@paravcl/shared/ids';
import type { Command, CommandResult } from '@paravcl/shared/protocol/commands';
import { agentStreamPath } from '@paravcl/shared/protocol/version';
import { WebSocket, type ClientOptions } from 'ws';
import { eventually } from '../../test/it/eventually';
import { HandClock } from '../../test/it/hand-clock';
import { refuseUpgrade } from '../http/refused-upgrade';
import { StreamDoor, type StreamDoorLimits } from './stream-door';
import { StreamRelay } from './stream-relay';
import { newStreamTicket } from '../services/stream-ticket';

const MiB = 1024 * 1024;
const [source, destination, migrationId] = [newId(1), newId(2), newId(3)];
const limits: StreamDoorLimits = { maxConnections: 40, maxUnproven: 20, maxUnprovenPerAddress: 10, maxStrangersPerMinute: 5 };

type OpenStream = Extract<Command, { kind: 'open-stream' }>;

/** One who dials: what it was told, and how it ended. */
interface Dialler {
  readonly socket: WebSocket;
  readonly heard: Buffer[];
  isOpen: boolean;
  end: { readonly code: number; readonly reason: string } | null;
}

let clock: HandClock;
let server: Server;
let door: StreamDoor;
let relay: StreamRelay;
let diallers: Dialler[];
/** Commands that slaves were sent, and how each is answered. */
let told: { readonly slaveId: string; readonly command: OpenStream }[];
let answer: (command: OpenStream) => Promise<CommandResult['outcome']>;
let protocols: Map<string, number>;
let warnings: object[];

beforeEach(async () => {
  clock = new HandClock();
  [diallers, told, warnings] = [[], [], []];
  protocols = new Map([[destination, 6]]);
  answer = ({ ticket }) => Promise.resolve(void dial({ ticket })).then(() => ({ ok: true, body: null }));
  relay = new StreamRelay({
    clock,
    log: { info: () => undefined, error: () => undefined, warn: (fields) => void warnings.push(fields) },
    agents: {
      protocolOf: (slaveId) => protocols.get(slaveId) ?? null,
      command: async (slaveId, command) => {
        if (command.kind !== 'open-stream') throw new Error(`${command.kind} is not asked here`);
        told.push({ slaveId, command });
        return { commandId: newId(9), outcome: await answer(command) };
      },
    },
  });
  door = new StreamDoor({ clock, relay }, limits);
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    if (!door.upgrade(request, socket, head)) refuseUpgrade(socket, 404, 'There is no such door.');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  door.close();
  for (const { socket } of diallers) socket.terminate();
  server.close();
  await once(server, 'close');
  await eventually('the door forgets everybody', () => door.size === 0);
});

function dial(hello?: object | string, options: ClientOptions = {}): Dialler {
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${agentStreamPath}`, options);
  const one: Dialler = { socket, heard: [], isOpen: false, end: null };
  diallers.push(one);
  socket.on('open', () => {
    if (hello !== undefined) socket.send(typeof hello === 'string' ? hello : JSON.stringify(hello));
  });
  socket.on('message', (data, isBinary) => {
    if (isBinary) one.heard.push(data as Buffer);
    else if (String(data as Buffer) === '{"open":true}') one.isOpen = true;
  });
  socket.on('error', () => undefined);
  socket.on('close', (code, reason) => (one.end = { code, reason: reason.toString() }));
  return one;
}

const ended = (one: Dialler) => eventually('it ends', () => one.end);
const opened = (one: Dialler) => eventually('it opens', () => one.isOpen);
const bytesOf = (one: Dialler): number => one.heard.reduce((sum, { length }) => sum + length, 0);
const line = (ticket?: string) => relay.openLine({ migrationId, fromSlaveId: source, toSlaveId: destination, ...(ticket === undefined ? {} : { ticket }) });

/** The two ends of a new stream of the line. */
async function between(ticket: string): Promise<{ near: Dialler; far: Dialler }> {
  const before = told.length;
  const near = dial({ ticket, channel: 'ram' });
  await opened(near);
  const oneTime = told[before]?.command.ticket;
  const far = diallers.find((one) => one !== near && one.isOpen && one.end === null && diallers.indexOf(one) > diallers.indexOf(near));
  if (oneTime === undefined || far === undefined) throw new Error('nobody was told to dial');
  return { near, far };
}

describe('a line between two slaves', () => {
  test('has the destination dial for the channel that the source asks for, and carries bytes both ways', async () => {
    const near = dial({ ticket: line().ticket, channel: 'disk' });
    await opened(near);
    expect(told).toEqual([{ slaveId: destination, command: { kind: 'open-stream', ticket: expect.stringMatching(/^[\w-]{43}$/) as string, end: { kind: 'migration', migrationId, channel: 'disk' } } }]);
    expect(told[0]?.command.ticket).not.toBe(line().ticket);
    const far = diallers[1] as Dialler;
    near.socket.send(Buffer.from('there'));
    far.socket.send(Buffer.from('back'));
    await eventually('both heard', () => bytesOf(far) > 0 && bytesOf(near) > 0);
    expect([String(near.heard[0]), String(far.heard[0])]).toEqual(['back', 'there']);
  });

  test('brings many MiB in order to one who reads slowly, and holds back the one who writes', async () => {
    const { near, far } = await between(line().ticket);
    far.socket.pause();
    const [sent, got] = [createHash('sha256'), createHash('sha256')];
    far.socket.on('message', (data) => got.update(data as Buffer));
    let taken = 0;
    const parts = Array.from({ length: 160 }, () => randomBytes(MiB / 4));
    for (const part of parts) near.socket.send(part, () => (taken += part.length));
    for (const part of parts) sent.update(part);
    // Until nothing moves any more: what lies between is what kernels and the relay hold.
    for (let [before, still] = [-1, 0]; still < 20; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      [before, still] = taken === before ? [before, still + 1] : [taken, 0];
    }
    expect(taken).toBeLessThan(24 * MiB);
    far.socket.resume();
    await eventually('all is there', () => bytesOf(far) === 40 * MiB);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
  });

  test.each(['near', 'far'] as const)('when the %s end closes, the other ends after all that was sent has come', async (who) => {
    const ends = await between(line().ticket);
    const [closing, other] = who === 'near' ? [ends.near, ends.far] : [ends.far, ends.near];
    other.socket.pause();
    // The other goes on talking to nobody; that must cost it nothing of what it is sent.
    const chatter = setInterval(() => other.socket.readyState === other.socket.OPEN && other.socket.send(randomBytes(1000)), 1);
    for (let count = 0; count < 64; count += 1) closing.socket.send(randomBytes(MiB / 8));
    closing.socket.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.socket.resume();
    await ended(other);
    clearInterval(chatter);
    expect(bytesOf(other)).toBe(8 * MiB);
    expect((await ended(closing)).code).toBe(1005);
  });

  test('an end that is cut off ends the other', async () => {
    const { near, far } = await between(line().ticket);
    near.socket.terminate();
    await ended(far);
    await eventually('the door forgets both', () => door.size === 0);
  });

  test('takes the ticket that was given, as after a restart of the master, and asked again is the same line', async () => {
    const given = newStreamTicket();
    expect(line(given).ticket).toBe(given);
    const { near, far } = await between(given);
    expect(line(given).ticket).toBe(given);
    expect(line().ticket).toBe(given);
    near.socket.send(Buffer.from('on'));
    await eventually('it goes on', () => bytesOf(far) === 2);
  });

  test('is closed when the same migration gets another ticket', async () => {
    const { ticket } = line();
    const { near, far } = await between(ticket);
    expect(line(newStreamTicket()).ticket).not.toBe(ticket);
    expect((await ended(near)).code).toBe(1000);
    await ended(far);
    expect((await ended(dial({ ticket, channel: 'ram' }))).code).toBe(1008);
  });

  test('once closed ends its streams, one that still waits among them, and opens no more', async () => {
    const { ticket } = line();
    const { near, far } = await between(ticket);
    answer = () => new Promise(() => undefined);
    const waiting = dial({ ticket, channel: 'disk' });
    await eventually('the destination is asked', () => told.length === 2);
    relay.closeLine(migrationId);
    expect(await ended(near)).toEqual({ code: 1000, reason: 'The migration has ended.' });
    expect(await ended(waiting)).toEqual({ code: 1000, reason: 'The migration has ended.' });
    await ended(far);
    expect(await ended(dial({ ticket, channel: 'ram' }))).toEqual({ code: 1008, reason: expect.stringContaining('opens nothing') as string });
  });

  test('once closed gives a destination that still dials for it nothing', async () => {
    const { ticket } = line();
    answer = () => new Promise(() => undefined);
    const waiting = dial({ ticket, channel: 'disk' });
    await eventually('the destination is asked', () => told.length === 1);
    relay.closeLine(migrationId);
    await ended(waiting);
    await ended(dial({ ticket: told[0]?.command.ticket }));
    await eventually('the door forgets both', () => door.size === 0);
  });

  test('has eight streams at most', async () => {
    const { ticket } = line();
    for (let count = 0; count < 8; count += 1) await between(ticket);
    const ninth = await ended(dial({ ticket, channel: 'ram' }));
    expect(ninth).toEqual({ code: 1013, reason: expect.stringContaining('8 streams') as string });
    diallers[0]?.socket.close();
    await eventually('one has ended', () => door.size === 14);
    await between(ticket);
  });

  test('wants to know the channel', async () => {
    expect(await ended(dial({ ticket: line().ticket }))).toEqual({ code: 1008, reason: expect.stringContaining('channel') as string });
    expect(told).toEqual([]);
  });

  test('ends when one of its slaves is let in no more', async () => {
    const { ticket } = line();
    const { near, far } = await between(ticket);
    relay.shutOut(source);
    await ended(near);
    await ended(far);
    expect((await ended(dial({ ticket, channel: 'ram' }))).code).toBe(1008);
  });
});

describe('a destination', () => {
  test('that is not connected: the source is told so at once', async () => {
    protocols.clear();
    const near = dial({ ticket: line().ticket, channel: 'ram' });
    expect(await ended(near)).toEqual({ code: 1013, reason: 'The other host is not connected now.' });
  });

  test('whose agent is too old is not asked', async () => {
    protocols.set(destination, 5);
    expect((await ended(dial({ ticket: line().ticket, channel: 'ram' }))).reason).toContain('protocol 5');
    expect(told).toEqual([]);
  });

  test('that refuses: the source is told why, however long the sentence is', async () => {
    answer = () => Promise.resolve({ ok: false, code: 'failed', message: `This host awaits no guest: ${'ä'.repeat(200)}` });
    const { code, reason } = await ended(dial({ ticket: line().ticket, channel: 'ram' }));
    expect(code).toBe(1013);
    expect(reason).toMatch(/^This host awaits no guest: ä+$/);
  });

  test('that does not dial within ten seconds: the source is told so, and the ticket opens nothing any more', async () => {
    answer = () => new Promise(() => undefined);
    const near = dial({ ticket: line().ticket, channel: 'ram' });
    await eventually('the destination is asked', () => told.length === 1);
    clock.advance(9_999);
    expect(near.end).toBeNull();
    clock.advance(1);
    expect(await ended(near)).toEqual({ code: 1013, reason: 'The other host did not dial within 10 s.' });
    expect((await ended(dial({ ticket: told[0]?.command.ticket }))).code).toBe(1008);
  });

  test('whose source has gone before it dialled is let go', async () => {
    answer = () => new Promise(() => undefined);
    const near = dial({ ticket: line().ticket, channel: 'ram' });
    await eventually('the destination is asked', () => told.length === 1);
    near.socket.terminate();
    await eventually('the door forgets the source', () => door.size === 0);
    await ended(dial({ ticket: told[0]?.command.ticket }));
  });

  test('uses its ticket once', async () => {
    const { far } = await between(line().ticket);
    expect((await ended(dial({ ticket: told[0]?.command.ticket }))).code).toBe(1008);
    expect(far.end).toBeNull();
  });
});

describe('a stream that the master itself asks for', () => {
  const end = { kind: 'migration', migrationId, channel: 'libvirt' } as const;

  test('is a Duplex, and ends with the slave’s end', async () => {
    const stream: Duplex = await relay.join(destination, end);
    const far = diallers[0] as Dialler;
    stream.write('hello');
    await eventually('it arrives', () => bytesOf(far) === 5);
    far.socket.send(Buffer.from('good-bye'));
    far.socket.close();
    const parts: Buffer[] = [];
    for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
    expect(String(Buffer.concat(parts))).toBe('good-bye');
  });

  test('ends the slave’s end when it is ended, and when the slave is let in no more', async () => {
    const first = await relay.join(destination, end);
    first.resume().end('last words');
    await ended(diallers[0] as Dialler);
    expect(String(diallers[0]?.heard[0])).toBe('last words');
    await relay.join(destination, end);
    relay.shutOut(destination);
    await ended(diallers[1] as Dialler);
  });

  test('is refused with what went wrong', async () => {
    answer = () => Promise.resolve({ ok: false, code: 'failed', message: 'No such guest.' });
    await expect(relay.join(destination, end)).rejects.toMatchObject({ code: 'slave-refused', message: 'No such guest.' });
    await expect(relay.join(source, end)).rejects.toMatchObject({ code: 'slave-offline' });
    answer = () => new Promise(() => undefined);
    const late = relay.join(destination, end);
    clock.advance(10_000);
    await expect(late).rejects.toMatchObject({ code: 'timeout' });
    const stopped = relay.join(destination, end);
    door.close();
    await expect(stopped).rejects.toMatchObject({ code: 'not-ready' });
    await expect(relay.join(destination, end)).rejects.toMatchObject({ code: 'not-ready' });
  });
});

describe('the door', () => {
  test.each([
    ['a ticket that never was', () => ({ ticket: newStreamTicket() }), /opens nothing/],
    ['something else than a ticket', () => 'let me in', /ticket, as JSON/],
    ['a ticket of another shape', () => ({ ticket: 'short' }), /ticket, as JSON/],
  ])('hangs up on %s', async (_, hello, sentence) => {
    const { code, reason } = await ended(dial(hello()));
    expect(code).toBe(1008);
    expect(reason).toMatch(sentence);
  });

  test('hangs up on who says nothing for ten seconds', async () => {
    const silent = dial();
    await eventually('it is inside', () => door.size === 1);
    clock.advance(9_999);
    expect(silent.end).toBeNull();
    clock.advance(1);
    expect(await ended(silent)).toEqual({ code: 1008, reason: 'No ticket was shown within 10 s.' });
  });

  test('hangs up on who sends before its stream is open, and on text after it', async () => {
    const { ticket } = line();
    const { near } = await between(ticket);
    near.socket.send('text');
    expect((await ended(near)).code).toBe(1003);
    answer = () => new Promise(() => undefined);
    const early = dial({ ticket, channel: 'ram' });
    await eventually('the destination is asked', () => told.length === 2);
    early.socket.send(Buffer.from('early'));
    expect((await ended(early)).code).toBe(1008);
  });

  test('refuses browsers, too many at once, and an address with too many wrong tickets', async () => {
    const statusOf = async (options: ClientOptions): Promise<number> => {
      const { socket } = dial(undefined, options);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { readonly statusCode: number }];
      return response.statusCode;
    };
    expect(await statusOf({ origin: 'https://lab.example' })).toBe(403);
    for (let count = 0; count < limits.maxUnprovenPerAddress; count += 1) dial();
    await eventually('they are inside', () => door.size === limits.maxUnprovenPerAddress);
    expect(await statusOf({})).toBe(503);
    for (const { socket } of diallers) socket.terminate();
    await eventually('they are gone', () => door.size === 0);
    for (let count = 0; count < limits.maxStrangersPerMinute; count += 1) await ended(dial({ ticket: newStreamTicket() }));
    expect(await statusOf({})).toBe(429);
    clock.advance(60_000);
    expect((await ended(dial({ ticket: newStreamTicket() }))).code).toBe(1008);
  });

  test('cuts an end that answers no ping for 45 seconds, and the other ends; one that answers stays', async () => {
    const { ticket } = line();
    const there = await between(ticket);
    const dead = await between(ticket);
    // Its machine is gone: what comes is read by nobody, and nothing is said.
    dead.far.socket.pause();
    for (let beats = 1; beats <= 3; beats += 1) {
      const pings = [there.near, there.far, dead.near].map(({ socket }) => once(socket, 'ping'));
      clock.advance(15_000);
      await Promise.all(pings);
      if (beats < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await ended(dead.near);
    await eventually('the dead one is forgotten', () => door.size === 2);
    expect([there.near.end, there.far.end]).toEqual([null, null]);
  });

  test('ends everything at shutdown, with who waits for its other end', async () => {
    const { ticket } = line();
    const { near, far } = await between(ticket);
    answer = () => new Promise(() => undefined);
    const waiting = dial({ ticket, channel: 'disk' });
    await eventually('the destination is asked', () => told.length === 2);
    door.close();
    for (const one of [near, far, waiting]) expect((await ended(one)).code).toBe(1001);
  });

  test('no ticket comes into the log', async () => {
    answer = () => Promise.resolve({ ok: false, code: 'failed', message: 'no' });
    const { ticket } = line();
    await ended(dial({ ticket, channel: 'ram' }));
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain(ticket);
    expect(JSON.stringify(warnings)).not.toContain(told[0]?.command.ticket);
  });
});
