import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import express from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../../test/it/eventually';
import type { JoinTokenRecord } from '../repositories/join-token-repository';
import type { Repositories } from '../repositories/repositories';
import type { AgentPackage } from '../services/agent-package';
import { joinTokenHash } from '../services/join-token-service';
import { RefusalLimiter } from '../services/refusal-limiter';
import { answerProblem } from './app';
import { joinRoutes } from './join-routes';

const now = systemClock.now();
const secrets = { open: 'A'.repeat(43), used: 'B'.repeat(43), expired: 'C'.repeat(43) };
const token: JoinTokenRecord = {
  id: newId(now), kind: 'dedicated', ownerUserId: null, createdByUserId: newId(now), preapproved: false, note: '', createdAt: now, expiresAt: now + 3_600_000, usedAt: null, usedBySlaveId: null, revokedAt: null,
};
const books = new Map<string, JoinTokenRecord>([
  [joinTokenHash(secrets.open), token],
  [joinTokenHash(secrets.used), { ...token, usedAt: now, usedBySlaveId: newId(now) }],
  [joinTokenHash(secrets.expired), { ...token, expiresAt: now - 1 }],
]);
// Only looked at: whoever writes here fails.
const read = { joinTokens: { findByHash: (hash: string) => Promise.resolve(books.get(hash) ?? null) } } as unknown as Repositories;
const content: AgentPackage = { id: '0123456789abcdef', manifest: '', files: [{ path: 'http/this-test', mode: 0o644, sha256: 'a'.repeat(64), sizeBytes: 6, source: '/proc/sys/kernel/ostype' }, { path: 'endless', mode: 0o644, sha256: 'c'.repeat(64), sizeBytes: 1_000_000_000_000, source: '/dev/zero' }, { path: 'paravcl-install.sh', mode: 0o644, sha256: 'b'.repeat(64), sizeBytes: 0, source: '/dev/null' }] };

let server: Server;
let ask: (path: string, shown?: string, signal?: AbortSignal) => Promise<Response>;
beforeEach(async () => {
  const app = express();
  const limiter = new RefusalLimiter(systemClock, { refusals: 4, windowMs: 60_000 });
  app.use(joinRoutes({ unitOfWork: { read }, clock: systemClock, script: { text: () => Promise.resolve('#!/bin/sh\n') }, packages: { read: () => Promise.resolve(content) }, limiter }));
  app.use(answerProblem({ error: () => undefined }));
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  ask = (path, shown, signal) => fetch(`http://127.0.0.1:${String(port)}${path}`, { ...(signal === undefined ? {} : { signal }), headers: shown === undefined ? {} : { authorization: `Bearer pvj1.${shown}.-` } });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('everybody may read the script, as text', async () => {
  const answer = await ask('/join.sh');
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/plain; charset=utf-8', '#!/bin/sh\n']);
});

test('a file of the package is given for an open join token, as often as it is asked for', async () => {
  for (let count = 0; count < 6; count++) {
    const answer = await ask('/agent/v1/package/http/this-test', secrets.open);
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '6', 'Linux\n']);
  }
});

test('one token fetches a file twenty times, and every other file still', async () => {
  const path = '/agent/v1/package/http/this-test';
  for (let count = 0; count < 20; count++) {
    const answer = await ask(path, secrets.open);
    expect([answer.status, await answer.text()]).toEqual([200, 'Linux\n']);
  }
  const over = await ask(path, secrets.open);
  expect([over.status, await over.json()]).toEqual([429, expect.objectContaining({ detail: 'This join token has fetched http/this-test 20 times, which is all it may. Ask for a new token.' })]);
  expect((await ask('/agent/v1/package/paravcl-install.sh', secrets.open)).status).toBe(200);
});

test('one token fetches four files at a time, and who goes away in the middle makes room', async () => {
  const leave = new AbortController();
  const path = '/agent/v1/package/endless';
  const begun = await Promise.all(Array.from({ length: 4 }, () => ask(path, secrets.open, leave.signal)));
  expect(begun.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const fifth = await ask('/agent/v1/package/http/this-test', secrets.open);
  expect([fifth.status, fifth.headers.get('retry-after'), await fifth.json()]).toEqual([429, '10', expect.objectContaining({ detail: expect.stringMatching(/^This join token fetches 4 files now/) as string })]);
  leave.abort();
  await eventually('a download after others were left', async () => (await ask('/agent/v1/package/http/this-test', secrets.open)).status === 200);
});

test('without a token, with a used, an expired or an invented one nothing is given, and who goes on trying is told to wait', async () => {
  const path = '/agent/v1/package/http/this-test';
  expect((await ask(path)).status).toBe(401);
  for (const shown of [secrets.used, secrets.expired, 'Z'.repeat(43)]) expect((await ask(path, shown)).status).toBe(403);
  const waits = await ask(path, secrets.open);
  expect([waits.status, Number(waits.headers.get('retry-after')) > 0]).toEqual([429, true]);
});

test('what is no file of the package is nowhere, however it is written', async () => {
  for (const path of ['nothing', 'http', 'http/../http/this-test%00', '%2e%2e/%2e%2e/etc/passwd', '..%2f..%2fetc%2fpasswd', '/etc/passwd']) {
    expect((await ask(`/agent/v1/package/${path}`, secrets.open)).status).toBe(404);
  }
});
