import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

/** What decides in jest's `--json` report: its counts, and what the failed tests said. */
export const jestReportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.int().nonnegative(),
  numFailedTests: z.int().nonnegative(),
  numPendingTests: z.int().nonnegative(),
  numTodoTests: z.int().nonnegative(),
  numRuntimeErrorTestSuites: z.int().nonnegative(),
  testResults: z.array(
    z.object({
      /** The file's path. */
      name: z.string(),
      status: z.string(),
      /** Of a file that could not be run: why. */
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) })),
    }),
  ),
});
export type JestReport = z.infer<typeof jestReportSchema>;

export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  /** Why it failed beyond failed tests, as sentences to show. */
  readonly reasons: readonly string[];
  /** Each failed test with its file and how its message begins, to be read together at the end of a long log. */
  readonly failures: readonly string[];
}

/**
 * Counts one suite. A skipped or unwritten test counts as failed, a file that could not be loaded as one failed test, and
 * so does a suite in which nothing ran: green must mean that everything ran.
 * With `filtered` (a name pattern was given) tests left out on purpose count for nothing.
 */
export function suiteResult(report: JestReport | null, exitCode: number, filtered: boolean): SuiteResult {
  if (report === null) return { passed: 0, failed: 1, reasons: [`jest ended with exit code ${String(exitCode)} before it could report`], failures: [] };
  const reasons: string[] = [];
  const left = filtered ? 0 : report.numPendingTests;
  if (left > 0) reasons.push(`${String(left)} skipped tests count as failed`);
  if (report.numTodoTests > 0) reasons.push(`${String(report.numTodoTests)} tests are not written (todo) and count as failed`);
  if (report.numRuntimeErrorTestSuites > 0) reasons.push(`${String(report.numRuntimeErrorTestSuites)} test files could not be run`);
  let failed = report.numFailedTests + left + report.numTodoTests + report.numRuntimeErrorTestSuites;
  if (report.numPassedTests + failed === 0 && !filtered) {
    reasons.push('not one test ran');
    failed = 1;
  }
  if (failed === 0 && (exitCode !== 0 || !report.success)) {
    reasons.push(`jest ended with exit code ${String(exitCode)} although no test failed`);
    failed = 1;
  }
  return { passed: report.numPassedTests, failed, reasons, failures: report.testResults.flatMap(failuresOf) };
}

const quotedLines = 3;

function failuresOf({ name, status, message, assertionResults }: JestReport['testResults'][number]): readonly string[] {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((one) => one.status === 'failed');
  // A file that could not be run has no tests to name.
  if (status === 'failed' && failed.length === 0) return [`${file}: ${beginningOf(message)}`];
  return failed.map(({ fullName, failureMessages }) => `${file} › ${fullName}: ${beginningOf(failureMessages[0] ?? '')}`);
}

/** The first lines that say something, as one. */
function beginningOf(message: string): string {
  const lines = stripVTControlCharacters(message).split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('●'));
  const place = lines.findIndex((line) => line.startsWith('at '));
  return lines.slice(0, place === -1 ? quotedLines : Math.min(place, quotedLines)).join(' ').slice(0, 400);
}
