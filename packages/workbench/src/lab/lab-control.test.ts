import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forward } from './forwarder';
import { askLab, serveControl } from './lab-control';
import { LabError } from './lab-record';

let home: string;
const servers: Server[] = [];
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'lab-control-'))));
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(home, { recursive: true });
});

test('a request is answered, a refusal is thrown in its own words, and nobody else may ask', async () => {
  const socket = join(home, 'control.sock');
  servers.push(
    await serveControl(socket, (request) => (request.verb === 'status' ? Promise.resolve({ lines: ['all is well'] }) : Promise.reject(new Error(`not now: ${request.verb}`)))),
  );
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  expect(await askLab(socket, { verb: 'status' })).toEqual({ lines: ['all is well'] });
  await expect(askLab(socket, { verb: 'start', target: 'master' })).rejects.toThrow('not now: start');
});

test('a lab that does not answer is told with the way out', async () => {
  await expect(askLab(join(home, 'none.sock'), { verb: 'status' })).rejects.toThrow(/does not answer .*npm run lab -- down/);
  const mute = createServer();
  servers.push(mute);
  mute.listen(join(home, 'mute.sock'));
  await once(mute, 'listening');
  await expect(askLab(join(home, 'mute.sock'), { verb: 'status' }, 50)).rejects.toThrow(/no answer within 0.05 s/);
});

test.each(['', '{"lines":', '{"other":1}'])('a lab that breaks off with %p is told as one that does not answer', async (reply) => {
  const path = join(home, 'dying.sock');
  const dying = createServer({ allowHalfOpen: true }, (client) => client.resume().on('end', () => client.end(reply)));
  servers.push(dying);
  dying.listen(path);
  await once(dying, 'listening');
  const asked = askLab(path, { verb: 'status' });
  await expect(asked).rejects.toBeInstanceOf(LabError);
  await expect(asked).rejects.toThrow(/does not answer .*npm run lab -- down/);
});

test('two forwarders lead through a unix socket, with what was sent and the end of it', async () => {
  const echo = createServer({ allowHalfOpen: true }, (client) => client.pipe(client));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const path = join(home, 'between.sock');
  servers.push(echo, await forward({ path }, { host: '127.0.0.1', port: portOf(echo) }));
  const entrance = await forward({ host: '127.0.0.1', port: 0 }, { path });
  servers.push(entrance);
  const client = connect({ host: '127.0.0.1', port: portOf(entrance), allowHalfOpen: true });
  client.end('through the wall');
  let came = '';
  for await (const part of client) came += String(part);
  expect(came).toBe('through the wall');
});

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
