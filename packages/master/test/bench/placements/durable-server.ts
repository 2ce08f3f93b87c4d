import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { eventually } from '@paravcl/workbench/eventually';
import type { Knex } from 'knex';
import { connect, type DatabaseAddress } from '../../../src/db/connection';
import { createDataDirectory, ownServerOptions } from '../../../src/db/mariadb-data-directory';
import { accepts, lastWords, serverFiles, servingOptions } from '../../../src/db/mariadb-process';

/** What a commit costs hangs on these; they are read from the running server. */
export interface Durability {
  readonly flushLogAtCommit: number;
  readonly doublewrite: string;
  readonly flushMethod: string;
  readonly bufferPoolMiB: number;
}

/**
 * A private MariaDB with the options that the master gives its own (`mariadb-process`) and more memory, on a directory of the caller's. It ends with this
 * process; `kill` and `start` are a power cut and what comes after it.
 */
export class DurableServer {
  private server: ChildProcess | null = null;
  private readonly files;

  constructor(private readonly directory: string) {
    this.files = serverFiles(directory);
  }

  address(database: string): DatabaseAddress {
    return { socketPath: this.files.socketPath, user: 'root', database };
  }

  get processId(): number {
    const id = this.server?.pid;
    if (id === undefined) throw new Error('The database server does not run.');
    return id;
  }

  /** Answers when it takes queries. Throws with its last words when it ends before. */
  async start(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await createDataDirectory(this.files.dataDirectory);
    const log = openSync(this.files.logFile, 'a', 0o600);
    const server = spawn('setpriv', [
      '--pdeathsig', 'KILL', '--', 'mariadbd', ...ownServerOptions(this.files.dataDirectory), `--socket=${this.files.socketPath}`, `--pid-file=${this.files.pidFile}`,
      '--skip-networking', ...servingOptions, '--innodb-buffer-pool-size=1G', '--innodb-log-file-size=1G',
    ], { stdio: ['ignore', log, log], env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
    closeSync(log);
    this.server = server;
    await eventually('the database server', 120_000, async () => {
      if (server.exitCode !== null || server.signalCode !== null) throw new Error(`The database server ended at its start: ${await lastWords(this.files)}`);
      return (await accepts(this.files.socketPath)) || undefined;
    });
  }

  /** At once, whatever it is doing. Answers when it is gone. */
  async kill(): Promise<void> {
    const server = this.server;
    this.server = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
  }

  async createDatabase(name: string): Promise<void> {
    await this.using('mysql', (db) => db.raw('CREATE DATABASE ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci', [name]));
  }

  /** Work whose statements may take their time, over connections of its own. */
  async using<T>(database: string, work: (db: Knex) => Promise<T>): Promise<T> {
    const db = connect(this.address(database), 4, null);
    try {
      return await work(db);
    } finally {
      await db.destroy();
    }
  }

  /** Throws when a commit is not flushed to the disk before it is answered. */
  async durability(): Promise<Durability> {
    return this.using('mysql', async (db) => {
      const [rows] = (await db.raw("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'innodb_doublewrite', 'innodb_flush_method', 'innodb_buffer_pool_size')")) as [readonly { readonly Variable_name: string; readonly Value: string }[]];
      const value = (name: string): string => rows.find(({ Variable_name: found }) => found === name)?.Value ?? '';
      const flushLogAtCommit = Number(value('innodb_flush_log_at_trx_commit'));
      if (flushLogAtCommit !== 1) throw new Error(`The database server has innodb_flush_log_at_trx_commit=${String(flushLogAtCommit)}: it answers before a commit is on its disk, and nothing that was measured of it would count.`);
      return { flushLogAtCommit, doublewrite: value('innodb_doublewrite'), flushMethod: value('innodb_flush_method'), bufferPoolMiB: Number(value('innodb_buffer_pool_size')) / 2 ** 20 };
    });
  }
}
