import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, type MasterConfig } from '../../src/config';
import { makeLog } from '../../src/log';
import { startMaster, type RunningMaster } from '../../src/master';
import type { IssuedToken } from '../../src/services/one-time-tokens';
import { makeSetupToken } from '../../src/setup-token';
import { quietPort } from './quiet-port';
import { openEmptyDatabase } from './test-database';

jest.setTimeout(120_000);

const log = makeLog('silent');
const running = new Set<RunningMaster>();
/** What a start would have printed. */
let told: IssuedToken[] = [];
let stateDir: string;
let port: number;

function configured(more: object = {}): MasterConfig {
  return configSchema.parse({ stateDir, listen: { host: '127.0.0.1', port }, publicUrl: `https://localhost:${String(port)}`, gateway: { ssh: { host: '127.0.0.1', port: 0 } }, ...more });
}

async function start(config = configured()): Promise<RunningMaster> {
  const master = await startMaster(config, systemClock, log, (token) => told.push(token));
  running.add(master);
  return master;
}

async function stop(master: RunningMaster): Promise<void> {
  running.delete(master);
  await master.stop();
}

/** As an outsider would: TLS checked against the site's CA. */
function get(path: string, body?: object): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', servername: 'localhost', port, path, ca: readFileSync(join(stateDir, 'tls/ca.crt')), agent: false, method: body === undefined ? 'GET' : 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, text }); });
      },
    );
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

beforeEach(async () => {
  told = [];
  stateDir = mkdtempSync(join(tmpdir(), 'pvcl-'));
  port = await quietPort();
});
afterEach(async () => {
  for (const master of running) await stop(master);
  rmSync(stateDir, { recursive: true });
});

test('from an empty directory to a first administrator who stays after a restart', async () => {
  const first = await start();
  expect(first.needsSetup).toBe(true);
  expect([(await get('/healthz')).status, (await get('/readyz')).status, (await get('/api/v1/users')).status, (await get('/metrics')).status]).toEqual([200, 200, 401, 200]);
  expect((await get('/metrics')).text).toContain('paravcl_agents_connected 0');
  const metrics = (await get('/metrics')).text.split('\n');
  expect(metrics).toEqual(expect.arrayContaining(['paravcl_ready 1', 'paravcl_queue_length 0', 'paravcl_http_request_duration_seconds_count{method="get",route="/users",status_class="4xx"} 1']));

  const made = await makeSetupToken(configured(), systemClock, log);
  const person = { token: made?.token, name: 'root-of-lab', displayName: 'Root of the Lab', password: `a long ${newId(Date.now())}` };
  expect((await get('/api/v1/setup', { ...person, token: 'wrong' })).status).toBeGreaterThanOrEqual(400);
  expect(await get('/api/v1/setup', person)).toMatchObject({ status: 201, text: expect.stringContaining('"role":"admin"') as string });
  expect(await makeSetupToken(configured(), systemClock, log)).toBeNull();
  await stop(first);
  expect(existsSync(join(stateDir, 'mariadb/mariadbd.sock'))).toBe(false);

  const second = await start();
  expect([second.needsSetup, second.caFingerprint]).toEqual([false, first.caFingerprint]);
  expect(told).toHaveLength(1);
});

test('the first start tells a setup token, once while it can be used, and the first administrator is made with it', async () => {
  await stop(await start());
  const again = await start();
  expect([again.needsSetup, told.length]).toEqual([true, 1]);
  const person = { token: told[0]?.token, name: 'root-of-lab', displayName: 'Root of the Lab', password: `a long ${newId(Date.now())}` };
  expect((await get('/api/v1/setup', person)).status).toBe(201);
});

test('a start tells another setup token when the one before has expired', async () => {
  await stop(await start());
  const tomorrow = { ...systemClock, now: () => Date.now() + 25 * 3_600_000 };
  running.add(await startMaster(configured(), tomorrow, log, (token) => told.push(token)));
  expect(told).toHaveLength(2);
});

test('a second master in the same directory is refused, and the first one goes on', async () => {
  await start();
  await expect(startMaster(configured({ listen: { host: '127.0.0.1', port: await quietPort() } }), systemClock, log, () => undefined)).rejects.toThrow(/Another master is running in/);
  expect((await get('/readyz')).status).toBe(200);
});

test('a port that is taken is named with the way out, and nothing stays behind', async () => {
  const other = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  await expect(start()).rejects.toThrow(/Cannot listen on 127\.0\.0\.1:\d+: another program has this port; stop it or set listen\.port/);
  expect(existsSync(join(stateDir, 'mariadb/mariadbd.sock'))).toBe(false);
  await new Promise((resolve) => other.close(resolve));
  await start();
});

test('a database by DSN is migrated and used, and none of our own is made; a wrong password is told', async () => {
  const database = await openEmptyDatabase();
  const { socketPath } = database.address as { readonly socketPath: string };
  try {
    await database.db.raw("CREATE USER IF NOT EXISTS lab@localhost IDENTIFIED BY 'right'");
    await database.db.raw('GRANT ALL ON ??.* TO lab@localhost', [database.address.database]);
    const passwordFile = join(stateDir, 'password');
    const dsn = `mysql://lab@localhost/${database.address.database}?socket=${socketPath}`;
    writeFileSync(passwordFile, 'wrong\n', { mode: 0o600 });
    await expect(start(configured({ database: { dsn, passwordFile } }))).rejects.toThrow(/cannot be used: Access denied for user 'lab'/);
    writeFileSync(passwordFile, 'right\n');
    await stop(await start(configured({ database: { dsn, passwordFile } })));
    expect((await database.db('settings').pluck<string[]>('name')).sort()).toEqual(['calendar', 'site_id']);
    expect(existsSync(join(stateDir, 'mariadb'))).toBe(false);
  } finally {
    await database.close();
  }
});
