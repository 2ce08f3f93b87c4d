/** People walk through the portal: Chromium, the built portal and master, an agent, and guests of real QEMU. Each test goes on where the one before it ended. */
import { DateTime } from 'luxon';
import { getScreenshot, suspendInstance } from '@paravcl/shared/api/instances';
import { cancelReservation, releaseReservation, requestReservation } from '@paravcl/shared/api/reservations';
import { editUser, listUsers } from '@paravcl/shared/api/users';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { makeUser, type LabUser } from '@paravcl/workbench/lab/make-user';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { screenOf, until, WalkSite, watchStates } from './walk-site';

jest.setTimeout(2 * patienceMs);

/** For what a guest does under emulation on a busy machine. */
const longMs = 60_000;

const site = new WalkSite();
/** Teaches the group. */
let teacher: LabUser;
let enrolmentCode: string;
let groupId: string;
/** The student's. */
let machine: Instance;

beforeAll(() => site.up());
afterAll(() => site.down());
afterEach(() => site.browser.endTest());

const button = ({ page }: Visitor, name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
const shows = ({ page }: Pick<Visitor, 'page'>, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor({ timeout: longMs });
/** The state of a machine or a host, as a label. */
const is = ({ page }: Pick<Visitor, 'page'>, state: string): Promise<void> => page.locator('.pf-v6-c-label__text').getByText(state, { exact: true }).first().waitFor({ timeout: longMs });
/** Who is not logged in is told so. */
const notIn = /^answer 401 GET \S+\/api\/v1\/me$/;

test('the first administrator is made with the setup token, and logs in', async () => {
  const visitor = await site.browser.visit();
  visitor.faults.expect(notIn);
  await visitor.open('/', 'Log in');
  await visitor.page.getByRole('link', { name: 'Set up a new site' }).click();
  await visitor.sees('Set up this site');
  await visitor.page.getByLabel('Setup token').fill(await site.lab.master.setupToken());
  await visitor.page.getByLabel('Your name').fill('Anna of the Lab');
  await visitor.page.getByLabel('User name').fill(site.admin.name);
  await visitor.page.getByLabel('Password').fill(site.admin.password);
  await visitor.screenshot('1-set-up');
  await button(visitor, 'Make the administrator').click();
  await shows(visitor, 'You are the first administrator of this site. Log in.');
  expect(await visitor.page.getByLabel('User name').inputValue()).toBe(site.admin.name);
  await visitor.page.getByLabel('Password').fill(site.admin.password);
  await button(visitor, 'Log in').click();
  await visitor.sees('My machines');
  await visitor.page.getByRole('link', { name: 'Hosts' }).waitFor();
  site.api = await site.lab.master.loginAs(site.admin.name, site.admin.password);
});

test('a host that waits is shown by itself, and is approved by its button', async () => {
  const visitor = await site.browser.visit({ as: site.admin });
  await visitor.open('/slaves', 'Hosts');
  await shows(visitor, 'No host is in the pool yet');
  await site.host.enrol(site.api);
  await site.host.startAgent();
  await is(visitor, 'waits for approval');
  await visitor.screenshot('2-host-waits');
  await button(visitor, 'Approve host-1').click();
  await visitor.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await shows(visitor, 'host-1 takes part.');
  await is(visitor, 'online');
  await visitor.screenshot('2-host-approved');
});

test('a teacher makes a group and the code with which students register', async () => {
  await registerDemoGuest(site.api, await buildDemoGuest());
  teacher = await makeUser(site.lab.master, site.api, { name: 'mira', displayName: 'Mira', role: 'teacher' });
  const visitor = await site.browser.visit({ as: { name: 'mira', password: teacher.password } });
  await visitor.open('/', 'My machines');
  await visitor.page.getByRole('link', { name: 'Groups' }).click();
  await button(visitor, 'New group').click();
  await visitor.page.getByRole('dialog').getByLabel('Name').fill('CL II');
  await button(visitor, 'Make the group').click();
  await visitor.sees('CL II');
  await button(visitor, 'Make a code').click();
  enrolmentCode = await visitor.page.getByRole('textbox', { name: 'Code', exact: true }).inputValue();
  groupId = new URL(visitor.page.url()).pathname.split('/').at(-1) ?? '';
  await visitor.screenshot('3-group');
});

test('a student registers with the code, and logs in', async () => {
  const visitor = await site.browser.visit();
  visitor.faults.expect(notIn);
  await visitor.open('/', 'Log in');
  await visitor.page.getByRole('link', { name: 'Register with a code' }).click();
  await visitor.sees('Register');
  await visitor.page.getByLabel('Enrolment code').fill(enrolmentCode);
  await visitor.page.getByLabel('Your name').fill('Asha');
  await visitor.page.getByLabel('User name').fill(site.student.name);
  await visitor.page.getByLabel('Password').fill(site.student.password);
  await visitor.screenshot('4-register');
  await button(visitor, 'Register and log in').click();
  await visitor.sees('You have no machine yet');
  await visitor.screenshot('4-home');
  await button(visitor, /^Asha: account/).click();
  await visitor.page.getByRole('menuitem', { name: 'Log out' }).click();
  await visitor.sees('Log in');
  await visitor.logInByForm(site.student);
  await visitor.sees('You have no machine yet');
});

test('a machine that is launched comes to run before one’s eyes', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  await visitor.open('/', 'My machines');
  // The same person at home, in another tab.
  const home = { page: await visitor.page.context().newPage() };
  await home.page.goto('/');
  await home.page.getByText('You have no machine yet').waitFor();
  const [seenAtHome, seenHere] = [await watchStates(home), await watchStates(visitor)];
  await visitor.page.getByRole('link', { name: 'Launch your first machine' }).click();
  await visitor.sees('Launch a machine');
  // There is nothing else to launch, so nothing has to be chosen.
  expect(await visitor.page.getByRole('radio', { name: 'Demo' }).isChecked()).toBe(true);
  await shows(visitor, 'There is room: it starts at once.');
  await visitor.screenshot('5-launch');
  await button(visitor, 'Launch Demo').click();
  // The machine's page comes at once, and what the master warns of is said on it, for some seconds.
  await visitor.isTold('It may be suspended for a higher priority.');
  await visitor.page.getByRole('tab', { name: 'Overview' }).waitFor();
  machine = await site.machine();
  await visitor.screenshot('5-under-way');
  await shows(visitor, 'It runs.');
  await is(home, 'running');
  await visitor.screenshot('5-runs');
  machine = await site.machine();
  expect(await seenHere()).toContain('running');
  const seen = await seenAtHome();
  expect(seen.at(-1)).toBe('running');
  // A state that lasts for less than a round trip may be left out.
  expect(seen.filter((word) => ['preparing', 'booting', 'image ready', 'reachable'].includes(word)).length).toBeGreaterThan(0);
  expect(await site.guestPage(machine)).toMatchObject({ id: machine.id, name: machine.name });
});

test('its console shows the guest’s own screen, and what is typed into the serial one is answered by the guest', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  await visitor.open('/', 'My machines');
  await visitor.page.getByText('Open console').click();
  const png = await site.api.call(getScreenshot, { params: { instanceId: machine.id } });
  expect(await screenOf(visitor)).toEqual([png.readUInt32BE(16), png.readUInt32BE(20)]);
  await visitor.screenshot('6-screen');
  await button(visitor, 'Serial console').click();
  const rows = "document.querySelector('.xterm-rows')?.textContent ?? ''";
  await until(visitor, 'the guest to count', `/count \\d+/.test(${rows})`);
  // The guest's terminal gives it back; the page itself writes nothing of it.
  await visitor.page.keyboard.press('Q');
  await until(visitor, 'the key to come back', `(${rows}).includes('Q')`);
  await button(visitor, 'Paste').click();
  await visitor.page.getByRole('dialog').getByRole('textbox').fill('asha was here');
  await visitor.page.getByRole('dialog').getByRole('button', { name: 'Paste', exact: true }).click();
  await until(visitor, 'the text to come back', `(${rows}).includes('asha was here')`);
  await visitor.screenshot('6-serial');
  await eventually('it to be in the log of the guest', patienceMs, async () => ((await site.host.evidence.serialLog(machine.id)).includes('asha was here') ? true : undefined));
});

