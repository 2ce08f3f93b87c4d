import knex, { type Knex } from 'knex';
import type { Socket } from 'node:net';

/** Where a database server listens and as whom we come. The password is never logged and never in a URL. */
export type DatabaseAddress = (
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly caPem?: string }
) & {
  readonly user: string;
  readonly password?: string;
  readonly database: string;
};

/**
 * Said to every new connection. Strict, so that a value that does not fit is an error and is never cut;
 * UTC, because DATETIME has no zone of its own; READ COMMITTED, because moves between states are written
 * as `UPDATE … WHERE id AND state` and must see what others committed.
 */
const sessionSetup = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
  "SET SESSION time_zone = '+00:00'",
  'SET NAMES utf8mb4 COLLATE utf8mb4_unicode_520_ci',
  'SET SESSION innodb_lock_wait_timeout = 10',
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

const ignore = (): void => undefined;

interface Mysql2Connection {
  query(sql: string, done: (error: Error | null) => void): void;
  readonly stream: Socket;
}

/**
 * A server that is stopped, or whose disk hangs, says nothing for as long as it likes, and whoever asked it
 * would wait as long. Above the wait for a lock, which is an answer.
 */
export const silentForMs = 20_000;

/**
 * A pool of connections. DATETIME comes back as `Date` (UTC), BIGINT as number while it is a safe integer
 * (else as text), DECIMAL as number. `affectedRows` of an UPDATE counts the rows it *matched*, so 0 means
 * "the state was another one", never "nothing changed".
 *
 * @param silenceMs a connection on which nothing is heard for so long is cut, and its query fails as with a
 *   lost server; null for work that may take longer between two words (migrations)
 */
export function connect(address: DatabaseAddress, poolSize = 10, silenceMs: number | null = silentForMs): Knex {
  return open(address, poolSize, silenceMs, false);
}

/** As many batches of launches as are under way at a time, and one more. */
const groupConnections = 3;

/** Connections that take several statements at once, for `StatementGroups` alone: elsewhere a second statement is one that somebody pasted in. */
export function connectForGroups(address: DatabaseAddress): Knex {
  return open(address, groupConnections, silentForMs, true);
}

function open(address: DatabaseAddress, poolSize: number, silenceMs: number | null, multipleStatements: boolean): Knex {
  return knex({
    client: 'mysql2',
    connection: {
      ...('socketPath' in address
        ? { socketPath: address.socketPath }
        : { host: address.host, port: address.port, ...(address.caPem === undefined ? {} : { ssl: { ca: address.caPem } }) }),
      user: address.user,
      ...(address.password === undefined ? {} : { password: address.password }),
      database: address.database,
      charset: 'utf8mb4',
      timezone: 'Z',
      supportBigNumbers: true,
      bigNumberStrings: false,
      decimalNumbers: true,
      multipleStatements,
      // Nothing is bound in groups: long texts need not be searched for where.
      ...(multipleStatements ? { queryFormat: (sql: string) => sql } : {}),
      connectTimeout: 10_000,
    },
    pool: { min: 0, max: poolSize, afterCreate: (connection: Mysql2Connection, done: SetUp) => setUpSession(connection, silenceMs, done) },
    acquireConnectionTimeout: 15_000,
    // knex prints to the console what it also throws.
    log: { warn: ignore, error: ignore, debug: ignore, deprecate: ignore },
  });
}

type SetUp = (error: Error | null, connection: Mysql2Connection) => void;

function setUpSession(connection: Mysql2Connection, silenceMs: number | null, done: SetUp): void {
  const { stream } = connection;
  // An idle connection goes by this too, which costs no more than a new one when it is needed.
  if (silenceMs !== null) stream.setTimeout(silenceMs, () => stream.destroy(new Error(`The database said nothing for ${silenceMs / 1000} s.`)));
  const next = (index: number): void => {
    const statement = sessionSetup[index];
    if (statement === undefined) {
      done(null, connection);
      return;
    }
    connection.query(statement, (error) => {
      if (error) done(error, connection);
      else next(index + 1);
    });
  };
  next(0);
}

/** The server's error number (`ER_…`), or null when this is not the server speaking. */
export function serverErrorNumber(error: unknown): number | null {
  const errno = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : null;
  return typeof errno === 'number' ? errno : null;
}

/**
 * The server had no room to write: ER_RECORD_FILE_FULL, ER_DISK_FULL, or a file it could not make or extend
 * (operating system error 28 ENOSPC, 122 EDQUOT). Seen with MariaDB 10.11: it answers at once, and goes on.
 */
export function isStorageFull(error: unknown): boolean {
  const number = serverErrorNumber(error);
  if (number === 1114 || number === 1021) return true;
  return number !== null && number > 0 && error instanceof Error && /\bErrcode: (28|122)\b/.test(error.message);
}

/** A UNIQUE or PRIMARY KEY refused the row: somebody else was first. */
export function isDuplicateKey(error: unknown): boolean {
  return serverErrorNumber(error) === 1062;
}
