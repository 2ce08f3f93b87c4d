import { createInstance } from '@paravcl/shared/api/instances';
import { listJoinTokens, revokeJoinToken } from '@paravcl/shared/api/join-tokens';
import { requestReservation } from '@paravcl/shared/api/reservations';
import { getSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { AgentDouble } from '../it/agent-double';
import { look, looks, openAsAdmin } from './admin-look';
import { portalSite, type PortalSite } from './portal-site';
import { connectHost, joinedHost } from './second-host';

let site: PortalSite;
let browser: TestBrowser;
/** The student's, on the site's own host. */
let machine: Instance;
/** A second host, that comes and goes. */
let host: AgentDouble;

beforeAll(async () => {
  // A host that is silent is lost while one looks on.
  site = await portalSite({ config: { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 5 } } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'hosts' });
  const { instance } = await site.student.client.call(createInstance, { body: { imageId: site.image.id, name: 'sorting' } });
  machine = await instanceWhere(site.student.client, instance.id, 'it to run', ({ observed }) => observed === 'running');
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

const admin = (path: string, heading: string | RegExp): Promise<Visitor> => openAsAdmin(browser, site, path, heading);

test('a token for somebody’s own machine is made for that person', async () => {
  const { page } = await admin('/slaves/join', 'Add a host');
  expect(await page.locator('#join-owner').count()).toBe(0);
  await page.locator('#join-kind').selectOption('volunteer');
  await page.locator('#join-owner').selectOption(site.student.id);
  await page.getByRole('button', { name: 'Make the token' }).click();
  await page.getByLabel('The token it asks for').waitFor();
  const { items: [made] } = await site.admin.client.call(listJoinTokens, { query: { limit: 1 } });
  expect(made).toMatchObject({ kind: 'volunteer', ownerUserId: site.student.id });
  await site.admin.client.call(revokeJoinToken, { params: { joinTokenId: made?.id ?? '' } });
});

test('who there is cannot be read: that is told where the owner is chosen, and tried again there', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  visitor.faults.expect(/^answer 500 GET \S+\/users\?/);
  const users = /\/api\/v1\/users\?/;
  await page.route(users, (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Fault of the master', status: 500, code: 'internal', detail: 'The master lost its database.' }) }));
  await page.locator('#join-kind').selectOption('volunteer');
  await page.locator('#join-owner-said').getByText('Who there is could not be read: The master lost its database.').waitFor();
  expect([await page.locator('#join-owner').getAttribute('aria-describedby'), await page.locator('#join-owner option').allInnerTexts()]).toEqual(['join-owner-said', ['yours']]);
  await visitor.checkAccessibility();
  await page.unroute(users);
  await page.locator('#join-owner-said').getByRole('button', { name: 'Try again' }).click();
  await page.locator('#join-owner').selectOption(site.student.id);
  expect(await page.locator('#join-owner-said').count()).toBe(0);
});

test('a host joins with the command that is shown once, and takes part when it is approved', async () => {
  const visitor = await admin('/slaves', 'Hosts');
  const { page } = visitor;
  await page.getByRole('link', { name: 'Add a host' }).click();
  await visitor.sees('Add a host');
  await page.getByLabel('Note').fill('x'.repeat(300));
  visitor.faults.expect(/^answer 400 POST \S+\/join-tokens$/);
  await page.getByRole('button', { name: 'Make the token' }).click();
  await page.getByText(/at most \d+ characters/).waitFor();
  await page.getByLabel('Note').fill('lab PC 8');
  await page.getByRole('button', { name: 'Make the token' }).click();
  expect(await page.getByLabel('The command for the new machine').inputValue()).toMatch(new RegExp(`^\\(cd "\\$\\(mktemp -d\\)" && curl -q -kfsS ${site.url}/join\\.sh -o join\\.sh && echo '[0-9a-f]{64}  join\\.sh' \\| sha256sum -c --quiet && sh join\\.sh\\)$`));
  const token = await page.getByLabel('The token it asks for').inputValue();
  await visitor.checkAccessibility();
  await visitor.screenshot('join-one-line');
  await page.getByRole('button', { name: 'The agent is already installed there' }).click();
  const command = await page.getByLabel('The command for a machine with the agent').innerText();
  expect(command.split('\n')).toEqual([`paravcl-slave enrol --master ${site.url} --token-file - <<'TOKEN'`, token, 'TOKEN']);
  await visitor.checkAccessibility();
  await visitor.screenshot('join-command');

  host = await joinedHost(site, 'lab-pc-08', command.split('\n')[1] ?? '');
  await connectHost(host);
  await page.getByRole('link', { name: 'Hosts' }).first().click();
  await visitor.sees('Hosts');
  await page.getByRole('button', { name: 'Approve lab-pc-08' }).click();
  await page.getByText('It says of itself: lab-pc-07 at 127.0.0.1, 4 cores, 8 GiB RAM. KVM ran a guest').waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await page.getByText('lab-pc-08 takes part.').waitFor();
  await page.getByRole('button', { name: 'Approve lab-pc-08' }).waitFor({ state: 'detached' });
  expect(await site.admin.client.call(getSlave, { params: { slaveId: host.slaveId } })).toMatchObject({ admission: 'approved', kind: 'dedicated' });
  await page.getByLabel('Name or address').fill('pc-08');
  await page.getByRole('link', { name: site.slave.name }).waitFor({ state: 'detached' });
});

test('a token that is out is revoked after a question', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  await page.getByLabel('Note').fill('for nobody');
  await page.getByRole('button', { name: 'Make the token' }).click();
  await page.getByRole('button', { name: 'Revoke for nobody' }).click();
  await page.getByText('No machine can join with it any more. Machines that have joined stay.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('row', { name: /for nobody/ }).getByText('revoked').waitFor();
  await page.getByRole('row', { name: /lab PC 8/ }).getByText('used', { exact: true }).waitFor();
});

test('a host that comes back with another identity is kept out, says why, and is looked at before it is let in', async () => {
  const visitor = await admin(`/slaves/${host.slaveId}`, 'lab-pc-08');
  const { page } = visitor;
  await page.getByText(/online, KVM works/).waitFor();
  await host.end();
  const moved = host.copy({ machineId: '0'.repeat(32) });
  moved.epoch += 1;
  await moved.greet();
  await moved.expect('refused');
  await moved.end();
  await page.getByText(/machine id/).first().waitFor();
  await page.getByText('quarantined', { exact: true }).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('quarantined');
  await page.getByRole('button', { name: 'Approve lab-pc-08' }).click();
  await page.getByLabel('Adopt the identity that it shows now').check();
  await visitor.checkAccessibility();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await page.getByText('lab-pc-08 takes part.').waitFor();
  host = moved.copy();
  host.epoch += 1;
  await connectHost(host);
  await page.getByText(/online, KVM works/).waitFor();
});

test('a host is named anew, drained, and given machines again', async () => {
  const visitor = await admin(`/slaves/${site.slave.id}`, site.slave.name);
  const { page } = visitor;
  await page.getByRole('link', { name: machine.name }).waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  const name = page.getByLabel('Name');
  await name.fill('lab-pc-08');
  visitor.faults.expect(/^answer 409 PATCH \S+\/slaves\/\S+$/);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByText(/lab-pc-08/).waitFor();
  await visitor.checkAccessibility();
  await name.fill('lab-pc-07b');
  await page.getByRole('button', { name: 'Save' }).click();
  await visitor.sees('lab-pc-07b');

  await page.getByRole('button', { name: 'Drain' }).click();
  await page.getByText('lab-pc-07b keeps what it has and is given nothing new.').waitFor();
  await page.getByText('draining', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Give it machines again' }).click();
  await page.getByText('lab-pc-07b is given machines again.').waitFor();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  expect((await site.admin.client.call(getSlave, { params: { slaveId: site.slave.id } })).admission).toBe('approved');

  // Its machine leads to its own page.
  await page.getByRole('link', { name: machine.name }).click();
  await visitor.sees(machine.name);
});

test('a host with machines on it is not retired by mistake', async () => {
  const visitor = await admin(`/slaves/${site.slave.id}`, 'lab-pc-07b');
  visitor.faults.expect(/^answer 409 POST \S+\/retire$/);
  const { page } = visitor;
  await page.getByRole('button', { name: 'Retire' }).click();
  await page.getByText('It leaves the pool and its key is refused').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Retire' }).click();
  await page.getByRole('dialog').getByText(/Evacuate it first/).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('not-retired');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  expect((await site.admin.client.call(getSlave, { params: { slaveId: site.slave.id } })).admission).toBe('approved');
});

test('the pool says who holds what, as a calendar and as a list', async () => {
  // Tomorrow at ten, in UTC as the site.
  const start = (Math.floor(Date.now() / 86_400_000) + 1) * 86_400_000 + 10 * 3_600_000;
  await site.teacher.client.call(requestReservation, { body: { start: new Date(start).toISOString(), end: new Date(start + 7_200_000).toISOString(), count: 1, imageId: site.image.id, vcpus: 1, ramMiB: 64 } });
  const visitor = await admin('/pool', 'Pool');
  const { page } = visitor;
  await page.getByRole('link', { name: new RegExp(`^${machine.name} of .*: 1 core, 128 MiB`) }).waitFor();
  await page.getByLabel('How far ahead').selectOption({ label: '3 days' });
  await page.getByRole('link', { name: /^reserved by .*, 1 machine: 1 core, 64 MiB/ }).waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('button', { name: 'List' }).click();
  await page.getByRole('link', { name: /^reserved by .*, 1 machine$/ }).waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('link', { name: new RegExp(`^${machine.name} of `) }).click();
  await visitor.sees(machine.name);
});

test('a host that is out of reach is declared dead by who types its name, and retired', async () => {
  const visitor = await admin(`/slaves/${host.slaveId}`, 'lab-pc-08');
  const { page } = visitor;
  await host.end();
  await page.getByText('out of reach', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Declare dead' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Type its name/).fill('lab-pc-07');
  expect(await dialog.getByRole('button', { name: 'Declare dead' }).isDisabled()).toBe(true);
  await visitor.checkAccessibility();
  await visitor.screenshot('declare-dead');
  await dialog.getByLabel(/^Type its name/).fill('lab-pc-08');
  await dialog.getByRole('button', { name: 'Declare dead' }).click();
  await page.getByText('lab-pc-08 is declared dead.').waitFor();
  await page.getByRole('button', { name: 'Retire' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retire' }).click();
  await page.getByText('lab-pc-08 has left the pool.').waitFor();
  await visitor.sees(/^lab-pc-08 \(retired/);
  expect((await site.admin.client.call(getSlave, { params: { slaveId: host.slaveId } })).admission).toBe('retired');
});

test('events are narrowed by kind, by time and by what they are of', async () => {
  const visitor = await admin(`/slaves/${host.slaveId}`, /^lab-pc-08/);
  const { page } = visitor;
  await page.getByRole('link', { name: 'What happened to it' }).click();
  await visitor.sees('Events');
  await page.getByText('Only what happened to one thing is shown.').waitFor();
  await page.getByText(/lab-pc-08 is quarantined\./).waitFor();
  expect(await page.getByRole('row', { name: /sorting/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Show everything' }).click();
  await page.getByRole('row', { name: /sorting/ }).first().waitFor();
  await page.getByLabel('Kind').selectOption({ label: 'join tokens' });
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('admin revoked a join token for a dedicated host.').waitFor();
  await page.getByRole('row', { name: /sorting/ }).first().waitFor({ state: 'detached' });
  expect(new URL(page.url()).searchParams.get('kind')).toBe('join-token.');
  await page.getByLabel('To', { exact: true }).fill('2026-01-01T00:00');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await visitor.sees('Nothing like that happened');
  await visitor.checkAccessibility();
});

test('the rules are those in force, each with its option, and others are tried before they are set', async () => {
  const visitor = await admin('/policy', 'Rules');
  const { page } = visitor;
  await page.getByRole('row', { name: /fleet\.lostAfterSeconds 5$/ }).waitFor();
  const lines = page.getByRole('textbox', { name: 'Lines' });
  await lines.fill('limits: { instancesPerUser: 0 }\ndatabase: { dsn: x }');
  await page.getByRole('button', { name: 'Check them' }).click();
  await page.getByText('database: is no rule of the site.').waitFor();
  await visitor.checkAccessibility();
  await lines.fill('limits: { instancesPerUser: 5 }');
  await page.getByRole('button', { name: 'Check them' }).click();
  await page.getByRole('row', { name: 'limits.instancesPerUser 20 5' }).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('rules-tried');
});

test.each(looks)('the pages of hosts fit a window of %d pixels, %s', async (width, colorScheme) => {
  const visitor = await browser.visit({ as: site.admin, width, colorScheme });
  for (const [name, path, heading] of [
    ['hosts', '/slaves', 'Hosts'], ['join', '/slaves/join', 'Add a host'], ['host', `/slaves/${site.slave.id}`, 'lab-pc-07b'], ['retired', `/slaves/${host.slaveId}`, /^lab-pc-08/],
    ['pool', '/pool', 'Pool'], ['events', '/events', 'Events'], ['rules', '/policy', 'fleet'],
  ] as const) {
    await visitor.open(path, heading);
    await look(visitor, `${name}-${String(width)}-${colorScheme}`);
  }
});