/** As people write a time of the site. */
const local = (moment: DateTime): string => moment.toFormat("yyyy-MM-dd'T'HH:mm:ss");

test('whose reservation gives way to a stronger one is told so without loading anything', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  await visitor.open('/', 'My machines');
  await visitor.page.getByRole('link', { name: 'Reserve', exact: true }).click();
  await visitor.page.locator('[data-verdict="admitted"]').waitFor({ timeout: longMs });
  await visitor.screenshot('7-reserve');
  await button(visitor, 'Reserve').click();
  await visitor.sees('Reserved');
  await visitor.page.getByRole('link', { name: 'Reservations', exact: true }).click();
  await visitor.sees('Reservations');
  const start = DateTime.fromMillis(site.lab.clock.now(), { zone: site.zone }).plus({ days: 1 }).set({ hour: 10, minute: 0, second: 0 });
  // The whole pool, for a shorter time and with less memory.
  const { reservation } = await teacher.client.call(requestReservation, { body: { start: local(start), minutes: 60, count: 2, vcpus: 1, ramMiB: 64, imageId: machine.imageId ?? '', groupId } });
  await shows(visitor, /Yours moved from .* Keep .*, choose another time, or cancel\./);
  await visitor.screenshot('7-moved');
  await visitor.page.getByRole('button', { name: /^Keep / }).click();
  await visitor.page.getByText(/Yours moved from/).first().waitFor({ state: 'detached' });
  await teacher.client.call(cancelReservation, { params: { reservationId: reservation?.id ?? '' }, body: {} });
});

