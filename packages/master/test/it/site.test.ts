import { siteRoutes } from '../../src/http/site-routes';
import { openTestSite, type TestSite } from './test-site';

const details = { name: 'Informatik II', timeZone: 'Europe/Berlin', version: '0.1.0', placementPolicy: 'para', minutes: { min: 60, max: 300, default: 120 }, guests: { vcpus: 1, ramMiB: 512 }, homeMiB: 0 };
const sections = [{ name: 'limits', sentence: 'What one may have.', values: [{ option: 'limits.instancesPerUser', value: 20 }] }];
let site: TestSite;
beforeAll(async () => (site = await openTestSite({ more: ({ unit }) => siteRoutes({ unit, details, policy: { preset: 'default', sections }, tryRules: (lines) => ({ faults: [lines], changes: [] }) }) })));
afterAll(() => site.close());

test('strangers are told whose lab it is and how one comes in, and no more', async () => {
  expect((await site.send('GET', '/site')).body).toEqual({ name: 'Informatik II', needsSetup: false, registrationOpen: false });
  const group = await site.send<{ id: string }>('POST', '/groups', { as: site.people.teacher, body: { name: 'CL II' } });
  await site.send('POST', `/groups/${group.body.id}/enrolment-code`, { as: site.people.teacher });
  expect((await site.send('GET', '/site')).body).toMatchObject({ registrationOpen: true });
  await site.database.db('users').where({ role: 'admin' }).update({ disabled: 1 });
  expect((await site.send('GET', '/site')).body).toMatchObject({ needsSetup: true });
  await site.database.db('users').where({ role: 'admin' }).update({ disabled: 0 });
  expect((await site.send('GET', '/site/details')).status).toBe(401);
});

test('who is logged in is told the rest, and who runs the site its rules', async () => {
  expect((await site.send('GET', '/site/details', { as: site.people.student })).body).toEqual(details);
  expect((await site.send('GET', '/policy', { as: site.people.operator })).body).toEqual({ preset: 'default', sections });
  expect((await site.send('GET', '/policy', { as: site.people.teacher })).status).toBe(403);
});

test('who administers the site tries other rules, and nobody else', async () => {
  const body = { rules: 'limits: { instancesPerUser: 5 }' };
  expect(await site.send('POST', '/policy/trials', { as: site.people.admin, body })).toMatchObject({ status: 200, body: { faults: [body.rules] } });
  for (const as of [site.people.operator, site.people.teacher, site.people.student]) expect((await site.send('POST', '/policy/trials', { as, body })).status).toBe(403);
  expect((await site.send('POST', '/policy/trials', { as: site.people.admin, body: { rules: 'x'.repeat(70_000) } })).status).toBe(400);
});
