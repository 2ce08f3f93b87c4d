/** People walk through the portal: Chromium, the built portal and master, an agent, and guests of real QEMU. Each test goes on where the one before it ended. */
import { getScreenshot } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { makeUser, type LabUser } from '@paravcl/workbench/lab/make-user';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { screenOf, until, WalkSite, watchStates } from './walk-site';

jest.setTimeout(2 * patienceMs);

/** For what a guest does under emulation on a busy machine. */
const longMs = 60_000;

const site = new WalkSite();
/** Teaches the group. */
let teacher: LabUser;
let enrolmentCode: string;
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
  await shows(visitor, 'There is room: it starts at once.');
  await visitor.screenshot('5-launch');
  await button(visitor, 'Launch Demo').click();
  await visitor.page.getByRole('list', { name: 'How far it is' }).waitFor();
  await visitor.screenshot('5-under-way');
  await shows(visitor, 'It runs.');
  await is(home, 'running');
  await visitor.screenshot('5-runs');
  machine = await site.machine();
  for (const seen of [await seenHere(), await seenAtHome()]) {
    expect(seen.at(-1)).toBe('running');
    // A state that lasts for less than a round trip may be left out.
    expect(seen.filter((word) => ['preparing', 'booting', 'image ready', 'reachable'].includes(word)).length).toBeGreaterThan(0);
  }
  expect(await site.guestPage(machine)).toMatchObject({ id: machine.id, name: machine.name });
});

test('its console shows the guest’s own screen, and what is typed into the serial one is answered by the guest', async () => {
  const visitor = await site.browser.visit({ as: site.student });
  await visitor.open('/', 'My machines');
  await visitor.page.getByRole('link', { name: 'Open console' }).click();
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