test('a machine that gives way to a reservation is saved, says for whom, and goes on where it was', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  await visitor.open('/', 'My machines');
  await is(visitor, 'running');
  const [seen, before] = [await watchStates(visitor), await site.guestPage(machine)];
  const start = DateTime.fromMillis(Math.ceil((site.lab.clock.now() + 120_000) / 300_000) * 300_000, { zone: site.zone });
  const { reservation } = await teacher.client.call(requestReservation, { body: { start: local(start), minutes: 60, count: 2, vcpus: 1, ramMiB: 128, imageId: machine.imageId ?? '', groupId } });
  await site.lab.clock.sleepUntil(start.minus({ seconds: 25 }).toJSDate());
  await is(visitor, 'saved');
  await site.lab.clock.sleepUntil(start.toJSDate());
  await shows(visitor, `${machine.name} is saved with everything open, because its room is reserved by CL II from `);
  await visitor.screenshot('8-saved');
  expect(await site.host.evidence.domainState(machine.id)).toBe('shut off');
  expect(await site.host.evidence.hasSavedRam(machine.id)).toBe(true);
  const counted = await site.counted(machine);

  // It would go on by itself when there is room; its person wants to say when.
  await button(visitor, `More for ${machine.name}`).click();
  await visitor.page.getByRole('menuitem', { name: 'Wait no longer' }).click();
  await button(visitor, 'Resume').waitFor();
  await teacher.client.call(releaseReservation, { params: { reservationId: reservation?.id ?? '' } });
  await button(visitor, 'Resume').click();
  await is(visitor, 'running');
  await visitor.screenshot('8-goes-on');
  const after = await site.guestPage(machine);
  expect(after.bootId).toBe(before.bootId);
  expect(after.counter).toBeGreaterThanOrEqual(before.counter);
  await eventually('the guest to count on', patienceMs, async () => ((await site.counted(machine)) > counted ? true : undefined));
  expect(await seen()).toEqual(expect.arrayContaining(['running', 'saved']));
});

