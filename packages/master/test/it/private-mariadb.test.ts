import { systemClock } from '@paravcl/shared/clock';
import { buildSync } from 'esbuild';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '@paravcl/workbench/process/send-signal';
import { connect } from '../../src/db/connection';
import { PrivateMariadb } from '../../src/db/private-mariadb';
import { makeLog } from '../../src/log';

jest.setTimeout(120_000);

const root = resolve(__dirname, '../../../..');
const log = makeLog('silent');
let directory: string;
const started: PrivateMariadb[] = [];

async function start(): Promise<PrivateMariadb> {
  const mariadb = await PrivateMariadb.start(join(directory, 'mariadb'), systemClock, log);
  started.push(mariadb);
  return mariadb;
}

/** One file of this directory as plain JavaScript with our own packages inside. */
function bundled(name: string): string {
  const outfile = join(directory, `${name}.cjs`);
  buildSync({
    entryPoints: [join(__dirname, name)], outfile, bundle: true, platform: 'node', format: 'cjs', packages: 'external',
    alias: { '@paravcl/shared': join(root, 'packages/shared/src') },
  });
  return outfile;
}

function alive(pid: number | null): boolean {
  return pid !== null && existsSync(`/proc/${String(pid)}`) && readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8') !== '';
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await holds()); waitedMs += 20) {
    if (waitedMs > 60_000) throw new Error(`waited in vain until ${what}`);
    await pause(20);
  }
}

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pvcl-'))));
afterEach(async () => {
  for (const mariadb of started.splice(0)) await mariadb.stop();
  rmSync(directory, { recursive: true });
});

test('making and starting a server leaves the temporary tables of other servers on this machine alone', async () => {
  // At its start MariaDB removes every #sql file of its directory for temporary files.
  const others = join(tmpdir(), `#sql-temptable-of-another-${String(process.pid)}.MAI`);
  writeFileSync(others, '');
  try {
    await start();
    expect(existsSync(others)).toBe(true);
  } finally {
    rmSync(others, { force: true });
  }
});

test('a first start makes a server that only its owner can reach, and stop really stops it', async () => {
  const mariadb = await start();
  const db = connect(mariadb.address);
  expect(await db.select(db.raw('DATABASE() AS name')).first()).toEqual({ name: 'paravcl' });
  const [rows] = (await db.raw("SHOW VARIABLES WHERE Variable_name IN ('skip_networking', 'innodb_flush_log_at_trx_commit')")) as [readonly { Value: string }[]];
  expect(rows.map((row) => row.Value).sort()).toEqual(['1', 'ON']);
  await db.destroy();
  for (const path of ['mariadb', 'mariadb/data']) expect(statSync(join(directory, path)).mode & 0o777).toBe(0o700);
  const pid = mariadb.processId;
  expect(alive(pid)).toBe(true);
  await mariadb.stop();
  expect(alive(pid)).toBe(false);
  expect(existsSync(join(directory, 'mariadb/mariadbd.sock'))).toBe(false);
});

test('a server killed with -9 is started again and the pool goes on, with every acknowledged row', async () => {
  const mariadb = await start();
  const db = connect(mariadb.address);
  try {
    await db.raw('CREATE TABLE kept (n INT NOT NULL PRIMARY KEY)');
    for (let round = 1; round <= 3; round++) {
      await db('kept').insert({ n: round });
      const killed = mariadb.processId ?? 0;
      sendSignal(killed, 'SIGKILL');
      await until('another server answers', () => mariadb.processId !== null && mariadb.processId !== killed);
      expect(await db('kept').pluck('n')).toEqual(Array.from({ length: round }, (_, n) => n + 1));
    }
  } finally {
    await db.destroy();
  }
});

test('a second supervisor adopts the server a killed one left, watches it, and stops it', async () => {
  // A process of its own, as a master would be, killed without a chance to clean up.
  const child = spawn(process.execPath, [bundled('supervise-and-hang.ts'), join(directory, 'mariadb')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_PATH: join(root, 'node_modules') },
  });
  const left = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (text: Buffer) => { resolve(Number(text.toString())); });
    child.once('exit', (code) => { reject(new Error(`the first supervisor ended (${String(code)})`)); });
  });
  child.kill('SIGKILL');
  await until('the first supervisor is gone', () => child.signalCode === 'SIGKILL');
  expect(alive(left)).toBe(true);

  const second = await start();
  expect(second.processId).toBe(left);
  sendSignal(left, 'SIGKILL');
  await until('the adopted server is replaced', () => second.processId !== null && second.processId !== left);
  const replacement = second.processId;
  await second.stop();
  expect(alive(replacement)).toBe(false);
});

test('a stale pid file of another process is not adopted', async () => {
  const first = await start();
  await first.stop();
  writeFileSync(join(directory, 'mariadb/mariadbd.pid'), `${String(process.pid)}\n`);
  const second = await start();
  expect(second.processId).not.toBe(process.pid);
});

test('a server that cannot start is told with its own last words', async () => {
  const first = await start();
  await first.stop();
  rmSync(join(directory, 'mariadb/data/ibdata1'));
  rmSync(join(directory, 'mariadb/data/mysql'), { recursive: true });
  await expect(start()).rejects.toThrow(/ended at its start: .*(ERROR|Aborting)/);
});

test('a state directory too long for a socket is refused with the limit', async () => {
  await expect(PrivateMariadb.start(join(directory, 'x'.repeat(120)), systemClock, log)).rejects.toThrow(/exceeds 107 bytes; choose a shorter stateDir/);
});
