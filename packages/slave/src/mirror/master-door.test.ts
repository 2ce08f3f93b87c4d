import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from '@paravcl/shared/clock';
import { ChunkPort, type ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { indexOfManifestPart } from '@paravcl/shared/chunks/frames';
import { encodeManifest, manifestOf } from '@paravcl/shared/chunks/manifest';
import { mirrorMessageSchema, mirrorUpgrade, type MasterToMirror, type MirrorMessage } from '@paravcl/shared/chunks/mirror-messages';
import { newId } from '@paravcl/shared/ids';
import { pino } from 'pino';
import { testCertificate } from '../../test/fixtures/certificate';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { until } from '../../test/fixtures/until';
import { MasterDoor, type WelcomedSecret } from './master-door';

const siteId = newId(1);
const manifest = 'a'.repeat(64);
const content = manifestOf({ chunkBytes: 65_536, sizeBytes: 65_536 }, Buffer.alloc(32, 1));
const lacked = { kind: 'lack', why: 'absent' };
const masterTime = '2026-03-05T10:00:00.000Z';
const pattern = { revision: 0, boot: [], application: [], shutdown: [] };

/** The master's end of one connection: says what a test lets it say, keeps what it hears. */
class Connection {
  readonly heard: MirrorMessage[] = [];
  isOver = false;
  readonly port: ChunkPort;

  constructor(socket: Socket) {
    this.port = new ChunkPort(socket, {
      onControl: (message) => void this.heard.push(mirrorMessageSchema.parse(message)),
      onWant: () => Promise.resolve({ kind: 'lack', why: 'absent' }),
      onClose: () => (this.isOver = true),
    }, systemClock);
    this.say({ type: 'challenge', siteId, nonce: 'n'.repeat(43), protocol: { newest: 1, oldest: 1 } });
  }

  say(message: MasterToMirror): void {
    this.port.sendControl(message);
  }

  of<T extends MirrorMessage['type']>(type: T): readonly Extract<MirrorMessage, { type: T }>[] {
    return this.heard.filter((message): message is Extract<MirrorMessage, { type: T }> => message.type === type);
  }
}

let clock: HandClock;
let server: Server;
let connections: Connection[];
let door: MasterDoor;
let secrets: WelcomedSecret[];
let membersTold: number;

beforeEach(async () => {
  clock = new HandClock();
  [connections, secrets, membersTold] = [[], [], 0];
  const { key, cert } = testCertificate();
  server = createServer({ key, cert });
  server.on('upgrade', (_, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${mirrorUpgrade}\r\n\r\n`);
    connections.push(new Connection(socket as Socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  door = new MasterDoor(
    {
      clock, log: pino({ level: 'silent' }), random: () => 0.5, masterUrl: `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`, ca: [cert],
      slaveId: newId(2), siteId, machineId: '0'.repeat(32), build: 'test', key: { publicKey: 'k'.repeat(59), sign: () => 'signed' },
      peer: () => null, present: () => null, manifest: (id) => (id === manifest ? content : null), held: () => Promise.resolve(null),
    },
    {
      onSecret: (welcomed) => void secrets.push(welcomed), onMembers: () => (membersTold += 1), onPattern: () => undefined, onPreCopy: () => undefined, onGone: () => undefined, onUp: () => undefined,
    },
  );
});
afterEach(async () => {
  door.stop();
  for (const { port } of connections) port.close('the test is over');
  await new Promise((resolve) => server.close(resolve));
});

/** The mirror has dialled for the nth time and said hello. */
async function greeted(nth = 1): Promise<Connection> {
  await until(`hello ${String(nth)}`, () => connections[nth - 1]?.of('hello').length === 1);
  const connection = connections[nth - 1];
  if (connection === undefined) throw new Error('nobody dialled');
  return connection;
}
async function welcomed(nth = 1): Promise<Connection> {
  const connection = await greeted(nth);
  connection.say({ type: 'welcome', peerSecret: 's'.repeat(43), masterTime });
  await until('the mirror to be up', () => door.isUp);
  return connection;
}

it('gives a connection up on which no welcome comes within 30 s, and dials anew', async () => {
  door.start();
  const first = await greeted();
  await clock.advance(29_999);
  expect(first.isOver).toBe(false);
  await clock.advance(1);
  await until('the end of it', () => first.isOver);
  await until('its end to be known here', () => clock.waiting.length > 0);
  await clock.advance(10_000);
  await welcomed(2);
});

it('keeps a connection on which it was welcomed', async () => {
  door.start();
  const connection = await welcomed();
  await clock.advance(24 * 3_600_000);
  door.holdings([], false);
  await until('what it has to be told', () => connection.of('holdings').length === 1);
  expect(connection.isOver).toBe(false);
  expect(connections).toHaveLength(1);
});

it('hands on the secret with the time by the master’s clock', async () => {
  door.start();
  await welcomed();
  expect(secrets).toEqual([{ secret: 's'.repeat(43), masterTimeMs: Date.parse(masterTime) }]);
});

it('tells the master of wrong bytes that came from it', async () => {
  door.start();
  const connection = await welcomed();
  door.wrongBytes(manifest, 7);
  await until('the master to hear it', () => connection.of('master-fault').length === 1);
  expect(connection.of('master-fault')).toEqual([{ type: 'master-fault', manifest, index: 7 }]);
});

it('gives the master its manifest part by part, and lacks what is none', async () => {
  door.start();
  const connection = await welcomed();
  door.opened({ id: manifest });
  await until('the opening', () => connection.of('open').length === 1);
  const ask = (index: number, channel = 1): Promise<ChunkAnswer> => connection.port.ask({ channel, index, urgent: true, insist: true }).answer;
  expect(await ask(indexOfManifestPart(0))).toEqual({ kind: 'chunk', encoding: 'plain', data: encodeManifest(content) });
  expect([await ask(indexOfManifestPart(1)), await ask(indexOfManifestPart(0), 2)]).toEqual([lacked, lacked]);
});

describe('an image that the master does not give', () => {
  /** Refuses the nth opening. */
  const refuse = async (connection: Connection, nth: number): Promise<void> => {
    await until(`opening ${String(nth)}`, () => connection.of('open').length === nth);
    connection.say({ type: 'not-opened', channel: 1, sentence: 'Not for this host.' });
    await until('the refusal to be heard', () => clock.waiting.length === 1);
  };
  const opening = async (): Promise<Connection> => {
    door.start();
    const connection = await welcomed();
    expect(clock.waiting).toEqual([]);
    door.opened({ id: manifest });
    return connection;
  };

  it('is asked for again, closed first, each time after twice as long, until it is given', async () => {
    const connection = await opening();
    const waits: number[] = [];
    for (let nth = 1; nth <= 9; nth += 1) {
      await refuse(connection, nth);
      const [due = 0] = clock.waiting;
      waits.push((due - clock.monotonicMs()) / 1000);
      await clock.advance(due - clock.monotonicMs());
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300]);
    await until('the next opening', () => connection.of('open').length === 10);
    expect(connection.heard.filter(({ type }) => type === 'open' || type === 'close').map(({ type }) => type)).toEqual(['open', ...Array.from({ length: 9 }, () => ['close', 'open']).flat()]);
    connection.say({ type: 'members', channel: 1, self: null, set: [], gone: [] });
    connection.say({ type: 'pattern', channel: 1, pattern });
    await until('members to be told', () => membersTold === 1);
    expect(door.want(manifest, 0, true, false)).not.toBeNull();
    // Refused once more, it begins anew.
    await refuse(connection, 10);
    expect(clock.waiting.map((due) => due - clock.monotonicMs())).toEqual([2000]);
  });

  it('is refused for a reason, which is known until it is given', async () => {
    const connection = await opening();
    expect(door.refusal(manifest)).toBeNull();
    await refuse(connection, 1);
    expect(door.refusal(manifest)).toBe('Not for this host.');
    connection.say({ type: 'members', channel: 1, self: null, set: [], gone: [] });
    await until('members to be told', () => membersTold === 1);
    expect(door.refusal(manifest)).toBeNull();
  });

  it('is not asked for again once it is closed here', async () => {
    const connection = await opening();
    await refuse(connection, 1);
    door.closed(manifest);
    await clock.advance(600_000);
    door.holdings([], false);
    await until('everything to be heard', () => connection.of('holdings').length === 1);
    expect(connection.heard.map(({ type }) => type)).toEqual(['hello', 'open', 'close', 'holdings']);
  });

  it('is asked for at once over a new connection', async () => {
    const connection = await opening();
    await refuse(connection, 1);
    connection.port.close('the master stops');
    await until('its end to be known here', () => !door.isUp);
    await clock.advance(10_000);
    const again = await welcomed(2);
    await until('the opening', () => again.of('open').length === 1);
    await turn();
    expect(again.of('close')).toEqual([]);
  });
});
