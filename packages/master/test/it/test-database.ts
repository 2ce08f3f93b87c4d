import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { z } from 'zod';
import { connect, connectForGroups, type DatabaseAddress } from '../../src/db/connection';
import { createDataDirectory, ownServerOptions } from '../../src/db/mariadb-data-directory';
import { migrate } from '../../src/db/migrate';
import { MysqlUnitOfWork } from '../../src/db/mysql-unit-of-work';
import type { UnitOfWork } from '../../src/db/unit-of-work';
import { CommittedChanges } from '../../src/repositories/committed-changes';

const startTimeoutMs = 30_000;

// For the hooks and tests of every file that imports this: a server starts in under a second, but not on a busy machine.
jest.setTimeout(60_000);

export interface TestDatabase {
  readonly unit: UnitOfWork;
  /** What was written through `unit`. */
  readonly changes: CommittedChanges;
  readonly db: Knex;
  /** The same for transactions whose statements go together. */
  readonly together: Knex;
  readonly address: DatabaseAddress;
  /** Drops the database and closes its connections; the server stays for the worker's next test file. */
  close(): Promise<void>;
}

/** A fresh database of the caller's own, as the migrations leave it. Call it in `beforeAll`, and `close` in `afterAll`. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const statements = await copyOfMigrated(await serverOfThisWorker());
  const database = await openEmptyDatabase();
  const copier = connect(database.address, 1);
  try {
    // Tables come by name, not in the order in which they lean on each other.
    await copier.raw('SET SESSION foreign_key_checks = 0');
    for (const statement of statements) await copier.raw(statement);
  } finally {
    await copier.destroy();
  }
  const changes = new CommittedChanges();
  return { ...database, changes, unit: new MysqlUnitOfWork(database.db, systemClock, null, changes, database.together) };
}

/**
 * What makes a copy of a migrated database. Sixty migrations take longer than many a test file: each server makes them
 * once, in a database of which nobody else knows, and every file gets a copy.
 */
async function copyOfMigrated(socketPath: string): Promise<readonly string[]> {
  const kept = join(dirname(socketPath), 'copy-of-migrated.json');
  if (existsSync(kept)) return statementsSchema.parse(parseJson(readFileSync(kept, 'utf8')));
  const original = 'migrated';
  await withServer(socketPath, async (server) => {
    await server.raw('DROP DATABASE IF EXISTS ??', [original]);
    await server.raw('CREATE DATABASE ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci', [original]);
  });
  const db = connect({ socketPath, user: 'root', database: original });
  const statements: string[] = [];
  try {
    await migrate(db);
    const tables = await db('information_schema.tables').where({ table_schema: original }).orderBy('table_name').pluck<string[]>('table_name');
    for (const table of tables) {
      const [[made]] = (await db.raw('SHOW CREATE TABLE ??', [table])) as [[Record<'Create Table', string>]];
      statements.push(made['Create Table']);
      if ((await db(table).first()) !== undefined) statements.push(`INSERT INTO \`${table}\` SELECT * FROM \`${original}\`.\`${table}\``);
    }
  } finally {
    await db.destroy();
  }
  writeFileSync(kept, JSON.stringify(statements));
  return statements;
}

const statementsSchema = z.array(z.string()).min(1);

/** The same without a table in it. */
export async function openEmptyDatabase(): Promise<Omit<TestDatabase, 'unit' | 'changes'>> {
  const socketPath = await serverOfThisWorker();
  const name = `t_${randomBytes(6).toString('hex')}`;
  await withServer(socketPath, (server) => server.raw('CREATE DATABASE ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci', [name]));
  const address = { socketPath, user: 'root', database: name };
  const [db, together] = [connect(address), connectForGroups(address)];
  const close = async (): Promise<void> => {
    await Promise.all([db.destroy(), together.destroy()]);
    await withServer(socketPath, (server) => server.raw('DROP DATABASE ??', [name]));
  };
  return { db, together, address, close };
}

async function withServer(socketPath: string, work: (server: Knex) => Promise<unknown>): Promise<void> {
  const server = connect({ socketPath, user: 'root', database: 'mysql' }, 1);
  try {
    await work(server);
  } finally {
    await server.destroy();
  }
}

/**
 * One private MariaDB per jest worker process. Jest gives every test file its own modules and globals, so the
 * server is found again by its directory, named after the process (and its pid namespace: numbers repeat there).
 */
async function serverOfThisWorker(): Promise<string> {
  const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  const directory = join(tmpdir(), `paravcl-test-db-${namespace}-${String(process.pid)}`);
  const socketPath = join(directory, 's');
  if (existsSync(socketPath) && (await answers(socketPath))) return socketPath;

  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  const dataDirectory = join(directory, 'data');
  await createDataDirectory(dataDirectory);
  const guard = spawn(
    process.execPath,
    [
      join(__dirname, 'test-database-guard.mjs'), directory,
      ...ownServerOptions(dataDirectory), `--socket=${socketPath}`, `--pid-file=${join(directory, 'pid')}`,
      // Tests need no durability; those of the supervised server start their own.
      '--skip-networking', '--skip-log-bin', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=64M',
    ],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();

  for (let waitedMs = 0; !(await answers(socketPath)); waitedMs += 20) {
    if (guard.exitCode !== null || waitedMs > startTimeoutMs) {
      const log = join(directory, 'log');
      throw new Error(`mariadbd did not start: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : 'it left no log'}`);
    }
    await pause(20);
  }
  return socketPath;
}

async function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return false;
  try {
    await withServer(socketPath, (server) => server.raw('SELECT 1'));
    return true;
  } catch {
    return false;
  }
}
