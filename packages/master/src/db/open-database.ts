import { sleep, type Clock } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { MasterConfig } from '../config';
import { connect, connectForGroups, serverErrorNumber, type DatabaseAddress } from './connection';
import { PrivateMariadb } from './private-mariadb';
import { requireSupportedServer } from './server-version';

const reachableWithinMs = 60_000;
const pauseMs = 1000;

export interface OpenDatabase {
  readonly db: Knex;
  /** The same for transactions whose statements go together. */
  readonly together: Knex;
  /** Work whose statements may take their time, as migrations: over connections of its own that are never cut for silence. */
  patiently<T>(work: (db: Knex) => Promise<T>): Promise<T>;
  /** Closes the connections and stops a private server. */
  close(): Promise<void>;
}

/** The configured database, or the private one. Answers when it takes queries; throws when its version will not do. */
export async function openDatabase(config: MasterConfig, clock: Clock, log: Logger): Promise<OpenDatabase> {
  const { dsn } = config.database;
  if (dsn !== undefined) {
    const address = await addressOf(dsn, config.database);
    const db = connect(address, config.database.poolSize);
    try {
      await untilReachable(db, clock, log);
      await requireSupportedServer(db);
    } catch (error) {
      await db.destroy();
      throw error;
    }
    const together = connectForGroups(address);
    return {
      db,
      together,
      patiently: patience(address),
      close: async () => {
        await Promise.all([db.destroy(), together.destroy()]);
      },
    };
  }
  const mariadb = await PrivateMariadb.start(join(config.stateDir, 'mariadb'), clock, log);
  const db = connect(mariadb.address, config.database.poolSize);
  const together = connectForGroups(mariadb.address);
  return {
    db,
    together,
    patiently: patience(mariadb.address),
    close: async () => {
      await Promise.all([db.destroy(), together.destroy()]);
      await mariadb.stop();
    },
  };
}

const patientConnections = 4;

function patience(address: DatabaseAddress): OpenDatabase['patiently'] {
  return async (work) => {
    const db = connect(address, patientConnections, null);
    try {
      return await work(db);
    } finally {
      await db.destroy();
    }
  };
}

/** `dsn` has passed the configuration's check; its secrets are in files. */
async function addressOf(dsn: string, files: MasterConfig['database']): Promise<DatabaseAddress> {
  const url = new URL(dsn);
  const [password, caPem] = await Promise.all([files.passwordFile, files.caFile].map((file) => (file === undefined ? undefined : readFile(file, 'utf8'))));
  const socketPath = url.searchParams.get('socket');
  return {
    ...(socketPath === null
      ? { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 3306 : Number(url.port), ...(caPem === undefined ? {} : { caPem }) }
      : { socketPath }),
    user: decodeURIComponent(url.username),
    database: url.pathname.slice(1),
    ...(password === undefined ? {} : { password: password.trimEnd() }),
  };
}

/** A database that is starting beside us is waited for; one that answers with a refusal is not. */
async function untilReachable(db: Knex, clock: Clock, log: Logger): Promise<void> {
  const deadlineMs = clock.monotonicMs() + reachableWithinMs;
  for (;;) {
    try {
      await db.raw('SELECT 1');
      return;
    } catch (error) {
      const refused = (serverErrorNumber(error) ?? 0) >= 1000; // its own numbers begin there; the kernel's are negative in Node
      if (refused || clock.monotonicMs() > deadlineMs) throw new Error(`The configured database cannot be used: ${(error as Error).message}`, { cause: error });
      log.warn({ err: error }, 'the configured database is not there yet');
      await sleep(clock, pauseMs);
    }
  }
}
