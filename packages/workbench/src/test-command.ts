/**
 * `npm test`: unit, integration, then pages in a browser, and beside them, inside a private host, the tests against real libvirt and QEMU.
 * `--only long` and `--only faults`, which are `npm run test:long` and `npm run test:faults`: the long ones of those.
 * The last line is `N passed, N failed`; the exit code is 1 when anything failed.
 */
import { parseArgs } from 'node:util';
import { onHosts, runSuite, suiteNames, suitesApart, type SuiteName } from './test-run/run-suite';

/** For all suites together: twice what the faults take on two cores; a hanging test must not hold a build machine for ever. */
const timeLimitMs = 70 * 60_000;

interface TestOptions {
  readonly suites: readonly SuiteName[];
  readonly namePattern: string | null;
}

function readOptions(args: string[]): TestOptions {
  const { values } = parseArgs({
    args,
    options: { only: { type: 'string', multiple: true }, testNamePattern: { type: 'string', short: 't' } },
  });
  const only = values.only ?? [];
  const unknown = only.find((name) => !suiteNames.includes(name as SuiteName));
  if (unknown !== undefined) throw new Error(`There is no suite ${unknown}: --only takes ${suiteNames.join(', ')}.`);
  return {
    suites: suiteNames.filter((name) => (only.length === 0 ? !suitesApart.includes(name) : only.includes(name))),
    namePattern: values.testNamePattern ?? null,
  };
}

/**
 * What runs at the same time: guests under emulation, which the suites of the first lane are without, leave about one of
 * two cores idle. Of several in one lane one runs after the other.
 */
function lanesOf(suites: readonly SuiteName[]): readonly (readonly SuiteName[])[] {
  return [suites.filter((name) => !onHosts(name)), suites.filter(onHosts)].filter((lane) => lane.length > 0);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const startedAt = performance.now();
  const running = new Map<SuiteName, () => void>();
  const endAll = (): void => running.forEach((end) => end());
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      endAll();
    });
  }

  let passed = 0;
  let failed = 0;
  const lines = new Map<SuiteName, string>();
  const notes: string[] = [];
  const failures: string[] = [];
  const run = async (name: SuiteName, beside: boolean): Promise<void> => {
    say(`\n  ${name} tests`);
    const suiteStartedAt = performance.now();
    const result = await runSuite(name, {
      namePattern: options.namePattern,
      timeLimitMs: Math.max(0, startedAt + timeLimitMs - performance.now()),
      beside,
      onStart: (end) => {
        running.set(name, end);
        if (interrupted) end();
      },
    });
    running.delete(name);
    passed += result.passed;
    failed += result.failed;
    failures.push(...result.failures);
    const seconds = ((performance.now() - suiteStartedAt) / 1000).toFixed(1);
    const reasons = result.reasons.map((reason) => `; ${reason}`).join('');
    lines.set(name, `  ${result.failed === 0 ? '✓' : '✗'} ${name}: ${String(result.passed)} passed, ${String(result.failed)} failed${reasons} (${seconds} s)`);
    say(`\n${lines.get(name) ?? ''}`);
  };
  const lanes = lanesOf(options.suites);
  const lane = async (suites: readonly SuiteName[]): Promise<void> => {
    for (const name of suites) if (!interrupted) await run(name, lanes.length > 1);
  };
  await Promise.all(lanes.map(lane)).catch((error: unknown) => {
    endAll();
    throw error;
  });
  if (interrupted) {
    failed += 1;
    notes.push('  ✗ interrupted');
  }
  if (passed + failed === 0) {
    failed = 1;
    notes.push(`  ✗ no test has a name that matches ${options.namePattern ?? ''}`);
  }
  // Together at the end: in a long log of suites side by side nobody finds them.
  if (failures.length > 0) say(`\n  what failed\n${failures.map((failure) => `    ${failure}`).join('\n')}`);
  const told = options.suites.flatMap((name) => lines.get(name) ?? []);
  say(`\n${[...told, ...notes].join('\n')}\n  total ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  return failed === 0 ? 0 : 1;
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