test('two people side by side never see each other’s things', async () => {
  const ravi = await makeUser(site.lab.master, site.api, { name: 'ravi', displayName: 'Ravi' });
  const [hers, his] = [await site.browser.visit({ as: site.student }), await site.browser.visit({ as: { name: 'ravi', password: ravi.password } })];
  his.faults.expect(/^answer 404 (GET|POST) /);
  await Promise.all([hers.open('/', 'My machines'), his.open('/', 'You have no machine yet')]);
  await hers.page.getByRole('link', { name: machine.name }).waitFor();
  expect(await his.page.getByText(machine.name).count()).toBe(0);
  for (const end of ['', '/console', '/serial']) {
    await his.open(`/machines/${machine.id}${end}`, 'It is not there');
    expect(await his.page.getByText(machine.name).count()).toBe(0);
    expect(await his.page.locator('canvas, .xterm').count()).toBe(0);
  }
  await his.screenshot('9-not-there');
  await his.open('/reservations', 'Nothing is reserved');
});

test('a session that ends leads to the login page, and from there back', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  visitor.faults.expect(/^answer 401 /);
  await visitor.open(`/machines/${machine.id}?tab=history`, machine.name);
  const { items } = await site.api.call(listUsers, { query: { limit: 200 } });
  const params = { userId: items.find(({ name }) => name === site.student.name)?.id ?? '' };
  // Disabling ends all sessions; nothing is clicked.
  await site.api.call(editUser, { params, body: { disabled: true } });
  await shows(visitor, 'Your session has ended. Log in again; you come back to where you were.');
  await visitor.screenshot('10-session-ended');
  await site.api.call(editUser, { params, body: { disabled: false } });
  await visitor.page.getByLabel('User name').fill(site.student.name);
  await visitor.page.getByLabel('Password').fill(site.student.password);
  await button(visitor, 'Log in').click();
  await visitor.sees(machine.name);
  expect(visitor.page.url()).toBe(`${site.lab.master.url}/machines/${machine.id}?tab=history`);
});

test('while the master is away the page says so, and is live again when it is back', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  visitor.faults.expect(/^request GET .*ERR_(CONNECTION|EMPTY|SOCKET|NETWORK)/, /^console WebSocket connection to /, /^answer 503 /);
  await visitor.open('/', 'My machines');
  await is(visitor, 'running');
  const seen = await watchStates(visitor);
  site.lab.master.process.kill('SIGKILL');
  await shows(visitor, 'The master cannot be reached: what you see may be old. It is tried again by itself.');
  await visitor.screenshot('11-master-away');
  await site.lab.master.start();
  await visitor.page.getByText(/^The master cannot be reached/).waitFor({ state: 'detached', timeout: longMs });
  site.api = await site.lab.master.loginAs(site.admin.name, site.admin.password);
  await eventually('the agent to be back', patienceMs, () => site.api.call(suspendInstance, { params: { instanceId: machine.id } }).catch(() => undefined));
  await is(visitor, 'saved');
  await button(visitor, 'Resume').click();
  await is(visitor, 'running');
  expect(await seen()).toEqual(expect.arrayContaining(['running', 'saved']));
});

test('a console whose agent is killed says what happens, and comes back by itself', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  visitor.faults.expect(/^answer (409|503) POST \S+\/console-tickets$/);
  await visitor.open(`/machines/${machine.id}/console`, machine.name);
  await screenOf(visitor);
  site.host.agent.kill('SIGKILL');
  const message = visitor.page.locator('.pv-console-message');
  await message.getByRole('heading').waitFor();
  const said = await message.innerText();
  await visitor.screenshot('12-agent-gone');
  expect(said).toContain(machine.name);
  await site.host.startAgent();
  await screenOf(visitor);
  await visitor.screenshot('12-back');
  expect(await site.host.evidence.domainState(machine.id)).toBe('running');
});
