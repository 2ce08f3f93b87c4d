import express from 'express';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { answerProblem } from './app';
import { readJsonBody } from './json-body';

let server: Server;
afterEach(() => { server.close(); });

async function serve(withinMs: number): Promise<number> {
  const app = express();
  app.post('/', async (request, response) => {
    response.json(await readJsonBody(request, response, withinMs));
  });
  app.use(answerProblem({ error: () => undefined }));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('a body that only drips is answered with the limit, and the connection is closed', async () => {
  const socket = connect(await serve(200), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n');
  const drip = setInterval(() => socket.write(' '), 20);
  await closed;
  clearInterval(drip);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: 'malformed-body', field: 'body', limit: '0.2 seconds' });
});

test('a body that comes in parts within the time is read', async () => {
  const socket = connect(await serve(20_000), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{"a"');
  setImmediate(() => socket.write(':1}'));
  let answer = '';
  for await (const text of socket.setEncoding('utf8')) answer += String(text);
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\{"a":1\}$/);
});
