/**
 * Five suites; `npm test` runs the first four, `npm run test:faults` the last:
 *   unit         beside the code; no daemon, no network beyond loopback
 *   integration  packages/<p>/test/it: a real MariaDB per suite
 *   browser      packages/master/test/browser: pages of the portal in Chromium, of a whole master with a simulated slave
 *   host         packages/slave/test/host and packages/master/test/system: real libvirt and QEMU,
 *                run inside a private network + mount + process namespace (packages/workbench)
 *   faults       those of the last two that are named *.faults.test.ts: long ones, in which everything is killed, cut off, filled and
 *                crowded; all inside a private host
 */
const shared = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }],
    '^.+\\.tsx$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } }, target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  moduleNameMapper: {
    '^@paravcl/(shared|master|slave|cli|workbench)/(.*)$': '<rootDir>/packages/$1/src/$2',
  },
  moduleFileExtensions: ['ts', 'tsx', 'js', 'json'],
  modulePathIgnorePatterns: ['/dist/'],
};

const withDatabase = (name) => `<rootDir>/packages/*/test/it/**/${name}`;
const onHosts = (name) => [`<rootDir>/packages/slave/test/host/**/${name}`, `<rootDir>/packages/master/test/system/**/${name}`];

const faults = ['\\.faults\\.test\\.ts$'];

// Loading fast-check before every file costs more than most of them take.
const modelRuns = process.env.PARAVCL_MODEL_RUNS === undefined ? [] : ['<rootDir>/packages/workbench/test/model-runs.ts'];

module.exports = {
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/packages/*/src/**/*.test.ts'], setupFiles: modelRuns },
    { ...shared, displayName: 'integration', testMatch: [withDatabase('*.test.ts')], testPathIgnorePatterns: faults },
    { ...shared, displayName: 'browser', testMatch: ['<rootDir>/packages/master/test/browser/**/*.test.ts'], setupFilesAfterEnv: ['<rootDir>/packages/master/test/browser/time-limit.ts'] },
    { ...shared, displayName: 'host', testMatch: onHosts('*.test.ts'), testPathIgnorePatterns: faults },
    { ...shared, displayName: 'faults', testMatch: [withDatabase('*.faults.test.ts'), ...onHosts('*.faults.test.ts')] },
  ],
};
