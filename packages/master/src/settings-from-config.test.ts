import { configSchema } from './config';
import { placementPolicies } from './core/rank';
import { defaultParticipation, defaultPriority, defaultQuotas, defaultReservations, defaultScheduling, noQuota, rulesOf } from './services/instance-settings';
import { settingsFromConfig } from './settings-from-config';

const settings = (written: object) => settingsFromConfig(configSchema.parse(written));

test('an empty configuration gives the defaults that tests and parts rely on', () => {
  expect(settings({})).toMatchObject({
    scheduling: defaultScheduling,
    priority: defaultPriority,
    reservations: defaultReservations,
    participation: defaultParticipation,
    quotas: defaultQuotas,
    userNames: 'any',
    mail: null,
    housekeeping: { decisionsMs: 90 * 86_400_000, decisionInputsMs: 14 * 86_400_000, noticesMs: 90 * 86_400_000 },
  });
});

test('what decisions were made of is kept no longer than the decisions', () => {
  expect(settings({ retention: { decisionsDays: 7 } }).housekeeping.decisionInputsMs).toBe(7 * 86_400_000);
  expect(settings({ retention: { decisionsDays: 400, decisionInputsDays: 400 } }).housekeeping.decisionInputsMs).toBe(400 * 86_400_000);
});

test('unused instances go after the days that are set, and null or 0 is never', () => {
  const dayMs = 86_400_000;
  expect(settings({}).instances.aging).toEqual({ suspendedMs: 60 * dayMs, stoppedMs: 90 * dayMs, noticeMs: 7 * dayMs, recycleMs: 7 * dayMs });
  const never = { suspendedDays: 0, stoppedDays: null, noticeDays: null, recycleDays: 0 };
  expect(settings({ retention: { instances: never } }).instances.aging).toEqual({ suspendedMs: null, stoppedMs: null, noticeMs: 0, recycleMs: null });
});

test('a notice that would come before anything lies unused is refused', () => {
  expect(() => settings({ retention: { instances: { suspendedDays: 7 } } })).toThrow(/noticeDays must be below suspendedDays/);
  expect(() => settings({ retention: { instances: { stoppedDays: 3, suspendedDays: null } } })).toThrow(/noticeDays must be below stoppedDays/);
});

test('the policies are those that are named', () => {
  const { scheduling } = settings({ placement: { policy: 'spread', ordering: 'fifo' } });
  expect(scheduling.placement).toBe(placementPolicies.spread);
  expect(scheduling.ordering.name).toBe('fifo');
});

test('what is planned ahead reaches to the end of the last day that anybody may reserve', () => {
  expect(settings({ reservations: { horizonDays: 7, groups: { 'CL II': { horizonDays: 30 } } } }).scheduling.rules.horizonMs).toBe(31 * 86_400_000);
});

test('rules come in minutes since midnight and in the zone of the site', () => {
  expect(settings({ preset: 'report-2014', site: { timeZone: 'Asia/Manila' } }).reservations.rules).toEqual({
    ...defaultReservations.rules,
    timeZone: 'Asia/Manila',
    opensAtMinute: 9 * 60,
    closesAtMinute: 21 * 60,
    latestStartMinute: 17 * 60,
    firstDay: 1,
    lastDay: 1,
  });
});

test('a group has the site\'s rules for what it does not name', () => {
  const { reservations } = settings({ reservations: { mostOpen: 5, groups: { 'CL II': { maxHours: 8 } } } });
  expect(rulesOf('CL II', reservations)).toEqual({ ...reservations.rules, maxMinutes: 480 });
  expect(rulesOf('Physics', reservations)).toBe(reservations.rules);
  expect(rulesOf(null, reservations)).toBe(reservations.rules);
});

test('a group has every group\'s limits for what it does not name, and null lifts one', () => {
  const { quotas } = settings({ quotas: { user: { instances: 3 }, group: { vcpus: 32, ramMiB: 65_536 }, groups: { 'CL II': { vcpus: null, diskMiB: 0 } } } });
  expect(quotas.user).toEqual({ ...noQuota, instances: 3 });
  expect(quotas.group).toEqual({ ...noQuota, vcpus: 32, ramMiB: 65_536 });
  expect(quotas.groups.get('CL II')).toEqual({ ...noQuota, ramMiB: 65_536, diskMiB: 0 });
});

test('mails lead to the address people know', () => {
  const mail = { host: 'mail.school.example', from: 'lab@school.example' };
  expect(settings({ publicUrl: 'https://lab.example/', mail }).mail).toEqual({ ...mail, port: 587, secure: false, baseUrl: 'https://lab.example' });
});
