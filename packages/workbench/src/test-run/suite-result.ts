import { z } from 'zod';

/** The counts of jest's `--json` report that decide. */
export const jestReportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.int().nonnegative(),
  numFailedTests: z.int().nonnegative(),
  numPendingTests: z.int().nonnegative(),
  numTodoTests: z.int().nonnegative(),
  numRuntimeErrorTestSuites: z.int().nonnegative(),
});
export type JestReport = z.infer<typeof jestReportSchema>;

export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  /** Why it failed beyond failed tests, as sentences to show. */
  readonly reasons: readonly string[];
}

/**
 * Counts one suite. A skipped or unwritten test counts as failed, a file that could not be loaded as one failed test, and
 * so does a suite in which nothing ran: green must mean that everything ran.
 * With `filtered` (a name pattern was given) tests left out on purpose count for nothing.
 */
export function suiteResult(report: JestReport | null, exitCode: number, filtered: boolean): SuiteResult {
  if (report === null) return { passed: 0, failed: 1, reasons: [`jest ended with exit code ${String(exitCode)} before it could report`] };
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
  return { passed: report.numPassedTests, failed, reasons };
}
