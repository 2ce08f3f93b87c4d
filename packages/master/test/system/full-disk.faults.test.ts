import { sleep, systemClock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../src/config';
import { makeLog } from '../../src/log';
import { startMaster, type RunningMaster } from '../../src/master';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { newId } from '@paravcl/shared/ids';
import { AgentDouble } from '../it/agent-double';

jest.setTimeout(180_000);

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly detail?: string; readonly token?: string; readonly id?: string };
}

/** Nobody else listens in a private host. */
const port = 18_443;
let stateDir: string;
let master: RunningMaster;
let setupToken: string;
let token: string | null = null;
const lines: string[] = [];

const filler = (): string => join(stateDir, 'filler');

/** To the last byte. */
function fill(): void {
  const file = openSync(filler(), 'a');
  for (const size of [1 << 20, 4096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size, 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
}

function ask(method: string, path: string, content?: object | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = Buffer.isBuffer(content) ? 'application/octet-stream' : 'application/json';
    const call = request(
      {
        host: '127.0.0.1', servername: 'localhost', port, path, method, agent: false, ca: readFileSync(join(stateDir, 'tls/ca.crt')),
        headers: { 'content-type': type, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, body: (text.startsWith('{') ? parseJson(text) : {}) as Answer['body'] }); });
      },
    );
    call.on('error', reject);
    call.end(content === undefined ? undefined : Buffer.isBuffer(content) ? content : JSON.stringify(content));
  });
}

/** Waits for a condition; answers whether it came within so many seconds. */
async function within(seconds: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + 1000 * seconds;
  while (!(await holds())) {
    if (performance.now() > end) return false;
    await sleep(systemClock, 50);
  }
  return true;
}

const ready = async (): Promise<boolean> => (await ask('GET', '/readyz')).status === 200;
const noteJoin = (n: number): Promise<Answer> => ask('POST', '/api/v1/join-tokens', { note: `${n} `.padEnd(190, 'x'), preapproved: true });

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test mounts file systems: run it inside a private host (npm test does).');
  stateDir = mkdtempSync(join(tmpdir(), 'pvcl-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=420m', 'tmpfs', stateDir]);
  const config = configSchema.parse({ stateDir, listen: { host: '127.0.0.1', port }, publicUrl: `https://localhost:${String(port)}`, gateway: { ssh: { enabled: false } } });
  master = await startMaster(config, systemClock, makeLog('info', { write: (line: string) => void lines.push(line) }), (issued) => (setupToken = issued.token));
  const admin = { name: 'root-of-lab', password: 'a sparrow eats nine keys' };
  await ask('POST', '/api/v1/setup', { ...admin, token: setupToken, displayName: 'Root' });
  token = (await ask('POST', '/api/v1/sessions', { ...admin, transport: 'bearer' })).body.token ?? null;
});
afterAll(async () => {
  await master.stop();
  execFileSync('umount', ['--lazy', stateDir]);
  rmSync(stateDir, { recursive: true });
});

test('a master whose disk is full refuses with the directory and the way out, keeps its slaves, and heals without a restart', async () => {
  const made = await noteJoin(0);
  const slave = new AgentDouble(`https://localhost:${String(port)}`, readFileSync(join(stateDir, 'tls/ca.crt'), 'utf8')).ignore('desired', 'admission', 'forget', 'result-stored');
  expect(await slave.enrol(made.body.token ?? '', (path, body) => ask('POST', path, body as object))).toMatchObject({ status: 201 });
  await slave.connect();
  const content = Buffer.alloc(2 << 20, 7);
  const announce = { name: 'kernel', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  const image = (await ask('POST', '/api/v1/kernels', announce)).body.id ?? '';
  expect((await ask('GET', '/readyz')).status).toBe(200);

  fill();
  expect((await ask('GET', '/readyz')).status).toBe(503);
  const refusedUpload = await ask('PUT', `/api/v1/kernels/${image}/content`, content);
  expect(refusedUpload).toMatchObject({ status: 507, body: { code: 'storage-full' } });
  expect(refusedUpload.body.detail).toContain(join(stateDir, 'images'));
  expect(readdirSync(join(stateDir, 'images'))).toEqual([]);

  // What InnoDB had put aside takes some more; then it is full.
  let answer = await noteJoin(1);
  for (let n = 2; answer.status === 201 && n < 3000; n += 1) answer = await noteJoin(n);
  expect(answer).toMatchObject({ status: 507, body: { code: 'storage-full' } });
  expect(answer.body.detail).toMatch(new RegExp(`There is no room in ${join(stateDir, 'mariadb')} on the master: .*free some space`));
  expect((await ask('GET', '/api/v1/slaves')).status).toBe(200);
  const beats = slave.heartbeats;
  for (let n = 0; n < 3; n += 1) slave.send({ type: 'heartbeat', payload: { agentTime: new Date().toISOString(), load1: 0, ramAvailableMiB: 1, poolAvailableMiB: 1 } });
  expect(await within(20, () => slave.heartbeats >= beats + 2)).toBe(true);
  expect(slave.isClosed).toBe(false);

  // Each makes an event, so that they need more than what is left of a page.
  const reports = Array.from({ length: 200 }, (_, n): ObservedInstance => ({ instanceId: newId(n), generation: 1, state: 'running', reason: null, progressPercent: null }));
  slave.send({ type: 'observed', payload: { instances: reports } });
  expect(await within(20, () => lines.some((line) => line.includes('no room for what a host told')))).toBe(true);

  unlinkSync(filler());
  expect(await within(10, ready)).toBe(true);
  expect((await noteJoin(9000)).status).toBe(201);
  expect((await ask('PUT', `/api/v1/kernels/${image}/content`, content)).status).toBe(200);
  const last = async () => JSON.stringify((await ask('GET', '/api/v1/events?kind=slave.unknown-instance&limit=1')).body).includes(reports.at(-1)?.instanceId ?? '');
  expect(await within(30, last)).toBe(true);
  expect(slave.isClosed).toBe(false);
  await slave.end();
});

test('a database that ends while its disk is full is back by itself when there is room', async () => {
  const pid = Number(readFileSync(join(stateDir, 'mariadb/mariadbd.pid'), 'utf8'));
  fill();
  process.kill(pid, 'SIGTERM');
  expect(await within(10, async () => !(await ready()))).toBe(true);
  fill(); // what the end gave free
  expect(await within(20, () => lines.some((line) => line.includes('the private MariaDB died')))).toBe(true);
  unlinkSync(filler());
  // Its start is tried again every ten seconds at the latest.
  expect(await within(30, ready)).toBe(true);
  expect((await noteJoin(9001)).status).toBe(201);
});
