/**
 * `npm run test:system`: the recovery run. Several real hosts, people at work, and everything in it killed, stopped and
 * cut off; then a checker judges. The last line is `N passed, N failed`; the exit code is 1 when anything failed.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { buildDemoGuest } from './guest/demo-guest';
import { privateHostHindrance, runInPrivateHost } from './private-host/private-host';
import { runProgram } from './process/run-program';
import { requiredPaths } from './recovery/path-counts';
import { longRun, recordFileOf, writeRecoveryRecord, type RecoveryRecord } from './recovery/recovery-record';
import { countBy, renderOutcome } from './recovery/recovery-report';
import { runRecovery, type RecoveryOutcome } from './recovery/recovery-run';

/** The site has to come to rest this often. */
const faultsPerRound = 25;

interface Options {
  readonly seed: number;
  readonly faults: number;
  readonly hosts: number;
  readonly keep: boolean;
  readonly json: boolean;
}

function readOptions(): Options | string {
  const { seed, faults, hosts, keep, json } = new Command('npm run test:system --')
    .description('Kills, stops and cuts off everything in a site of real hosts, at random, and judges what became of it.')
    .option('--seed <number>', 'repeats the random choices of an earlier run (default: a new one, printed)', Number)
    .option('--faults <number>', `faults to inject; from ${String(longRun)} on every kind that is about a stage has to meet each`, Number, longRun)
    .option('--hosts <number>', 'hosts of the site, 2 to 6', Number, 3)
    .option('--keep', 'leave logs and history behind, and say where, also when all went well', false)
    .option('--json', 'the record on standard output before the last line', false)
    .parse()
    .opts<{ seed?: number; faults: number; hosts: number; keep: boolean; json: boolean }>();
  const chosen = seed ?? Math.floor(Math.random() * 2 ** 32);
  if (!Number.isInteger(chosen) || chosen < 0 || chosen >= 2 ** 32) return '--seed takes a whole number from 0 to 4294967295.';
  if (!Number.isInteger(faults) || faults < 1) return '--faults takes a whole number from 1: a run without faults proves nothing.';
  if (!Number.isInteger(hosts) || hosts < 2 || hosts > 6) return '--hosts takes a whole number from 2 to 6.';
  return { seed: chosen, faults, hosts, keep, json };
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
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') {
    const command = [process.execPath, __filename, ...process.argv.slice(2)] as const;
    const hindrance = privateHostHindrance(command.slice(1));
    if (hindrance === null) {
      // There is no network inside.
      await buildDemoGuest();
      return runInPrivateHost(command);
    }
    say(hindrance);
    return 1;
  }

  const { seed, faults, hosts, keep } = options;
  const enough = new AbortController();
  // Ended by hand it still heals, judges and says what it found; the second time it ends at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => enough.abort());
  say(`  recovery: ${String(faults)} faults in a site of ${String(hosts)} hosts; npm run test:system -- --seed ${String(seed)} draws the same again`);
  await mkdir('/var/tmp', { recursive: true });
  // A short path, and one that QEMU's user can walk: sockets lie in it.
  const stateDir = await mkdtemp('/var/tmp/pvrec-');
  const file = recordFileOf(faults);
  // One that ends without a record must not hide behind the one before.
  await rm(file, { force: true });
  let passed = false;
  try {
    const outcome = await runRecovery({
      stateDir,
      seed,
      faults,
      hosts,
      perRound: faultsPerRound,
      requiredPaths: faults >= longRun ? requiredPaths : [],
      requiredAsks: faults >= longRun ? ['launch', 'start', 'resume', 'suspend', 'stop', 'delete'] : ['launch'],
      requireCells: faults >= longRun,
      enough: enough.signal,
      say: (line) => say(`  ${line}`),
    });
    const record = await recordOf(seed, outcome);
    await writeRecoveryRecord(record, file);
    say(`\n${renderOutcome(seed, outcome)}\n  record: ${file}`);
    if (options.json) process.stdout.write(`${JSON.stringify(record)}\n`);
    // Every fault that was survived is a test that passed.
    process.stdout.write(`${String(outcome.faults.length)} passed, ${String(outcome.violations.length)} failed\n`);
    passed = outcome.violations.length === 0;
    return passed ? 0 : 1;
  } finally {
    // What went wrong is found out from them.
    if (keep || !passed) say(`  logs and history: ${stateDir}`);
    else await rm(stateDir, { recursive: true, force: true });
  }
}

async function recordOf(seed: number, { faults, violations, convergences, unknownCalls, ends, paths }: RecoveryOutcome): Promise<RecoveryRecord> {
  const git = (...args: readonly string[]): Promise<string> => runProgram('git', args, { cwd: resolve(__dirname, '..') }).catch(() => '');
  return {
    at: new Date().toISOString(),
    commit: (await git('rev-parse', 'HEAD')).trim() || 'unknown',
    dirty: (await git('status', '--porcelain')).trim() !== '',
    seed,
    faults: faults.length,
    byKind: countBy(faults, ({ kind }) => kind),
    byStage: countBy(faults, ({ stage }) => stage ?? 'any time'),
    violations: [...violations],
    convergeS: convergences.includes(null) ? null : Math.max(0, ...convergences.map((seconds) => seconds ?? 0)),
    unknownCalls,
    ends,
    paths,
  };
}

/** What a broken site left open must not hold this process; its end takes the private host with it. */
function endSoon(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), 5000).unref();
}

main().then(
  endSoon,
  (error: unknown) => {
    say(error instanceof Error ? `${error.stack ?? error.message}${error.cause instanceof Error ? `\nbecause ${error.cause.message}` : ''}` : String(error));
    process.stdout.write('0 passed, 1 failed\n');
    endSoon(1);
  },
);
