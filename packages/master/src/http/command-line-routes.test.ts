import express from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GivenCommandLine } from '../services/command-line-file';
import { answerProblem } from './app';
import { commandLineFileRoutes } from './command-line-routes';

let server: Server;
let given: GivenCommandLine | null;
let ask: () => Promise<Response>;
beforeEach(async () => {
  const app = express();
  app.use(commandLineFileRoutes({ read: () => Promise.resolve(given) }));
  app.use(answerProblem({ error: () => undefined }));
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  ask = () => fetch(`http://127.0.0.1:${String(port)}/paravcl.cjs`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('everybody may take the command line, as bytes that no page runs', async () => {
  given = { content: Buffer.from('#!/usr/bin/env node\n'), sha256: 'a'.repeat(64) };
  const answer = await ask();
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('etag'), await answer.text()]).toEqual([200, 'application/octet-stream', `"${'a'.repeat(64)}"`, '#!/usr/bin/env node\n']);
});

test('a master that has none says so, and who can make one', async () => {
  given = null;
  const answer = await ask();
  expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ code: 'not-found', detail: expect.stringMatching(/no command line to give.*npm run build/) as string })]);
});
