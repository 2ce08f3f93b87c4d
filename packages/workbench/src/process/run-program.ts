import { execFile } from 'node:child_process';

/** Administrators' programs live in the sbin directories, which an ordinary user's PATH leaves out. */
const searchPath = [process.env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(':');

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for its standard input; without it the input is empty. */
  readonly input?: string;
}

/** A program that failed, with its own words: the message names the program, its exit code and the last of what it said. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  constructor(
    readonly program: string,
    /** Exit code; null when it was killed or could not be started. */
    readonly exitCode: number | null,
    readonly stderr: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Runs a program to its end with an argument array (never a shell) and returns its standard output.
 * Throws ProgramError when it cannot be started, fails, or takes longer than `timeoutMs` (60 s).
 */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      {
        env: { ...process.env, ...options.env, PATH: searchPath, LC_ALL: 'C' },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve(stdout);
          return;
        }
        const exitCode = typeof error.code === 'number' ? error.code : null;
        const why =
          (error as NodeJS.ErrnoException).code === 'ENOENT'
            ? `${program} is not installed.`
            : error.killed === true
              ? `${program} gave no answer within ${String(timeoutMs / 1000)} s and was stopped.`
              : `${program} failed with ${exitCode === null ? String(error.signal) : `exit code ${String(exitCode)}`}: ${lastLines(stderr || stdout)}`;
        reject(new ProgramError(program, exitCode, stderr, why));
      },
    );
    // A program may end without reading its input; its exit code tells what happened.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join(' / ') || '(it said nothing)';
}
