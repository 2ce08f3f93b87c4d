import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quickCallMs } from '../call-limits';
import { HypervisorError } from '../driver';
import { virshError } from './virsh-failure';

export interface VirshOptions {
  readonly binary: string;
  readonly uri: string;
  /** For calls that answer at once. Calls that write or read a guest's RAM give their own. */
  readonly timeoutMs: number;
}

export const virshDefaults: VirshOptions = { binary: 'virsh', uri: 'qemu:///system', timeoutMs: quickCallMs };

/** 2,000 domains of some 8 KiB of XML each. */
const largestAnswerBytes = 32 * 1024 * 1024;

/** What one command of a batch printed; all of a batch share one standard error. */
export interface BatchAnswer {
  readonly sections: readonly string[];
  readonly stderr: string;
}

/** Whether virsh's own command parser leaves a word alone. */
export function fitsBatch(word: string): boolean {
  return /^[A-Za-z0-9_.:/=,-]+$/.test(word);
}

/**
 * The `virsh` command: every call is one process of about 10 ms, its arguments an array, its language C,
 * its time zone UTC. Failures become HypervisorError by `virshFailures`.
 */
export class Virsh {
  constructor(private readonly options: VirshOptions = virshDefaults) {}

  /** Runs one virsh command and returns its standard output. */
  async run(args: readonly string[], timeoutMs = this.options.timeoutMs): Promise<string> {
    const { stdout, stderr, failure } = await this.exec(args, timeoutMs);
    if (failure !== null) throw this.errorOf(args[0] ?? '', stderr, failure, timeoutMs);
    return stdout;
  }

  /**
   * Runs several read-only commands in one process. virsh goes on after one that fails, whose section is
   * then empty: `virsh 'domstate nope; echo B'` prints B and exits 0. Words may hold only characters
   * that virsh's own command parser leaves alone, because a batch is one string to it.
   */
  async batch(commands: readonly (readonly string[])[]): Promise<BatchAnswer> {
    const foul = commands.flat().find((word) => !fitsBatch(word));
    if (foul !== undefined) throw new HypervisorError('unsupported', `${JSON.stringify(foul)} cannot be part of a virsh batch`);
    const separator = `---${randomUUID()}---`;
    const script = commands.map((words) => words.join(' ')).join(`; echo ${separator}; `);
    const { stdout, stderr, failure } = await this.exec([script], this.options.timeoutMs);
    const sections = stdout.split(`${separator}`).map((each) => each.trim());
    const error = failure === null ? null : this.errorOf('batch', stderr, failure, this.options.timeoutMs);
    // Sections that are empty because nobody answered say nothing of what was asked about.
    const isUnheard = error?.code === 'unavailable' || error?.code === 'timeout';
    if (sections.length !== commands.length || isUnheard) throw error ?? this.errorOf('batch', stderr, failure, this.options.timeoutMs);
    return { sections, stderr };
  }

  /** Runs a command whose last argument is a file holding `content`; the file lives only as long as the call. */
  async runWithFile(args: readonly string[], content: string, timeoutMs = this.options.timeoutMs): Promise<string> {
    const file = this.temporaryFile('xml');
    try {
      await writeFile(file, content, { mode: 0o600, flag: 'wx' });
      return await this.run([...args, file], timeoutMs);
    } finally {
      await rm(file, { force: true });
    }
  }

  temporaryFile(extension: string): string {
    return join(tmpdir(), `paravcl-${randomUUID()}.${extension}`);
  }

  /** Starts a virsh that stays, such as the event stream; it notices a dead libvirtd within 15 s. */
  stay(command: string): ChildProcess {
    return spawn(this.options.binary, [...this.connection(), '--keepalive-interval', '5', '--keepalive-count', '3', command], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  private connection(): readonly string[] {
    return ['--quiet', '--connect', this.options.uri];
  }

  private exec(args: readonly string[], timeoutMs: number): Promise<{ stdout: string; stderr: string; failure: NodeJS.ErrnoException | null }> {
    return new Promise((resolve) => {
      execFile(
        this.options.binary,
        [...this.connection(), ...args],
        { env: environment(), timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: largestAnswerBytes, encoding: 'utf8' },
        (failure, stdout, stderr) => {
          resolve({ stdout, stderr, failure: failure as NodeJS.ErrnoException | null });
        },
      );
    });
  }

  private errorOf(command: string, stderr: string, failure: NodeJS.ErrnoException | null, timeoutMs: number): HypervisorError {
    const ended = failure as (NodeJS.ErrnoException & { killed?: boolean; signal?: string | null }) | null;
    if (ended?.code === 'ENOENT') {
      return new HypervisorError('unavailable', `${this.options.binary} is not installed: apt-get install libvirt-clients`, { cause: failure });
    }
    if (ended?.killed === true) {
      return new HypervisorError('timeout', `virsh ${command} did not answer within ${String(timeoutMs / 1000)} s`, { cause: failure });
    }
    // Nobody knows how far it was.
    if (ended?.signal != null) return new HypervisorError('unavailable', `virsh ${command} was ended by ${ended.signal}`, { cause: failure });
    return virshError(command, stderr, failure ?? undefined);
  }
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C', TZ: 'UTC' };
}
