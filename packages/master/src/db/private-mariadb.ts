import { sleep, type Cancel, type Clock } from '@paravcl/shared/clock';
import { chmod, mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { connect, type DatabaseAddress } from './connection';
import { createDataDirectory } from './mariadb-data-directory';
import { accepts, isServer, lastWords, runningServer, serverFiles, spawnServer, type ServerFiles } from './mariadb-process';

const databaseName = 'paravcl';
const pollMs = 50;
const watchEveryMs = 500;
/** InnoDB's recovery after a power cut may take its time. */
const readyWithinMs = 120_000;
const stopWithinMs = 60_000;
const firstPauseMs = 200;
const longestPauseMs = 10_000;
/** A server that lived this long did not die of what killed the one before it. */
const soundAfterMs = 60_000;
/** sun_path of a unix socket, with its ending zero. */
const longestSocketPath = 107;

function addressOf(files: ServerFiles): DatabaseAddress {
  return { socketPath: files.socketPath, user: 'root', database: databaseName };
}

/** Where the private server of this directory listens, whether it runs or not. */
export function privateAddress(directory: string): DatabaseAddress {
  return addressOf(serverFiles(directory));
}

/**
 * The MariaDB that the master runs for itself when no DSN is configured: unix socket only, in a directory
 * that only the master's user can enter, which is also the whole of its authentication.
 *
 * It is watched and started again with rising pauses when it dies. A master that is killed leaves it
 * running, and the next one adopts it. It is stopped last, by `stop`.
 *
 * One master at a time may do this in a directory; the lock on the state directory sees to it.
 */
export class PrivateMariadb {
  private pid: number | null = null;
  private readySinceMs = 0;
  private pauseMs = firstPauseMs;
  private stopping = false;
  private reviving: Promise<void> | null = null;
  private cancelWatch: Cancel = () => undefined;

  private constructor(
    private readonly files: ServerFiles,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Starts or adopts the server of this directory and answers when it takes queries. Throws with the server's own last words. */
  static async start(directory: string, clock: Clock, log: Logger): Promise<PrivateMariadb> {
    const files = serverFiles(directory);
    if (Buffer.byteLength(files.socketPath) > longestSocketPath) {
      throw new Error(`stateDir: the database's socket ${files.socketPath} exceeds ${String(longestSocketPath)} bytes; choose a shorter stateDir.`);
    }
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    await createDataDirectory(files.dataDirectory);
    const mariadb = new PrivateMariadb(files, clock, log);
    await mariadb.bringUp(clock.monotonicMs() + readyWithinMs);
    await mariadb.makeDatabase();
    mariadb.watch();
    return mariadb;
  }

  get address(): DatabaseAddress {
    return addressOf(this.files);
  }

  /** The server's process id; null while there is none. */
  get processId(): number | null {
    return this.pid;
  }

  /** Ends the server in an orderly way (after a minute by force) and answers when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.cancelWatch();
    await this.reviving;
    const pid = this.pid;
    if (pid === null || !(await isServer(pid, this.files))) return;
    process.kill(pid, 'SIGTERM');
    if (await this.goneWithin(pid, stopWithinMs)) return;
    this.log.error({ pid }, 'the private MariaDB does not stop; killing it');
    process.kill(pid, 'SIGKILL');
    await this.goneWithin(pid, stopWithinMs);
  }

  /** Adopts the running server or starts one, and waits until it answers. Throws when it exits or the deadline passes. */
  private async bringUp(deadlineMs: number): Promise<void> {
    const running = await runningServer(this.files);
    let exited = false;
    const pid =
      running ??
      (await spawnServer(this.files, () => {
        exited = true;
        void this.check();
      }));
    while (!(await accepts(this.files.socketPath))) {
      if (exited || !(await isServer(pid, this.files))) throw new Error(`The private MariaDB ended at its start: ${await lastWords(this.files)}`);
      if (this.clock.monotonicMs() > deadlineMs) throw new Error(`The private MariaDB (process ${String(pid)}) does not answer: ${await lastWords(this.files)}`);
      await sleep(this.clock, pollMs);
    }
    this.pid = pid;
    this.readySinceMs = this.clock.monotonicMs();
    this.log.info({ pid, socket: this.files.socketPath }, running === null ? 'private MariaDB started' : 'private MariaDB adopted');
  }

  private async makeDatabase(): Promise<void> {
    const server = connect({ ...this.address, database: 'mysql' }, 1);
    try {
      await server.raw('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci', [databaseName]);
    } finally {
      await server.destroy();
    }
  }

  /** An adopted server is nobody's child here, so its end sends no signal: look. */
  private watch(): void {
    this.cancelWatch = this.clock.after(watchEveryMs, () => {
      void this.check().finally(() => {
        if (!this.stopping) this.watch();
      });
    });
  }

  private async check(): Promise<void> {
    const pid = this.pid;
    if (this.stopping || pid === null || this.reviving !== null || (await isServer(pid, this.files))) return;
    // Both the child's end and the look may come here; the first one revives.
    this.reviving ??= this.revive(pid).finally(() => (this.reviving = null));
    await this.reviving;
  }

  private async revive(deadPid: number): Promise<void> {
    this.pid = null;
    if (this.clock.monotonicMs() - this.readySinceMs > soundAfterMs) this.pauseMs = firstPauseMs;
    this.log.error({ pid: deadPid, said: await lastWords(this.files) }, 'the private MariaDB died; starting it again');
    while (!this.stopping) {
      await sleep(this.clock, this.pauseMs);
      this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs);
      try {
        await this.bringUp(this.clock.monotonicMs() + readyWithinMs);
        return;
      } catch (error) {
        this.log.error({ err: error, againInMs: this.pauseMs }, 'the private MariaDB does not start');
      }
    }
  }

  private async goneWithin(pid: number, limitMs: number): Promise<boolean> {
    const deadlineMs = this.clock.monotonicMs() + limitMs;
    while (await isServer(pid, this.files)) {
      if (this.clock.monotonicMs() > deadlineMs) return false;
      await sleep(this.clock, pollMs);
    }
    this.pid = null;
    return true;
  }
}
