import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import { buildQuiescingGuest } from '../guest/quiescing-guest';
import { buildSshGuest } from '../guest/ssh-guest';
import { privateHostHindrance, signalPrivateHost, spawnInPrivateHost } from '../private-host/private-host';
import { endGently } from './end-gently';
import { jestReportSchema, suiteResult, type JestReport, type SuiteResult } from './suite-result';

const root = resolve(__dirname, '..', '..', '..', '..');

export const suiteNames = ['unit', 'integration', 'browser', 'host', 'long', 'faults'] as const;
/** Each takes longer than the others together: only when it is asked for. */
export const suitesApart: readonly SuiteName[] = ['long', 'faults'];
export type SuiteName = (typeof suiteNames)[number];

/** Real libvirt and QEMU, inside a private host. */
export const onHosts = (name: SuiteName): boolean => name === 'host' || suitesApart.includes(name);

export interface SuiteOptions {
  /** Only tests whose full name matches; null for all. */
  readonly namePattern: string | null;
  readonly timeLimitMs: number;
  /** A suite with guests runs meanwhile, or one without; absent: none does. */
  readonly beside?: boolean;
  /** Given what ends the running suite early. */
  readonly onStart: (end: () => void) => void;
  /** Only these files, relative to the root; absent: all of the suite. */
  readonly files?: readonly string[];
  /** Added to the environment of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How long one test may take; absent: as long as jest allows. */
  readonly testTimeoutMs?: number;
}

/** How jest runs a suite. A guest under emulation takes a whole core, so those tests run one after the other. */
function workersOf(name: SuiteName, beside: boolean): readonly string[] {
  if (onHosts(name)) return ['--runInBand'];
  // A browser, a master and its database keep two cores busy.
  if (name === 'browser') return ['--maxWorkers=1'];
  // Beside a guest there is one core; and Jest's own limit for tests that name none ends what hangs, and promises nothing.
  return beside ? ['--maxWorkers=1', '--testTimeout=10000'] : ['--maxWorkers=2'];
}

/** Runs one of jest's projects to its end, its output shown as it comes, and counts what happened. */
export async function runSuite(name: SuiteName, options: SuiteOptions): Promise<SuiteResult> {
  if (onHosts(name)) {
    const hindrance = privateHostHindrance(['npm', 'test']);
    if (hindrance !== null) return { passed: 0, failed: 1, reasons: [hindrance], failures: [] };
    // Out here, because a first build fetches packages and a private host has no way out. It builds the demo guest too.
    const onProgress = (line: string): boolean => process.stderr.write(`    ${line}\n`);
    const fault = await buildQuiescingGuest({ onProgress }).then(() => buildSshGuest({ onProgress })).then(
      () => null,
      (error: unknown) => `the guests of these tests are not there: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (fault !== null) return { passed: 0, failed: 1, reasons: [fault], failures: [] };
  }
  const directory = await mkdtemp(join(tmpdir(), 'paravcl-test-'));
  try {
    const report = join(directory, 'report.json');
    const pattern = options.namePattern === null ? [] : ['-t', options.namePattern];
    const jest: [string, ...string[]] = [
      process.execPath,
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      `--selectProjects=${name}`,
      ...workersOf(name, options.beside ?? false),
      '--ci',
      '--json',
      `--outputFile=${report}`,
      ...pattern,
      ...(options.testTimeoutMs === undefined ? [] : [`--testTimeout=${String(options.testTimeoutMs)}`]),
      ...(options.files === undefined ? [] : ['--runTestsByPath', ...options.files]),
    ];
    // Standard output is ours: with --json jest says everything for people on standard error.
    const how = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] } satisfies SpawnOptions;
    // These tests stop and kill processes: one that hits its own group leaves us to end it in time and to say so.
    const child =
      onHosts(name)
        ? spawnInPrivateHost(jest, { ...how, env: options.environment ?? {}, detached: true })
        : spawn(jest[0], jest.slice(1), { ...how, env: { ...process.env, ...options.environment } });
    const end = (): void => endGently(child, () => (onHosts(name) ? signalPrivateHost(child, 'SIGTERM') : child.kill('SIGTERM')));
    options.onStart(end);
    const ended = await waitForEnd(child, options.timeLimitMs, end);
    const result = suiteResult(await readReport(report), ended.code, options.namePattern !== null);
    if (!ended.tooLong) return result;
    return {
      ...result,
      failed: Math.max(1, result.failed),
      reasons: [`stopped after ${(options.timeLimitMs / 60_000).toFixed(1)} minutes, when the time for all suites was over`, ...result.reasons],
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function waitForEnd(child: ChildProcess, timeLimitMs: number, end: () => void): Promise<{ readonly code: number; readonly tooLong: boolean }> {
  return new Promise((resolveEnd, reject) => {
    let tooLong = false;
    const limit = setTimeout(() => {
      tooLong = true;
      end();
    }, timeLimitMs);
    child.once('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.once('exit', (code) => {
      clearTimeout(limit);
      resolveEnd({ code: code ?? 137, tooLong });
    });
  });
}

async function readReport(file: string): Promise<JestReport | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  const report = jestReportSchema.safeParse(parseJson(text));
  return report.success ? report.data : null;
}
