import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config-file';
import { tryRules } from './rule-trial';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pv-rules-'));
  file = join(directory, 'master.yaml');
  writeFileSync(file, 'limits: { instancesPerUser: 7 }\ninstances: { maxMinutes: 240 }\n');
});
afterEach(() => rmSync(directory, { recursive: true }));

const tried = (lines: string, environment: Readonly<Record<string, string>> = {}) => tryRules(lines, { file, environment }, loadConfig(file, environment));

test('what would be another is named with both values, and nothing else', () => {
  expect(tried('limits:\n  instancesPerUser: 5\ninstances:\n  maxMinutes: 240\n')).toEqual({ faults: [], changes: [{ option: 'limits.instancesPerUser', now: 7, then: 5 }] });
  expect(tried('')).toEqual({ faults: [], changes: [] });
});

test('it is judged together with what stands in the file, fault by fault', () => {
  expect(tried('instances: { defaultMinutes: 300 }\nlimits: { instancesPerUser: 0, more: 1 }')).toEqual({
    faults: expect.arrayContaining([expect.stringMatching(/^limits\.instancesPerUser: /), 'limits.more: there is no such option.', expect.stringMatching(/^instances: .*maxMinutes/)]) as string[],
    changes: [],
  });
  expect(tried('limits: [')).toMatchObject({ faults: [expect.stringMatching(/^these lines line 1: /)] });
});

test('what was written into the file since the start is among the changes', () => {
  const inForce = loadConfig(file, {});
  writeFileSync(file, 'limits: { instancesPerUser: 9 }\ninstances: { maxMinutes: 240 }\n');
  expect(tryRules('', { file, environment: {} }, inForce).changes).toEqual([{ option: 'limits.instancesPerUser', now: 7, then: 9 }]);
});

test('a variable of the environment stays above them, and a quota that is not set is no limit', () => {
  expect(tried('limits: { instancesPerUser: 5 }', { PARAVCL_MASTER_LIMITS_INSTANCES_PER_USER: '7' }).changes).toEqual([]);
  expect(tried('quotas: { user: { vcpus: 8 } }').changes).toEqual([{ option: 'quotas.user.vcpus', now: null, then: 8 }]);
});

test('nothing about the server itself is tried over the network', () => {
  expect(tried('database: { passwordFile: /etc/shadow }\nlimits: { instancesPerUser: 5 }')).toEqual({ faults: ['database: is no rule of the site. It is set in the file, on the master itself.'], changes: [] });
});
