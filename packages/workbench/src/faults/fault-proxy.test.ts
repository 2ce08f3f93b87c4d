import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '../eventually';
import { FaultProxy } from './fault-proxy';

/** One end of a connection: what it heard, whether it was told of an end or a reset. */
class End {
  heardBytes = 0;
  heard = '';
  ended = false;
  closed = false;
  error: string | null = null;

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.heardBytes += bytes.length;
      if (this.heard.length < 10_000) this.heard += bytes.toString('latin1');
    });
    socket.on('end', () => (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code ?? error.message));
    socket.on('close', () => (this.closed = true));
  }
}

jest.setTimeout(30_000);

let server: Server;
let served: End[];
let clients: End[];
let proxy: FaultProxy;

beforeEach(async () => {
  served = [];
  clients = [];
  server = await listening(served);
  proxy = new FaultProxy({ listen: { host: '127.0.0.1', port: 0 }, target: addressOf(server), random: () => 0.5 });
  await proxy.start();
});

afterEach(async () => {
  await proxy.stop();
  for (const { socket } of [...clients, ...served]) socket.destroy();
  server.close();
  await once(server, 'close');
});

async function listening(ends: End[]): Promise<Server> {
  const made = createServer({ allowHalfOpen: true }, (socket) => ends.push(new End(socket)));
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return made;
}

const addressOf = (made: Server) => ({ host: '127.0.0.1', port: (made.address() as AddressInfo).port });

function dial(): End {
  const client = new End(connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true }));
  clients.push(client);
  return client;
}

const until = (what: string, holds: () => boolean) => eventually(what, 15_000, () => (holds() ? true : undefined), { everyMs: 2 });

/** A connection over which each end has heard the other. */
async function linked(): Promise<readonly [client: End, target: End]> {
  const before = served.length;
  const client = dial();
  client.socket.write('hello');
  await until('the target hears', () => served[before]?.heard === 'hello');
  const target = served[before];
  if (target === undefined) throw new Error('unreachable');
  target.socket.write('welcome');
  await until('the client hears', () => client.heard === 'welcome');
  return [client, target];
}

test('a good link carries bytes and ends both ways, each direction by itself', async () => {
  const [client, target] = await linked();
  client.socket.end('bye');
  await until('the target hears the end', () => target.ended);
  expect(target.heard).toBe('hellobye');
  target.socket.end('and you');
  await until('both are closed', () => client.closed && target.closed);
  expect(client.heard).toBe('welcomeand you');
  await until('nothing is kept', () => proxy.openConnections === 0);
  expect(proxy.counters).toMatchObject({ connections: 1, refused: 0, resets: 0, cuts: 0, bytesLost: 0, bytesToTarget: 8, bytesToClient: 14 });
});

test('a reset by one end is told to the other', async () => {
  const [client, target] = await linked();
  client.socket.resetAndDestroy();
  await until('the target was reset', () => target.error === 'ECONNRESET');
});

