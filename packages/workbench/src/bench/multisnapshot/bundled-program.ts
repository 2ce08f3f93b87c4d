import { fork } from 'node:child_process';
import { once } from 'node:events';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import { runProgram } from '../../process/run-program';
import { benchWordSchema } from './bench-words';

const root = resolve(__dirname, '..', '..', '..', '..', '..');

export interface BundledProgram<Found> {
  /** Package and source below its directory of tests, as in `bench/stored-growth-program.ts`. */
  readonly of: 'master' | 'slave';
  readonly source: string;
  /** Handed over as JSON. */
  readonly wish: object;
  readonly found: z.ZodType<Found>;
  readonly say: (line: string) => void;
}

/**
 * Runs a program that measures a package's own code from inside that package, which a bench may not import: its source, put
 * together with the sources it imports, in a process of its own. Throws when it fails; its own words are on standard error.
 */
export async function runBundled<Found>({ of, source, wish, found, say }: BundledProgram<Found>): Promise<Found> {
  const script = join(root, 'packages', of, 'dist', 'bench', `${basename(source, '.ts')}.cjs`);
  const esbuild = join(root, 'node_modules', '.bin', 'esbuild');
  await runProgram(esbuild, ['--bundle', '--platform=node', '--target=node20', '--format=cjs', '--packages=external', '--log-level=error', `--outfile=${script}`, join(root, 'packages', of, 'test', source)]);
  // Standard output belongs to the report.
  const child = fork(script, [JSON.stringify(wish)], { stdio: ['ignore', 2, 2, 'ipc'], serialization: 'json' });
  const answer: { found?: unknown } = {};
  child.on('message', (message) => {
    const word = benchWordSchema.parse(message);
    if ('say' in word) say(word.say);
    else answer.found = word.found;
  });
  // With the bench goes what it started, also when that is interrupted.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  try {
    await once(child, 'close');
  } finally {
    process.off('exit', end);
  }
  if (answer.found === undefined) throw new Error(`${source} of ${of} ended (${child.signalCode ?? `exit code ${String(child.exitCode)}`}) before it had measured.`);
  return found.parse(answer.found);
}
