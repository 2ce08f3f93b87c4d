import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { newId } from '@paravcl/shared/ids';
import { encodeFrame } from '@paravcl/shared/protocol/envelope';
import type { MasterFrame } from '@paravcl/shared/protocol/master-to-agent';
import { oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import pino from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { testCertificate } from '../../test/fixtures/certificate';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { MasterLink } from './master-link';

const heartbeatMs = 5000;
const WebSocketState = { closed: 3 } as const;
const siteId = newId(1);
const slaveId = newId(2);
let clock: HandClock;
let server: Server;
let connections: WebSocket[];
let answer: MasterFrame;
let downs: { count: number };
let link: MasterLink;
/** What the master does after its answer to a hello. */
let afterwards: (socket: WebSocket) => void;

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await turn();
  }
}

beforeEach(async () => {
  clock = new HandClock();
  connections = [];
  afterwards = () => undefined;
  // Its own for each test: the link of the one before may still be closing.
  const mine = (downs = { count: 0 });
  const welcome = {
    sessionId: newId(3),
    admission: 'approved',
    heartbeatMs,
    masterTime: new Date(clock.now()).toISOString(),
    network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 },
    contentToken: 'x'.repeat(40),
  } as const;
  answer = { type: 'welcome', payload: welcome };
  server = createServer(testCertificate());
  new WebSocketServer({ server }).on('connection', (socket) => {
    connections.push(socket);
    const say = (frame: MasterFrame): void => socket.send(encodeFrame(protocolVersion, newId(4), frame));
    socket.on('error', () => undefined);
    socket.once('message', () => {
      say(answer);
      afterwards(socket);
    });
    say({ type: 'challenge', payload: { siteId, nonce: 'n'.repeat(43), protocol: { newest: protocolVersion, oldest: oldestProtocolVersion } } });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  link = new MasterLink({
    clock,
    log: pino({ level: 'silent' }),
    random: () => 0.1,
    masterUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: [testCertificate().cert],
    slaveId,
    siteId,
    key: { publicKey: 'p'.repeat(60), sign: () => 's' },
    hello: () => Promise.resolve(facts),
    heartbeat: () => Promise.reject(new Error('not measured here')),
    onWelcome: () => undefined,
    onFrame: () => undefined,
    onDown: () => (mine.count += 1),
  });
  link.start();
});
afterEach(async () => {
  link.stop();
  for (const socket of connections) socket.terminate();
  server.close();
  await once(server, 'close');
});

const facts = {
  build: 'test', machineId: '0'.repeat(32), macs: [], epoch: 1, inventory: [], inventoryComplete: true, foreignDomains: [],
  describe: {
    hostname: 'h', cores: 1, threads: 1, relativeSpeed: 1, cpuModel: 'm', cpuFlags: [], ramTotalMiB: 1, ramAvailableMiB: 1, poolTotalMiB: 1, poolAvailableMiB: 1,
    hypervisor: { kind: 'qemu' as const, why: '', usable: true, libvirt: null, qemu: null, machine: null, cpu: null }, interfaces: [], load1: 0, clockOffsetMs: null,
  },
};

test('a master that falls silent without hanging up is left after three heartbeats, and dialled anew', async () => {
  await until('up', () => link.isUp);
  await clock.advance(3 * heartbeatMs);
  expect(link.isUp).toBe(true);
  await clock.advance(heartbeatMs);
  await until('down', () => downs.count === 1);
  expect(link.isUp).toBe(false);
  await clock.advance(3000);
  await until('up again', () => link.isUp);
  expect(connections).toHaveLength(2);
});

test('while the master reads nothing, reports are held back instead of piling up, and go on afterwards', async () => {
  await until('up', () => link.isUp);
  const [wire] = connections;
  wire?.pause();
  const frame = { type: 'result', payload: { commandId: newId(5), outcome: { ok: true, body: 'x'.repeat(800_000) } } } as const;
  let sent = 0;
  while (sent < 1000 && link.send(frame)) {
    sent += 1;
    await turn();
  }
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(1000);
  expect(link.isUp).toBe(true);
  wire?.resume();
  await until('sends again', () => link.send(frame));
  expect(downs.count).toBe(0);
});

test('after a refusal the agent says nothing more until its time has passed', async () => {
  answer = { type: 'refused', payload: { code: 'retired', sentence: 'It left the pool.' } };
  await until('refused', () => connections[0]?.readyState === WebSocketState.closed);
  // Ten minutes, times 0.5 to 1.5 by chance: here six.
  await until('waits', () => clock.waiting.some((atMs) => atMs === 6 * 60_000));
  await clock.advance(6 * 60_000 - 1);
  await knock();
  expect(connections).toHaveLength(1);
  await clock.advance(1);
  await until('dialled again', () => connections.length === 2);
});

test('a master that hangs up right after its welcome is dialled ever more seldom; once a connection has lasted, soon again', async () => {
  afterwards = (socket) => socket.close();
  const waits: number[] = [];
  for (let times = 1; times <= 7; times += 1) {
    await until('hung up', () => downs.count === times);
    const [atMs = 0] = clock.waiting;
    waits.push(Math.round(atMs - clock.monotonicMs()));
    if (times === 7) afterwards = () => undefined;
    await clock.advance(atMs - clock.monotonicMs());
  }
  // A tenth, by chance, of 200 ms doubling to 3 s.
  expect(waits).toEqual([20, 40, 80, 160, 300, 300, 300]);
  await until('up', () => link.isUp);
  for (let heard = 0; heard < 2; heard += 1) {
    await clock.advance(heartbeatMs);
    expect(link.isUp).toBe(true);
  }
  connections.at(-1)?.close();
  await until('down', () => downs.count === 8);
  expect(Math.round((clock.waiting[0] ?? 0) - clock.monotonicMs())).toBe(20);
});

/** A connection made now is accepted after every one that was dialled before it. */
async function knock(): Promise<void> {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.destroy();
}