test('a delay keeps the order whatever the jitter, and ends with the delay', async () => {
  let chance = 0;
  await proxy.stop();
  proxy = new FaultProxy({ listen: { host: '127.0.0.1', port: 0 }, target: addressOf(server), random: () => (chance = (chance + 0.37) % 1) });
  await proxy.start();
  const [client, target] = await linked();
  proxy.delay({ ms: 60, jitterMs: 50 });
  const sentAt = performance.now();
  const words = Array.from({ length: 20 }, (_, n) => `<${n}>`);
  for (const word of words) {
    client.socket.write(word);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('everything arrived', () => target.heard === `hello${words.join('')}`);
  expect(performance.now() - sentAt).toBeGreaterThan(9);

  proxy.delay({ ms: 3_600_000, jitterMs: 0 });
  client.socket.write('held');
  client.socket.end();
  proxy.pass();
  await until('it came with the end', () => target.heard.endsWith('held') && target.ended);
});

test('while it delays nothing comes before its time', async () => {
  const [client, target] = await linked();
  proxy.delay({ ms: 150, jitterMs: 0 });
  const sentAt = performance.now();
  client.socket.write('late');
  await until('it arrived', () => target.heard === 'hellolate');
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(149);
});

test('refusing resets new connections and leaves those that are there alone', async () => {
  const [client, target] = await linked();
  proxy.refuse();
  const refused = dial();
  await until('the new one was reset', () => refused.closed);
  expect(refused.error).toBe('ECONNRESET');
  client.socket.write(' again');
  await until('the old one goes on', () => target.heard === 'hello again');
  expect(served).toHaveLength(1);
  proxy.pass();
  await linked();
  expect(proxy.counters).toMatchObject({ connections: 2, refused: 1 });
});

test('a reset reaches both ends of every connection, and new ones are carried as before', async () => {
  const pairs = [await linked(), await linked()];
  proxy.reset();
  await until('all were told', () => pairs.flat().every(({ error }) => error === 'ECONNRESET'));
  await linked();
  expect(proxy.counters).toMatchObject({ connections: 3, resets: 2 });
});

test('a half-open link swallows what is sent and tells nobody that the other left', async () => {
  const [client, target] = await linked();
  proxy.halfOpen();
  target.socket.write('unheard');
  await until('it was lost', () => proxy.counters.bytesLost === 7);
  client.socket.destroy();
  await until('the client left', () => client.closed);
  target.socket.write('into nothing');
  await until('that was lost too', () => proxy.counters.bytesLost === 19);
  expect(target).toMatchObject({ heard: 'hello', ended: false, closed: false, error: null });

  const late = dial();
  late.socket.write('anybody?');
  await until('nobody', () => proxy.counters.bytesLost === 27);
  expect(late).toMatchObject({ heard: '', ended: false, closed: false });
  expect(served).toHaveLength(1);

  proxy.pass();
  await until('what lost something is told so', () => target.error === 'ECONNRESET' && late.error === 'ECONNRESET');
});

test('a connection that lost nothing while the link was half-open goes on afterwards', async () => {
  const [client, target] = await linked();
  proxy.halfOpen();
  proxy.pass();
  client.socket.write('!');
  await until('it arrived', () => target.heard === 'hello!');
  expect(proxy.counters.resets).toBe(0);
});

test('a stalled link pushes back on both ends, holds little, and loses nothing', async () => {
  const [client, target] = await linked();
  proxy.stall();
  const bytes = Buffer.alloc(32 * 1024 * 1024, 'x');
  client.socket.write(bytes);
  target.socket.write(bytes);
  const other = dial();
  other.socket.end('?');
  // The kernels' buffers are full when a turn of the loop takes no more of it.
  let left = -1;
  await until('both senders feel it', () => {
    const before = left;
    left = client.socket.writableLength + target.socket.writableLength;
    return left === before && client.socket.writableLength > 0 && target.socket.writableLength > 0;
  });
  expect(target.heard).toBe('hello');
  expect(proxy.counters.mostHeldBytes).toBeLessThan(100_000);
  proxy.pass();
  await until('everything arrived', () => target.heardBytes === bytes.length + 5 && client.heardBytes === bytes.length + 7);
  await until('the end that was stalled too', () => served[1]?.ended === true);
  expect(proxy.counters.mostHeldBytes).toBeLessThan(2 * 1024 * 1024);
});

test('a receiver that reads nothing is felt by the sender; the proxy does not store it', async () => {
  const [client, target] = await linked();
  target.socket.pause();
  const bytes = Buffer.alloc(48 * 1024 * 1024, 'x');
  client.socket.write(bytes);
  await until('the buffers are full', () => client.socket.writableLength > 0 && proxy.counters.mostHeldBytes > 1024 * 1024);
  target.socket.resume();
  await until('everything arrived', () => target.heardBytes === bytes.length + 5);
  expect(proxy.counters.mostHeldBytes).toBeLessThan(2 * 1024 * 1024);
});

test('a long delay holds a bounded amount', async () => {
  const [client, target] = await linked();
  proxy.delay({ ms: 3_600_000, jitterMs: 0 });
  const bytes = Buffer.alloc(32 * 1024 * 1024, 'x');
  client.socket.write(bytes);
  await until('it is full', () => proxy.counters.mostHeldBytes >= 1024 * 1024);
  expect(target.heard).toBe('hello');
  proxy.pass();
  await until('everything arrived', () => target.heardBytes === bytes.length + 5);
  expect(proxy.counters.mostHeldBytes).toBeLessThan(2 * 1024 * 1024);
});

test('a cut forwards a part of what was on its way, then the connection is gone at both ends', async () => {
  const [client, target] = await linked();
  proxy.cutMidFrame();
  client.socket.write('1');
  await until('one byte is no frame to cut', () => target.heard === 'hello1');
  client.socket.write('0123456789');
  await until('both are cut', () => client.error === 'ECONNRESET' && target.ended);
  expect(target.heard).toBe('hello101234');
  expect(proxy.counters.cuts).toBe(1);
  await until('nothing is kept', () => proxy.openConnections === 0);
  await linked();
});

test('a cut that was ordered is called off when the link is to be good again', async () => {
  const [client, target] = await linked();
  proxy.cutMidFrame();
  proxy.pass();
  client.socket.write('0123456789');
  await until('all of it arrived', () => target.heard === 'hello0123456789');
  expect(proxy.counters.cuts).toBe(0);
});

test('what the target says can be cut as well', async () => {
  const [client, target] = await linked();
  proxy.cutMidFrame();
  target.socket.write('abcdef');
  await until('both are cut', () => target.closed && client.ended);
  expect(client.heard).toBe('welcomeabc');
});

test('a throttled link carries its rate and no more, in both directions', async () => {
  const [client, target] = await linked();
  const startedAt = performance.now();
  proxy.throttle(100_000);
  client.socket.write(Buffer.alloc(40_000, 'u'));
  target.socket.write(Buffer.alloc(40_000, 'd'));
  await until('both arrived', () => target.heardBytes === 40_005 && client.heardBytes === 40_007);
  // A tenth of a second's worth may go at once.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(295);
});

test('new connections go to the new target, those that are there stay', async () => {
  const [client, target] = await linked();
  const elsewhere: End[] = [];
  const other = await listening(elsewhere);
  proxy.retarget(addressOf(other));
  const late = dial();
  late.socket.write('hi');
  await until('the other target hears', () => elsewhere[0]?.heard === 'hi');
  client.socket.write('.');
  await until('the old one goes on', () => target.heard === 'hello.');
  expect(served).toHaveLength(1);
  elsewhere[0]?.socket.destroy();
  other.close();
  await once(other, 'close');
});

test('a target that is not there resets the client and is counted', async () => {
  const gone = await listening([]);
  const where = addressOf(gone);
  gone.close();
  await once(gone, 'close');
  proxy.retarget(where);
  const client = dial();
  await until('it was reset', () => client.closed);
  expect(client.error).toBe('ECONNRESET');
  expect(proxy.counters.unreachable).toBe(1);
});

test('stopping ends every connection, whatever the fault', async () => {
  const pairs = [await linked(), await linked()];
  proxy.halfOpen();
  const unanswered = dial();
  await until('it was accepted', () => proxy.openConnections === 3);
  await proxy.stop();
  await until('all ended', () => [...pairs.flat(), unanswered].every(({ closed }) => closed));
  expect(proxy.openConnections).toBe(0);
});
