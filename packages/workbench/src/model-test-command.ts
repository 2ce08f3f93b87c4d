/**
 * `npm run test:model`: the properties and models of deciding, as often as one likes, for a night. The last line is
 * `N passed, N failed`; a failure prints its counterexample with seed and path.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { runSuite } from './test-run/run-suite';

const root = resolve(__dirname, '..', '..', '..');

/** Where everything is decided from values alone. */
const places = ['packages/master/src/core', 'packages/shared/src'];

/** Nobody waits longer; about the most a timer can count. */
const timeLimitMs = 24 * 24 * 3_600_000;

interface Options {
  readonly runs: number;
  readonly seed: number;
}

function readOptions(): Options | string {
  const { runs, seed } = new Command('npm run test:model --')
    .description('Tries every property and model of the scheduler with that many drawn worlds; those that name their own number keep it.')
    .option('--runs <number>', 'worlds for each', Number, 20_000)
    .option('--seed <number>', 'draws the same again (default: a new one, printed)', Number)
    .parse()
    .opts<{ runs: number; seed?: number }>();
  const chosen = seed ?? Math.floor(Math.random() * 2 ** 31);
  if (!Number.isInteger(runs) || runs < 1) return '--runs takes a whole number from 1.';
  if (!Number.isInteger(chosen) || Math.abs(chosen) >= 2 ** 31) return '--seed takes a whole number, as fast-check prints it: from -2147483647 to 2147483647.';
  return { runs, seed: chosen };
}

/** Test files with a property, relative to the root. */
async function propertyFiles(): Promise<readonly string[]> {
  const files = await Promise.all(places.map(async (place) => (await readdir(join(root, place))).filter((name) => name.endsWith('.test.ts')).map((name) => `${place}/${name}`)));
  const texts = await Promise.all(files.flat().map(async (file) => ({ file, text: await readFile(join(root, file), 'utf8') })));
  return texts.filter(({ text }) => text.includes('fc.assert')).map(({ file }) => file).sort();
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    say(options);
    return 2;
  }
  const { runs, seed } = options;
  const files = await propertyFiles();
  say(`  ${String(files.length)} files, ${String(runs)} worlds for each property; npm run test:model -- --runs ${String(runs)} --seed ${String(seed)} draws the same again`);
  let endRunning = (): void => undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => endRunning());
  const result = await runSuite('unit', {
    namePattern: null,
    timeLimitMs,
    onStart: (end) => (endRunning = end),
    files,
    environment: { PARAVCL_MODEL_RUNS: String(runs), PARAVCL_MODEL_SEED: String(seed) },
    testTimeoutMs: timeLimitMs,
  });
  for (const reason of result.reasons) say(`  ${reason}`);
  process.stdout.write(`${String(result.passed)} passed, ${String(result.failed)} failed\n`);
  return result.failed === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.stdout.write('0 passed, 1 failed\n');
    process.exitCode = 1;
  },
);
