import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { configSchema } from './config';
import { ConfigError, loadConfig } from './config-file';

const faultsOf = (settings: object): readonly string[] =>
  (configSchema.safeParse(settings).error?.issues ?? []).map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);

test('without a word the policies of the report hold, with the defaults of the definitions', () => {
  expect(configSchema.parse({})).toMatchObject({
    preset: 'default',
    placement: { policy: 'para', ordering: 'para' },
    priority: { weight: 0.2, leastRamMiB: 1, leastMinutes: 1, memberGroups: [], aging: { perHour: 0.2 }, usage: { userWeight: 0, groupWeight: 0, halfLifeDays: 7 } },
    preemption: { perDay: 2, shortestLoanMinutes: 5, saveSafety: 2, saveOverheadSeconds: 10 },
    reservations: {
      opensAt: '08:00', closesAt: '22:00', stepMinutes: 60, minHours: 1, maxHours: 4, horizonDays: 14, tomorrowOnly: false, mostOpen: 3, moveSteps: 1,
      noShowGraceMinutes: 15, groups: {},
    },
    participation: { mode: 'off', optOuts: 2, pledgeHours: 24 },
    quotas: { user: {}, group: {}, groups: {} },
    people: { userNames: 'any' },
  });
  expect(configSchema.parse({}).mail).toBeUndefined();
});

test('what docs/operations.md shows can be written, and holds the defaults but for its examples', () => {
  const text = readFileSync(join(__dirname, '../../../docs/operations.md'), 'utf8');
  const written = parse(/^```\n(preset: default[^]*?)^```$/m.exec(text)?.[1] ?? '') as object;
  const { mail, quotas, reservations, ...rest } = configSchema.parse(written);
  const defaults = configSchema.parse({});
  expect({ ...rest, reservations: { ...reservations, groups: {}, latestStart: undefined } }).toEqual({ ...rest, ...defaults, quotas: undefined });
  expect([mail?.port, quotas.groups['CL II'], Object.keys(reservations.groups)]).toEqual([587, { vcpus: null, instances: 40 }, ['CL II']]);
});

test.each(['para', 'least-loaded', 'round-robin', 'greedy', 'spread', 'module:/etc/paravcl/policy.js'])('the placement policy %s can be chosen', (policy) => {
  expect(configSchema.parse({ placement: { policy } }).placement.policy).toBe(policy);
});

test.each(['least-used-cores', 'module:policy.js', 'module:', '', 7])('the placement policy %p is refused with those there are', (policy) => {
  expect(faultsOf({ placement: { policy } })).toEqual([
    'placement.policy: must be one of para, least-loaded, round-robin, greedy, spread, or module:/absolute/path/policy.js',
  ]);
});

describe('reservation rules that nobody could follow are refused', () => {
  test.each<[object, string]>([
    [{ opensAt: '22:00', closesAt: '08:00' }, 'closesAt (08:00) must be after opensAt (22:00)'],
    [{ stepMinutes: 50, minHours: 5 / 6, maxHours: 5 / 3 }, 'stepMinutes (50) must divide the day evenly, as 15, 20, 30 or 60 do'],
    [{ minHours: 3, maxHours: 2 }, 'maxHours (2) must not be below minHours (3)'],
    [{ minHours: 0.5 }, 'minHours (0.5) must be whole steps of 60 minutes'],
    [{ maxHours: 1.5 }, 'maxHours (1.5) must be whole steps of 60 minutes'],
    [{ opensAt: '08:30', closesAt: '09:45' }, 'no reservation of minHours (1) fits between 08:30 and 09:45 with starts at whole steps of 60 minutes'],
    [{ latestStart: '07:00' }, 'no reservation of minHours (1) fits between 08:00 and 22:00 with starts at whole steps of 60 minutes and a latestStart of 07:00'],
  ])('%j', (reservations, fault) => {
    expect(faultsOf({ reservations })).toContain(`reservations: ${fault}`);
  });

  test('a time that is none is told with what one looks like', () => {
    expect(faultsOf({ reservations: { opensAt: '8:00', closesAt: 22 } })).toEqual([
      'reservations.opensAt: must be a time of day from "00:00" to "24:00"',
      'reservations.closesAt: must be a time of day in quotes, such as "08:00"',
    ]);
  });

  test('those of a group are judged together with what it takes from the site, and named by the group', () => {
    expect(faultsOf({ reservations: { groups: { 'CL II': { opensAt: '23:00' }, Physics: { closesAt: '24:00' } } } })).toEqual([
      'reservations.groups.CL II: closesAt (22:00) must be after opensAt (23:00)',
    ]);
    expect(faultsOf({ reservations: { groups: { 'CL II': { noShowGraceMinutes: 5 } } } })).toHaveLength(1);
  });

  test('what is wrong for everybody is told once', () => {
    expect(faultsOf({ reservations: { minHours: 9, groups: { 'CL II': { mostOpen: 10 } } } })).toEqual(['reservations: maxHours (4) must not be below minHours (9)']);
  });
});

