/**
 * Six suites; `npm test` runs the first four, `npm run test:long` and `npm run test:faults` the others:
 *   unit         beside the code; no daemon, no network beyond loopback
 *   integration  packages/<p>/test/it: a real MariaDB per suite
 *   browser      packages/master/test/browser: pages of the portal in Chromium, of a whole master with a simulated slave
 *   host         packages/slave/test/host and packages/master/test/system: real libvirt and QEMU,
 *                run inside a private network + mount + process namespace (packages/workbench)
 *   long         those of browser and host that are named *.long.test.ts: one part of the whole each, at length; all inside a private host
 *   faults       those of integration and host that are named *.faults.test.ts: long ones, in which everything is killed, cut off, filled
 *                and crowded; all inside a private host
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
const inBrowser = (name) => `<rootDir>/packages/master/test/browser/**/${name}`;
const browserTimeLimit = ['<rootDir>/packages/master/test/browser/time-limit.ts'];

const apart = ['\\.(faults|long)\\.test\\.ts$'];

// Loading fast-check before every file costs more than most of them take.
const modelRuns = process.env.PARAVCL_MODEL_RUNS === undefined ? [] : ['<rootDir>/packages/workbench/test/model-runs.ts'];

module.exports = {
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/packages/*/src/**/*.test.ts'], setupFiles: modelRuns },
    { ...shared, displayName: 'integration', testMatch: [withDatabase('*.test.ts')], testPathIgnorePatterns: apart },
    { ...shared, displayName: 'browser', testMatch: [inBrowser('*.test.ts')], testPathIgnorePatterns: apart, setupFilesAfterEnv: browserTimeLimit },
    { ...shared, displayName: 'host', testMatch: onHosts('*.test.ts'), testPathIgnorePatterns: apart },
    { ...shared, displayName: 'long', testMatch: [inBrowser('*.long.test.ts'), ...onHosts('*.long.test.ts')], setupFilesAfterEnv: browserTimeLimit },
    { ...shared, displayName: 'faults', testMatch: [withDatabase('*.faults.test.ts'), ...onHosts('*.faults.test.ts')] },
  ],
};
