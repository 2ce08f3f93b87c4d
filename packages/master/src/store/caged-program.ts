import { MiB } from '@paravcl/shared/domain/limits';
import { spawn } from 'node:child_process';
import { notInstalled } from './conversion-programs';

export interface Cage {
  /** Of address space. */
  readonly memoryMiB: number;
  /** Of processor time, and of time. */
  readonly seconds: number;
  /** No file may become longer. */
  readonly fileBytes: number;
  /** Where prlimit, setpriv and the program are looked for. */
  readonly path: string | undefined;
}

/** How a program ended, with the beginning of what it said on stderr. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly told: string;
}

const mostErrorText = 4096;

/**
 * Runs what reads bytes of strangers: with limits of its own (prlimit of util-linux), without any privileges to gain, and
 * never longer than the master (setpriv). What it prints is handed on as it comes; `stop` kills it, and its reason is thrown.
 * Throws `conflict` with what to install.
 */
export async function runCaged(command: readonly string[], { memoryMiB, seconds, fileBytes, path }: Cage, onText: (text: string) => void, stop = new AbortController()): Promise<Ended> {
  const child = spawn(
    'prlimit',
    [
      ...[`--as=${memoryMiB * MiB}`, `--cpu=${seconds}`, `--fsize=${fileBytes}`, '--nofile=64', '--core=0', '--'],
      ...['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', '--', ...command],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: path, LC_ALL: 'C' }, cwd: '/' },
  );
  const kill = (): void => void child.kill('SIGKILL');
  // Not spawn's own timeout: of a program that is not there it would leave the timer.
  const deadline = setTimeout(kill, seconds * 1000);
  stop.signal.addEventListener('abort', kill, { once: true });
  let told = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    try {
      onText(text);
    } catch (error) {
      stop.abort(error);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told = (told + text).slice(0, mostErrorText);
  });
  try {
    const { code, signal } = await new Promise<Pick<Ended, 'code' | 'signal'>>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    stop.signal.throwIfAborted();
    if (code === 127) throw notInstalled(/failed to execute ([\w-]+)/.exec(told)?.[1] ?? 'A program of the conversion', { cause: new Error(told.trim()) });
    return { code, signal, told };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || stop.signal.aborted) throw error;
    throw notInstalled('prlimit', { cause: error });
  } finally {
    clearTimeout(deadline);
    stop.signal.removeEventListener('abort', kill);
  }
}
