import { suiteResult, type JestReport } from './suite-result';

const report = (counts: Partial<JestReport>): JestReport => ({
  success: true,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  testResults: [],
  ...counts,
});

test('passed tests pass', () => {
  expect(suiteResult(report({ numPassedTests: 3 }), 0, false)).toEqual({ passed: 3, failed: 0, reasons: [], failures: [] });
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
  expect(suiteResult(report({ numPassedTests: 1, numPendingTests: 9 }), 0, true)).toEqual({ passed: 1, failed: 0, reasons: [], failures: [] });
});

test('each failed test is told in a line with its file and how its message begins, and a file that could not be run with why', () => {
  const failed = { fullName: 'a guest runs', status: 'failed', failureMessages: ['Error: Waited 180 s for i-1 to run. \u001b[31mLast seen: booting.\u001b[39m\n\n    at eventually (a.ts:19:13)\n    at b.ts:3:1'] };
  const passed = { fullName: 'it stops', status: 'passed', failureMessages: [] };
  const { failures } = suiteResult(
    report({
      numFailedTests: 1,
      numRuntimeErrorTestSuites: 1,
      testResults: [
        { name: `${process.cwd()}/packages/a.test.ts`, status: 'failed', message: 'all of it', assertionResults: [passed, failed] },
        { name: `${process.cwd()}/packages/b.test.ts`, status: 'failed', message: '  ● Test suite failed to run\n\n    Cannot find module ./c\n\n      at d.ts:1:1', assertionResults: [] },
        { name: `${process.cwd()}/packages/c.test.ts`, status: 'passed', message: '', assertionResults: [passed] },
      ],
    }),
    1,
    false,
  );
  expect(failures).toEqual([
    'packages/a.test.ts › a guest runs: Error: Waited 180 s for i-1 to run. Last seen: booting.',
    'packages/b.test.ts: Cannot find module ./c',
  ]);
});
