import { suiteResult, type JestReport } from './suite-result';

const report = (counts: Partial<JestReport>): JestReport => ({
  success: true,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  ...counts,
});

test('passed tests pass', () => {
  expect(suiteResult(report({ numPassedTests: 3 }), 0, false)).toEqual({ passed: 3, failed: 0, reasons: [] });
});

test('a suite in which nothing ran has failed', () => {
  expect(suiteResult(report({}), 0, false)).toMatchObject({ passed: 0, failed: 1 });
});

test('skipped and unwritten tests count as failed', () => {
  expect(suiteResult(report({ numPassedTests: 2, numPendingTests: 1, numTodoTests: 1 }), 0, false)).toMatchObject({ passed: 2, failed: 2 });
});

test('a test file that cannot be loaded counts as failed', () => {
  expect(suiteResult(report({ success: false, numPassedTests: 2, numRuntimeErrorTestSuites: 1 }), 1, false)).toMatchObject({ failed: 1 });
});

test('jest ending badly without a failed test has failed', () => {
  expect(suiteResult(report({ numPassedTests: 2 }), 134, false)).toMatchObject({ passed: 2, failed: 1 });
  expect(suiteResult(null, 137, false)).toMatchObject({ passed: 0, failed: 1 });
});

test('tests a name pattern leaves out count for nothing', () => {
  expect(suiteResult(report({ numPassedTests: 1, numPendingTests: 9 }), 0, true)).toEqual({ passed: 1, failed: 0, reasons: [] });
});
