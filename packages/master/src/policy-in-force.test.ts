import { getPolicy } from '@paravcl/shared/api/site';
import { configSchema } from './config';
import { policyInForce } from './policy-in-force';

const valuesOf = (written: object): ReadonlyMap<string, unknown> => new Map(policyInForce(configSchema.parse(written)).flatMap(({ values }) => values.map(({ option, value }) => [option, value] as const)));

test('shows defaults, what was written and what the preset laid under it, each by its option', () => {
  const values = valuesOf({ preset: 'report-2014', limits: { instancesPerUser: 7 }, reservations: { groups: { 'CL II': { horizonDays: 30 } } }, quotas: { user: { vcpus: 8 } }, priority: { memberGroups: ['Staff'] } });
  expect(values.get('limits.instancesPerUser')).toBe(7);
  expect(values.get('instances.maxMinutes')).toBe(300);
  expect(values.get('reservations.tomorrowOnly')).toBe(true);
  expect(values.get('reservations.groups.CL II.horizonDays')).toBe(30);
  expect(values.get('quotas.user.vcpus')).toBe(8);
  expect(values.get('quotas.user.instances')).toBeNull();
  expect(values.get('priority.memberGroups')).toEqual(['Staff']);
});

test('is what the route promises, and tells nothing of the server’s files, database or secrets', () => {
  const config = configSchema.parse({
    stateDir: '/secret/state', database: { dsn: 'mysql://me@secret-host/books', passwordFile: '/secret/password' }, mail: { host: 'secret-mail', from: 'lab@school.example', user: 'lab', passwordFile: '/secret/mail' }, metrics: { tokenFile: '/secret/metrics' },
  });
  const answer = { preset: config.preset, sections: [...policyInForce(config)] };
  expect(getPolicy.answer.schema.parse(answer)).toEqual(answer);
  expect(JSON.stringify(answer)).not.toContain('secret');
  for (const { values } of answer.sections) expect(values).not.toEqual([]);
});
