import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { arrivalLimits, beginLiveHandshakes, type ArrivalLimits } from '../../src/live-handshakes';
import { certificateNames } from '../../src/tls/certificate-names';
import { SiteCa } from '../../src/tls/site-ca';
import { eventually } from './eventually';

let handshakes = 0;
let identity: { key: string; cert: string };
let trust: SecureContext;
let server: Server;
const opened = new Set<Socket>();

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paravcl-test-handshakes-'));
  const ca = await SiteCa.open(directory, new Date());
  const leaf = await ca.leaf(certificateNames(['localhost', '127.0.0.1']), new Date());
  identity = { key: leaf.key, cert: leaf.certificate };
  trust = createSecureContext({ ca: ca.certificate });
  rmSync(directory, { recursive: true });
});

async function start(limits: Partial<ArrivalLimits>): Promise<number> {
  handshakes = 0;
  const context = createSecureContext({ key: identity.key, cert: identity.cert });
  server = createServer({
    SNICallback: (_name, done) => {
      handshakes++;
      done(null, context);
    },
  });
  beginLiveHandshakes(server, { ...arrivalLimits, ...limits });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1000 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const socket of opened) socket.destroy();
  opened.clear();
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
});

async function comesIn(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext: trust });
  opened.add(socket);
  await once(socket, 'secureConnect');
}

function dialSilently(port: number, from: string): Socket {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  opened.add(socket);
  return socket;
}
const accepted = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

test('no handshake is made for those who gave up while they waited, and who is there comes in at once', async () => {
  const port = await start({});
  const hello = await clientHello();
  const gone = Array.from({ length: 200 }, () => {
    const socket = dialSilently(port, '127.0.2.1');
    socket.end(hello);
    return once(socket.resume(), 'close');
  });
  await comesIn(port);
  await Promise.all(gone);
  await eventually('the end of all others', async () => (await accepted()) === 1);
  expect(handshakes).toBe(1);
});

test('a ClientHello that comes in pieces is understood', async () => {
  const port = await start({});
  const hello = await clientHello();
  const slow = dialSilently(port, '127.0.2.1').setNoDelay(true);
  slow.write(hello.subarray(0, 3));
  await eventually('the first piece', async () => (await accepted()) === 1);
  for (const [from, to] of [[3, 100], [100, hello.length]] as const) {
    await new Promise((resolve) => setImmediate(resolve));
    slow.write(hello.subarray(from, to));
  }
  const [answer] = (await once(slow, 'data')) as [Buffer];
  // A TLS record of the kind "handshake", not an alert.
  expect(answer[0]).toBe(22);
  expect(handshakes).toBe(1);
});

test('who says nothing is cut off in time, and one address takes only its part of the port', async () => {
  const port = await start({ silentMs: 400, silentPerAddress: 3 });
  const strangers = Array.from({ length: 5 }, () => dialSilently(port, '127.0.2.1'));
  const ends = strangers.map((socket) => once(socket.resume(), 'close'));
  await Promise.race(ends);
  await comesIn(port);
  await Promise.all(ends);
  await eventually('room', async () => (await accepted()) === 1);
});

/** What a client says first. */
async function clientHello(): Promise<Buffer> {
  const listener = createTcpServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, servername: 'localhost', secureContext: trust });
  client.on('error', () => undefined);
  const [socket] = (await once(listener, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  listener.close();
  return hello;
}
