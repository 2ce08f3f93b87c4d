import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { sendSignal } from './send-signal';

export interface DaemonStart {
  /** For messages: "master", "agent". */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** Everything it says goes to the end of this file. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A daemon of ours that was started here, or by an earlier call whose process id was written down. */
export class Daemon {
  constructor(
    readonly name: string,
    readonly pid: number,
    readonly logFile: string,
  ) {}

  /** Starts a Node script in a session of its own, so that it outlives this process when it is left running. */
  static start(start: DaemonStart): Daemon {
    const log = openSync(start.logFile, 'a', 0o600);
    const child = spawn(process.execPath, [start.script, ...start.args], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...start.env },
    });
    closeSync(log);
    // Its end is seen by asking for the process; a failed start leaves no process id.
    child.on('error', () => undefined);
    child.unref();
    if (child.pid === undefined) throw new Error(`The ${start.name} could not be started: ${process.execPath} ${start.script}`);
    return new Daemon(start.name, child.pid, start.logFile);
  }

  /**
   * Starts a Node script inside the namespaces of another process, by `through`, a command that runs another one as
   * its child and ends with it, as nsenter(1) does. The process id is the daemon's own as seen from here, so that signals reach it.
   * Throws with its last words when it ends at once.
   */
  static async startThrough(through: readonly [string, ...string[]], start: DaemonStart): Promise<Daemon> {
    const log = openSync(start.logFile, 'a', 0o600);
    const [program, ...args] = [...through, process.execPath, start.script, ...start.args] as [string, ...string[]];
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: { ...process.env, ...start.env } });
    closeSync(log);
    child.on('error', () => undefined);
    child.unref();
    const wrapper = child.pid;
    while (wrapper !== undefined && child.exitCode === null && child.signalCode === null) {
      const [pid] = childrenOf(wrapper);
      if (pid !== undefined) return new Daemon(start.name, pid, start.logFile);
      await delay(5);
    }
    throw new Error(`The ${start.name} could not be started by ${program}. The end of ${start.logFile}:\n${new Daemon(start.name, 0, start.logFile).lastWords()}`);
  }

  isRunning(): boolean {
    try {
      process.kill(this.pid, 0);
      // A zombie still takes signals: the third field of stat is its state.
      return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${String(this.pid)}/stat`, 'utf8'));
    } catch {
      return false;
    }
  }

  kill(signal: NodeJS.Signals): void {
    sendSignal(this.pid, signal);
    // nsenter stopped itself when its child was: until it is told to go on it does not bury a dead one, whose host then cannot die.
    if (signal === 'SIGCONT' || signal === 'SIGKILL') {
      const parent = parentOf(this.pid);
      if (parent?.name === 'nsenter') sendSignal(parent.pid, 'SIGCONT');
    }
  }

  /** Asks it to end; after `graceMs` ends it by force and says so by returning false. */
  async stop(graceMs = 20_000): Promise<boolean> {
    this.kill('SIGTERM');
    const deadline = performance.now() + graceMs;
    while (this.isRunning()) {
      if (performance.now() > deadline) {
        this.kill('SIGKILL');
        return false;
      }
      await delay(50);
    }
    return true;
  }

  /** Throws with the end of its log when it has died. */
  checkAlive(): void {
    if (!this.isRunning()) throw new Error(`The ${this.name} ended. The end of ${this.logFile}:\n${this.lastWords()}`);
  }

  /** The end of its log, for the message when it failed. */
  lastWords(lines = 15): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}

/** Process ids of the children of a process; none when it is gone. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').split(' ').filter((word) => word !== '').map(Number);
  } catch {
    return [];
  }
}

/** Null when the process is gone; one that nobody buried yet still has its parent. */
function parentOf(pid: number): { readonly pid: number; readonly name: string } | null {
  try {
    const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);
    return { pid: parent, name: readFileSync(`/proc/${String(parent)}/comm`, 'utf8').trim() };
  } catch {
    return null;
  }
}
