import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { StreamEnd } from '@paravcl/shared/protocol/streams';
import { dialStream } from '@paravcl/slave/link/master-stream';
import { StreamJoins } from '@paravcl/slave/link/stream-joins';
import { randomBytes } from 'node:crypto';
import { Duplex, duplexPair } from 'node:stream';
import type { AgentDouble } from './agent-double';
import { eventually } from './eventually';
import { startLinkServer, type LinkServer } from './link-server';

const MiB = 1024 * 1024;
const migrationId = newId(7);
let server: LinkServer;
let source: AgentDouble;
let destination: AgentDouble;
beforeAll(async () => {
  server = await startLinkServer();
  source = await server.enrolled();
  destination = await server.enrolled();
  await source.connect();
  await destination.connect();
});
afterAll(async () => {
  await source.end();
  await destination.end();
  await server.close();
});
afterEach(() => server.streams.closeLine(migrationId));

const dial = (hello: Parameters<typeof dialStream>[1]): Promise<Duplex> => dialStream({ clock: systemClock, masterUrl: server.url, ca: [server.ca] }, hello);
const openLine = (): string => server.streams.openLine({ migrationId, fromSlaveId: source.slaveId, toSlaveId: destination.slaveId }).ticket;

/** The destination's agent carries out one command; what it joins the stream to is answered. */
async function join(connect: (end: StreamEnd) => Promise<Duplex>): Promise<StreamEnd> {
  const { commandId, command, generation } = (await destination.expect('command')).payload;
  if (command.kind !== 'open-stream') throw new Error(`${command.kind} came`);
  expect(generation).toBeNull();
  try {
    await new StreamJoins({ targets: { connect }, dial }).join(command);
    destination.send({ type: 'result', payload: { commandId, outcome: { ok: true, body: null } } });
  } catch (error) {
    destination.send({ type: 'result', payload: { commandId, outcome: { ok: false, code: 'failed', message: (error as Error).message } } });
  }
  await destination.expect('result-stored');
  return command.end;
}

async function all(stream: Duplex): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) read.push(part);
  return Buffer.concat(read);
}

test('two agents reach each other through the master: all that one says has come when the stream ends', async () => {
  const [here, guest] = duplexPair();
  const dialled = dial({ ticket: openLine(), channel: 'ram' });
  expect(await join(() => Promise.resolve(here))).toEqual({ kind: 'migration', migrationId, channel: 'ram' });
  const stream = await dialled;
  guest.write('ready?');
  expect(String(await eventually('the question', () => stream.read() as Buffer | null))).toBe('ready?');
  const ram = randomBytes(16 * MiB);
  for (let at = 0; at < ram.length; at += MiB) stream.write(ram.subarray(at, at + MiB));
  stream.resume().end();
  expect((await all(guest)).equals(ram)).toBe(true);
  await eventually('nothing is left', () => server.streamDoor.size === 0);
});

test('what the destination says against it is what the source is told', async () => {
  const dialled = expect(dial({ ticket: openLine(), channel: 'disk' })).rejects.toThrow('This host awaits no guest of that migration.');
  await join(() => Promise.reject(new Error('This host awaits no guest of that migration.')));
  await dialled;
});

test('a ticket is neither in the table of commands nor in an address', async () => {
  const [here, guest] = duplexPair();
  const dialled = dial({ ticket: openLine(), channel: 'libvirt' });
  await join(() => Promise.resolve(here));
  (await dialled).destroy();
  await all(guest);
  const rows = (await server.db('commands').where({ kind: 'open-stream' })) as Record<string, unknown>[];
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toMatch(/[\w-]{43}/);
});

test('a source that is retired while it sends is cut off', async () => {
  const [here, guest] = duplexPair();
  const ticket = openLine();
  const dialled = dial({ ticket, channel: 'ram' });
  await join(() => Promise.resolve(here));
  const stream = await dialled;
  source.ignore('admission', 'refused');
  await server.slaves.retire(server.admin, source.slaveId, true, '127.0.0.1');
  await Promise.all([all(stream), all(guest)]);
  await expect(dial({ ticket, channel: 'ram' })).rejects.toThrow('opens nothing');
});
