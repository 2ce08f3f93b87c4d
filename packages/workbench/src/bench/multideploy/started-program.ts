import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { cpuSeconds } from '../measured-process';

/** A program that runs beside the bench, in a host's namespace or here, and ends with it at the latest. */
export class StartedProgram {
  private ended: string | null = null;

  private constructor(
    private readonly child: ChildProcess,
    private readonly logFile: string,
  ) {
    child.on('error', (error) => (this.ended = error.message));
    child.on('exit', (code, signal) => (this.ended = code === null ? String(signal) : `exit code ${String(code)}`));
  }

  /** What it says goes to the end of `logFile`. */
  static start([program, ...args]: readonly [string, ...string[]], logFile: string, env: Readonly<Record<string, string>> = {}): StartedProgram {
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } });
    closeSync(log);
    return new StartedProgram(child, logFile);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.ended !== null;
  }

  /** Throws with its last words when it has ended. */
  checkAlive(): void {
    if (this.ended === null) return;
    const words = readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
    throw new Error(`${this.child.spawnargs.join(' ')} ended (${this.ended}). The end of ${this.logFile}:\n${words}`);
  }

  cpuSeconds(): Promise<number> {
    return cpuSeconds(this.pid);
  }

  /** Resolves when it has ended. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.ended !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }
}