test('several faults of several sections come at once', () => {
  const faults = faultsOf({
    priority: { weight: 0 },
    preemption: { saveSafety: 0.5 },
    reservations: { closesAt: '07:00' },
    participation: { mode: 'maybe' },
    quotas: { user: { vcpus: -1 }, groups: { '': { vcpus: 1 } } },
    mail: { host: 'mail.school.example', from: 'nobody', user: 'paravcl' },
  });
  for (const start of ['priority.weight', 'preemption.saveSafety', 'reservations', 'participation.mode', 'quotas.user.vcpus', 'quotas.groups', 'mail.from']) {
    expect(faults).toEqual(expect.arrayContaining([expect.stringContaining(`${start}`)]));
  }
});

test('a mail server wants user and password file together, and takes an address with a name', () => {
  const mail = { host: 'mail.school.example', from: 'ParaVCL <lab@school.example>' };
  expect(configSchema.parse({ mail }).mail).toEqual({ ...mail, port: 587, secure: false });
  expect(faultsOf({ mail: { ...mail, user: 'paravcl' } })).toEqual(['mail: user and passwordFile go together: set both or none']);
});

describe('the preset report-2014', () => {
  test('reserves for tomorrow, from 09 to 17 o\'clock for one to four hours, for alphabetic names, and warns who lends nothing', () => {
    expect(configSchema.parse({ preset: 'report-2014' })).toMatchObject({
      reservations: { tomorrowOnly: true, opensAt: '09:00', latestStart: '17:00', closesAt: '21:00', minHours: 1, maxHours: 4, stepMinutes: 60 },
      people: { userNames: 'alphabetic' },
      participation: { mode: 'warn', optOuts: 2 },
    });
  });

  test('gives way to what is written beside it', () => {
    const written = { reservations: { closesAt: '20:00', latestStart: '16:00' }, participation: { mode: 'off' } };
    expect(configSchema.parse({ preset: 'report-2014', ...written })).toMatchObject({ ...written, reservations: { ...written.reservations, tomorrowOnly: true, opensAt: '09:00' } });
  });

  test('gives way to the environment too, and can be chosen there', () => {
    const config = loadConfig(null, { PARAVCL_MASTER_PRESET: 'report-2014', PARAVCL_MASTER_RESERVATIONS_TOMORROW_ONLY: 'false', PARAVCL_MASTER_PEOPLE_USER_NAMES: 'any' });
    expect(config).toMatchObject({ reservations: { tomorrowOnly: false, opensAt: '09:00' }, people: { userNames: 'any' } });
  });

  test('is refused under a name there is not, without hiding other faults', () => {
    expect(faultsOf({ preset: 'report-2015', reservations: { closesAt: '07:00' } }).map((fault) => fault.split(':')[0])).toEqual(['preset', 'reservations']);
  });

  test('leaves a section of the wrong kind to be found fault with', () => {
    expect(faultsOf({ preset: 'report-2014', reservations: [] })).toEqual([expect.stringMatching(/^reservations: /)]);
  });
});

describe('in the environment', () => {
  test('every option of one value has its variable', () => {
    const config = loadConfig(null, {
      PARAVCL_MASTER_PLACEMENT_POLICY: 'module:/etc/paravcl/policy.js',
      PARAVCL_MASTER_PLACEMENT_ORDERING: 'fifo',
      PARAVCL_MASTER_PRIORITY_LEAST_RAM_MIB: '256',
      PARAVCL_MASTER_PRIORITY_MEMBER_GROUPS: '[Staff, "CL II"]',
      PARAVCL_MASTER_RESERVATIONS_OPENS_AT: '07:30',
      PARAVCL_MASTER_QUOTAS_USER_RAM_MIB: '4096',
      PARAVCL_MASTER_QUOTAS_GROUP_VCPUS: 'null',
      PARAVCL_MASTER_MAIL_HOST: 'mail.school.example',
      PARAVCL_MASTER_MAIL_FROM: 'lab@school.example',
      PARAVCL_MASTER_RETENTION_DECISIONS_DAYS: '30',
      PARAVCL_MASTER_RETENTION_INSTANCES_STOPPED_DAYS: '30',
      PARAVCL_MASTER_RETENTION_INSTANCES_SUSPENDED_DAYS: 'null',
    });
    expect(config).toMatchObject({
      placement: { policy: 'module:/etc/paravcl/policy.js', ordering: 'fifo' },
      priority: { leastRamMiB: 256, memberGroups: ['Staff', 'CL II'] },
      reservations: { opensAt: '07:30' },
      quotas: { user: { ramMiB: 4096 }, group: { vcpus: null } },
      mail: { host: 'mail.school.example', from: 'lab@school.example' },
      retention: { decisionsDays: 30, instances: { suspendedDays: null, stoppedDays: 30, noticeDays: 7, recycleDays: 7 } },
    });
  });

  test('what groups have of their own is one variable, and a variable for one group is refused with that way out', () => {
    const config = loadConfig(null, { PARAVCL_MASTER_RESERVATIONS_GROUPS: '{"CL II": {"mostOpen": 10}}' });
    expect(config.reservations.groups).toEqual({ 'CL II': { mostOpen: 10 } });
    const load = () => loadConfig(null, { PARAVCL_MASTER_RESERVATIONS_GROUPS_CL_II_MOST_OPEN: '10' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/PARAVCL_MASTER_RESERVATIONS_GROUPS='\{"name of the group": \{…\}\}'/);
  });
});
