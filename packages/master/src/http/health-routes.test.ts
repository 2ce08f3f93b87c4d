import { systemClock, type Clock } from '@paravcl/shared/clock';
import express from 'express';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { answerProblem } from './app';
import { healthRoutes } from './health-routes';

let server: Server;
let ready = true;

async function serve(metricsToken: string | null, isReady: () => Promise<boolean> = () => Promise.resolve(ready), clock: Clock = systemClock): Promise<(path: string, headers?: Record<string, string>) => Promise<Response>> {
  const app = express();
  app.use(healthRoutes({ isReady, clock, metrics: new Registry(), metricsToken }));
  app.use(answerProblem({ error: () => undefined }));
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return (path, headers = {}) => fetch(`http://127.0.0.1:${String(port)}${path}`, { headers });
}

afterEach(() => server.close());

test('healthz is ok as long as the process answers; readyz follows what it depends on, and tells no more', async () => {
  const get = await serve(null);
  ready = true;
  expect((await get('/readyz')).status).toBe(200);
  ready = false;
  const answer = await get('/readyz');
  expect([answer.status, await answer.text()]).toEqual([503, 'not ready\n']);
  expect((await get('/healthz')).status).toBe(200);
});

test('readyz says no within seconds when the database says nothing at all', async () => {
  const waits: number[] = [];
  const impatient: Clock = { ...systemClock, after: (delayMs, run) => (waits.push(delayMs), systemClock.after(0, run)) };
  const get = await serve(null, () => new Promise(() => undefined), impatient);
  expect((await get('/readyz')).status).toBe(503);
  expect(waits).toEqual([2000]);
});

test('metrics ask for the token when there is one, and are open to this machine when there is none', async () => {
  const get = await serve('s3cret-token');
  expect((await get('/metrics')).status).toBe(401);
  expect((await get('/metrics', { authorization: 'Bearer wrong' })).status).toBe(401);
  expect((await get('/metrics', { authorization: 'Bearer s3cret-token' })).status).toBe(200);
  server.close();
  const open = await serve(null);
  expect((await open('/metrics')).status).toBe(200);
});

test.each(['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'Via', 'X-Client-IP', 'X-Cluster-Client-IP', 'X-Original-Host', 'X-Envoy-External-Address', 'X-Azure-ClientIP', 'CF-Connecting-IP', 'True-Client-IP', 'CDN-Loop'])('metrics without a token are refused to a proxy on this machine, which says so by %s', async (header) => {
  const get = await serve(null);
  expect((await get('/metrics', { [header]: 'for=192.0.2.7' })).status).toBe(403);
  server.close();
  const guarded = await serve('s3cret-token');
  expect((await guarded('/metrics', { [header]: 'for=192.0.2.7', authorization: 'Bearer s3cret-token' })).status).toBe(200);
});

test('metrics without a token are refused to what comes by HTTP/1.0, as nginx sends it on and programs do not', async () => {
  const ask = (version: string, header = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => (answer += text)).on('error', reject).on('close', () => { resolve(answer); });
      socket.write(`GET /metrics HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n${header}\r\n`);
    });
  await serve(null);
  expect(await ask('1.1')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ask('1.0')).toMatch(/^HTTP\/1\.1 403 [^]*came by HTTP\/1\.0[^]*metrics\.tokenFile/);
  server.close();
  await serve('s3cret-token');
  expect(await ask('1.0', 'Authorization: Bearer s3cret-token\r\n')).toMatch(/^HTTP\/1\.1 200 /);
});
