import { createInstance } from '@paravcl/shared/api/instances';
import { requestReservation } from '@paravcl/shared/api/reservations';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { portalSite, type PortalSite, type SitePerson } from './portal-site';

const minuteMs = 60_000;

let site: PortalSite;
let browser: TestBrowser;
/** Has a machine reserved that opens within two minutes of the beginning. */
let clara: SitePerson;

beforeAll(async () => {
  site = await portalSite({
    config: {
      // The simulated host has the cores of this machine.
      placement: { coreOvercommit: 4 },
      participation: { mode: 'warn', optOuts: 1 },
      reservations: { opensAt: '00:00', closesAt: '24:00', stepMinutes: 1 },
    },
  });
  clara = await site.person('clara', 'student');
  const start = Math.ceil((Date.now() + minuteMs / 4) / minuteMs) * minuteMs;
  await clara.client.call(requestReservation, { body: { start: new Date(start).toISOString(), end: new Date(start + 60 * minuteMs).toISOString(), count: 1, imageId: site.image.id, vcpus: 1, ramMiB: 128 } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'everyday' });
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

/** A guest that is not there any more, or not yet, has no screen. */
function expectNoScreens(visitor: Visitor): void {
  visitor.faults.expect(/^answer \d+ GET \S+\/screenshot$/);
}

test('who comes without a session logs in, and is where they wanted to go', async () => {
  const visitor = await browser.visit();
  visitor.faults.expect(/^answer 401 GET \S+\/me$/);
  await visitor.open('/account', 'Log in');
  // Nobody was logged in here, so no session has ended.
  expect(await visitor.page.getByText('Your session has ended').count()).toBe(0);
  await visitor.checkAccessibility();
  await visitor.page.getByLabel('User name').fill(site.student.name);
  await visitor.page.getByLabel('Password').fill(site.student.password);
  await visitor.page.getByRole('button', { name: 'Log in' }).click();
  await visitor.page.getByRole('heading', { level: 1, name: 'My account' }).waitFor();
  await visitor.checkAccessibility();
});

test('a student launches a first machine, saves it, resumes it and deletes it', async () => {
  const visitor = await browser.visit({ as: site.student });
  expectNoScreens(visitor);
  const { page } = visitor;
  await visitor.open('/', 'My machines');
  await page.getByText('You have no machine yet').waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('link', { name: 'Launch your first machine' }).click();
  await page.getByRole('radio', { name: site.template.name }).click({ force: true });
  await page.getByText('There is room').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('my-first');
  await visitor.checkAccessibility();
  await page.getByRole('button', { name: `Launch ${site.template.name}` }).click();
  // It is the machine's page at once; what the master warns of is said there, for some seconds.
  await visitor.isTold('It may be suspended for a higher priority.');
  await visitor.sees(/my-first/);
  await page.getByRole('link', { name: 'Open console' }).waitFor();
  await visitor.checkAccessibility();

  const menu = page.getByRole('button', { name: 'More for my-first' });
  await menu.click();
  await page.getByRole('menuitem', { name: 'Save and suspend' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('link', { name: 'Open console' }).waitFor();

  await menu.click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByText('nobody can bring them back').waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('It is gone, and nothing of it is left.').waitFor();
});

test('a machine is kept in a snapshot, and reset to its image', async () => {
  const petra = await site.person('petra', 'student');
  const { instance } = await petra.client.call(createInstance, { body: { templateId: site.template.id, name: 'kept' } });
  const visitor = await browser.visit({ as: petra });
  expectNoScreens(visitor);
  const { page } = visitor;
  const choose = async (verb: string): Promise<void> => {
    await page.getByRole('button', { name: 'More for kept' }).click();
    await page.getByRole('menuitem', { name: verb }).click();
  };
  await visitor.open(`/machines/${instance.id}`, 'kept');
  await page.getByText('It runs.').waitFor();
  await choose('Take a snapshot');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('before-lab');
  await visitor.checkAccessibility();
  await dialog.getByRole('button', { name: 'Take a snapshot' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('tab', { name: 'Snapshots' }).click();
  const kept = page.getByRole('row').filter({ hasText: 'before-lab' });
  await kept.locator('button:enabled', { hasText: 'Go back to it' }).waitFor();

  await choose('Reset to the image');
  await dialog.getByText('Everything on its disk and everything that is open is lost.').waitFor();
  await dialog.getByRole('button', { name: 'Reset to the image' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('row').filter({ hasText: 'running' }).nth(1).waitFor();
  await page.getByText('It runs.').waitFor();
  // What was kept outlives it.
  await page.getByRole('tab', { name: 'Snapshots' }).click();
  await kept.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await visitor.sees('Nothing is kept of it');
});

test('who never lends a machine is told what that costs, promises one, and is shown once how it becomes a host', async () => {
  const paul = await site.person('paul', 'student');
  await paul.client.call(createInstance, { body: { templateId: site.template.id } });
  const visitor = await browser.visit({ as: paul });
  expectNoScreens(visitor);
  const { page } = visitor;
  await visitor.open(`/launch?template=${site.template.id}`, 'Launch a machine');
  const cost = page.getByText('You would have asked twice without a machine of your own in the pool');
  await cost.waitFor();
  await page.getByLabel('My own machine joins the pool meanwhile').check();
  await cost.waitFor({ state: 'detached' });
  await page.getByLabel('Name', { exact: true }).fill('promised');
  await page.getByRole('button', { name: `Launch ${site.template.name}` }).click();
  await visitor.sees('promised is launched');
  const command = page.getByRole('textbox', { name: 'The command for the new machine' });
  expect(await command.inputValue()).toMatch(/\/join\.sh -o join\.sh && echo '[0-9a-f]{64}  join\.sh' \| sha256sum -c/);
  expect(await page.getByRole('textbox', { name: 'The token it asks for' }).inputValue()).toMatch(/^pvj1\./);
  await visitor.checkAccessibility();
  await page.getByRole('link', { name: 'Go to the machine' }).click();
  await page.getByRole('tab', { name: 'Overview' }).waitFor();
  await page.goBack();
  await visitor.sees('Launch a machine');
  expect(await command.count()).toBe(0);
});

test('an account gets a key and a token that is shown once, and loses them again', async () => {
  const visitor = await browser.visit({ as: site.student });
  const { page } = visitor;
  await visitor.open('/account', 'My account');
  await page.getByLabel('A public key, one line').fill('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1zT0bqkHn3yGZ2b7yZ8Y0m9m0bq0w4l5o0Q1k2v3xY stefan@laptop');
  await page.getByRole('button', { name: 'Add the key' }).click();
  const key = page.getByRole('button', { name: /^Remove ssh-ed25519 .* stefan@laptop$/ });
  await key.waitFor();
  await key.click();
  await page.getByText('You have none yet.').waitFor();

  await page.getByLabel('What it is for').fill('backup');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const shown = page.getByRole('textbox', { name: 'The token backup' });
  const secret = await shown.inputValue();
  expect(secret.length).toBeGreaterThan(20);
  await visitor.checkAccessibility();
  await visitor.open('/account', 'My account');
  const token = page.getByRole('row').filter({ hasText: 'backup' });
  await token.waitFor();
  expect([await shown.count(), (await page.content()).includes(secret)]).toEqual([0, false]);
  await token.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('You have none.', { exact: true }).waitFor();
});

test('the account page has the two lines by which one gets the command line and is logged in', async () => {
  const visitor = await browser.visit({ as: site.student });
  const { page } = visitor;
  await visitor.open('/account', 'My account');
  const [install, login] = [await page.getByRole('textbox', { name: /^Get it: / }).inputValue(), await page.getByRole('textbox', { name: 'Then log in' }).inputValue()];
  await visitor.checkAccessibility();
  const home = await mkdtemp(join(tmpdir(), 'pvh-'));
  try {
    const paste = (line: string, input = ''): Promise<string> => runProgram('sh', ['-c', `PATH="$HOME/.local/bin:$NODE:$PATH"; ${line}`], { env: { HOME: home, XDG_CONFIG_HOME: home, NODE: dirname(process.execPath) }, input });
    await paste(install);
    await paste(`${login} --user ${site.student.name} --password-file -`, site.student.password);
    expect(await paste('paravcl whoami')).toContain(site.student.name);
  } finally {
    await rm(home, { recursive: true });
  }
}, 60_000);

test('a new password ends the sessions that are open elsewhere, and a wrong one changes nothing', async () => {
  const nina = await site.person('nina', 'student');
  const [visitor, elsewhere] = [await browser.visit({ as: nina }), await browser.visit({ as: nina })];
  visitor.faults.expect(/^answer 4\d\d PATCH \S+\/me$/);
  elsewhere.faults.expect(/^answer 401 /);
  await elsewhere.open('/', 'My machines');
  const { page } = visitor;
  await visitor.open('/account', 'My account');
  const next = 'correct-horse-battery';
  await page.getByLabel('Present password').fill('not-what-it-is');
  await page.getByLabel('New password').fill(next);
  const change = page.getByRole('button', { name: 'Change the password' });
  await change.click();
  await page.getByText('The old password is wrong.').first().waitFor();
  await page.getByLabel('Present password').fill(nina.password);
  await change.click();
  await visitor.isTold('Your password is changed. Your other sessions have ended.');
  await elsewhere.page.getByText('Your session has ended.').waitFor();
  await elsewhere.logInByForm({ name: nina.name, password: next });
  await elsewhere.sees('My machines');
});

test('what is reserved is claimed at home, gets more time, and is given back', async () => {
  const visitor = await browser.visit({ as: clara });
  expectNoScreens(visitor);
  const { page } = visitor;
  await visitor.open('/', 'My machines');
  // It opens on the next full minute; nothing is loaded anew.
  await page.getByRole('button', { name: 'Claim: start a new machine' }).click({ timeout: 1.5 * minuteMs });
  await page.getByRole('article').getByRole('link', { name: 'Open console' }).waitFor();
  await page.getByText(/Reserved until/).waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('link', { name: ' – ' }).click();
  await visitor.sees(/^Reservation of/);
  await page.getByText('1 of 1', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'Extend' }).click();
  const dialog = page.getByRole('dialog');
  const until = await dialog.getByLabel('New end, time').inputValue();
  await dialog.getByRole('button', { name: 'Extend' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('definition').filter({ hasText: until }).first().waitFor();

  await page.getByRole('button', { name: 'Give the rest back' }).click();
  await dialog.getByText('What runs in it goes on').waitFor();
  await visitor.checkAccessibility();
  await dialog.getByRole('button', { name: 'Give the rest back' }).click();
  await page.getByText('given back', { exact: true }).waitFor();
  await visitor.open('/', 'My machines');
  await page.getByRole('article').getByText('running', { exact: true }).waitFor();
});

test('the pages of every day fit into the window of a telephone and of a desk', async () => {
  const visitor = await browser.visit({ as: site.student, width: 360 });
  for (const [path, heading] of [['/', 'My machines'], ['/launch', 'Launch a machine'], ['/notices', 'Notices'], ['/account', 'My account']] as const) {
    await visitor.page.setViewportSize({ width: 360, height: 740 });
    await visitor.open(path, heading);
    expect([path, await visitor.sidewaysOverflow()]).toEqual([path, 0]);
    await visitor.page.setViewportSize({ width: 1920, height: 1080 });
    expect([path, await visitor.sidewaysOverflow()]).toEqual([path, 0]);
  }
});
