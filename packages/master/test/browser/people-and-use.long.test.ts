import { listConnections } from '@paravcl/shared/api/connections';
import { getInstanceWhy } from '@paravcl/shared/api/decisions';
import { createInstance } from '@paravcl/shared/api/instances';
import { listUsers } from '@paravcl/shared/api/users';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { User } from '@paravcl/shared/domain/people';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { eventually } from '@paravcl/workbench/eventually';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { look, looks, openAsAdmin } from './admin-look';
import { portalSite, type PortalSite } from './portal-site';

let site: PortalSite;
let browser: TestBrowser;
/** The student's: one runs, and one has no room. */
let runs: Instance;
let waits: Instance;

beforeAll(async () => {
  site = await portalSite();
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'people-and-use' });
  const make = async (name: string, vcpus: number): Promise<Instance> => (await site.student.client.call(createInstance, { body: { imageId: site.image.id, name, vcpus } })).instance;
  runs = await make('sorting', 1);
  await instanceWhere(site.student.client, runs.id, 'it to run', ({ observed }) => observed === 'running');
  waits = await make('rendering', site.slave.describe.cores);
  await instanceWhere(site.student.client, waits.id, 'it to wait', ({ observed }) => observed === 'queued');
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

const admin = (path: string, heading: string | RegExp): Promise<Visitor> => openAsAdmin(browser, site, path, heading);

const named = async (name: string): Promise<User | undefined> => (await site.admin.client.call(listUsers, { query: { name } })).items.find((user) => user.name === name);

test('an account is made, and the person sets a password with the token that is shown once', async () => {
  const visitor = await admin('/users', 'People');
  const { page } = visitor;
  await page.getByRole('button', { name: 'New person' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User name').fill('Erika M');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Erika Example');
  await dialog.getByLabel('Role').selectOption({ label: 'Teacher: Also gives machines to own groups' });
  await dialog.getByLabel('Main group').selectOption({ label: 'CL II' });
  visitor.faults.expect(/^answer 40[09] POST \S+\/users$/);
  await dialog.getByRole('button', { name: 'Make the account' }).click();
  await dialog.locator('#user-name-said').getByText(/lower|small|letters/i).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('name-refused');
  await dialog.getByLabel('User name').fill(site.student.name);
  await dialog.getByRole('button', { name: 'Make the account' }).click();
  await dialog.getByText(/stefan/).waitFor();
  await dialog.getByLabel('User name').fill('erika');
  await dialog.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('Erika Example has an account').waitFor();
  const token = await page.getByLabel('Token for Erika Example').inputValue();
  await visitor.checkAccessibility();
  await visitor.screenshot('account-made');
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('link', { name: 'Erika Example' }).waitFor();
  expect(await named('erika')).toMatchObject({ role: 'teacher', primaryGroupId: site.group.id });

  const erika = await browser.visit();
  erika.faults.expect(/^answer 401 GET \S+\/me$/);
  await erika.open('/password');
  await erika.page.locator('#token').fill(token);
  await erika.page.locator('#password').fill('a password of some length');
  await erika.page.locator('button[type=submit]').click();
  await erika.sees('Log in');
  await erika.logIn({ name: 'erika', password: 'a password of some length' });
});

test('a person gets another role, is locked out, let in again, and given a new password', async () => {
  const visitor = await admin('/users', 'People');
  const { page } = visitor;
  await page.getByLabel('Name or user name').fill('erika');
  await page.getByRole('link', { name: 'Stefan of the Lab' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Erika Example' }).click();
  await visitor.sees('Erika Example');
  await page.getByRole('button', { name: 'Change the role' }).click();
  await visitor.checkAccessibility();
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Change the role' }).isDisabled()).toBe(true);
  await dialog.getByRole('radio', { name: 'Operator' }).check();
  await dialog.getByRole('button', { name: 'Change the role' }).click();
  await page.getByText('Erika Example is now: Operator.').waitFor();
  await page.getByRole('button', { name: 'Lock out' }).click();
  await page.getByText('All sessions and tokens of the person stop working at once.').waitFor();
  await dialog.getByRole('button', { name: 'Lock out' }).click();
  await page.getByText('locked out', { exact: true }).waitFor();
  expect(await named('erika')).toMatchObject({ role: 'operator', disabled: true });
  await expect(browser.visit({ as: { name: 'erika', password: 'a password of some length' } })).rejects.toThrow(/cannot log in/);
  await page.getByRole('button', { name: 'Let in again' }).click();
  await page.getByText('Erika Example may log in again.').waitFor();
  await page.getByRole('button', { name: 'New password' }).click();
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  expect(await page.getByLabel('Token for Erika Example').inputValue()).not.toBe('');
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'What happened to the account' }).click();
  await visitor.sees('Events');
  await page.getByText(/erika/).first().waitFor();
  // The visitor that could not log in.
  await expect(browser.endTest()).rejects.toThrow(/answer 40[13] POST \S+\/api\/v1\/sessions/);
});

test('the home volume of a person has a size that is one', async () => {
  const visitor = await admin(`/users/${(await named('stefan'))?.id ?? ''}`, 'Stefan of the Lab');
  const { page } = visitor;
  await page.getByRole('link', { name: waits.name }).waitFor();
  await page.getByLabel('Size in GiB').fill('two');
  await page.getByText('A number of GiB, such as 2 or 0.5.').waitFor();
  expect(await page.getByRole('button', { name: 'Set the size' }).isDisabled()).toBe(true);
  await page.getByLabel('Size in GiB').fill('0,5');
  await page.getByRole('button', { name: 'Set the size' }).click();
  await page.getByText('It has 512 MiB.').waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('link', { name: runs.name }).click();
  await visitor.sees(runs.name);
});

test('who is connected to a machine is seen, and disconnected after a question', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open(`/machines/${runs.id}/serial`, runs.name);
  await student.page.locator('.xterm-rows').getByText('simulated serial console of').waitFor();
  const visitor = await admin('/monitoring', 'Monitoring');
  const { page } = visitor;
  const row = page.getByRole('grid', { name: 'Connected now' }).getByRole('row', { name: /stefan/i });
  await row.getByText('serial console').waitFor();
  await row.getByText('127.0.0.1').waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('connected');
  await page.getByRole('button', { name: new RegExp(`^End the connection of stefan.* to ${runs.name}$`, 'i') }).click();
  await page.getByText('The machine goes on. The person is told who ended it, and may connect again.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click();
  await page.getByText('Nobody is connected to a machine.').waitFor();
  expect((await site.admin.client.call(listConnections)).items).toEqual([]);
  await student.sees(/There is no console/);
});

test('the last hours are plots, and the same figures as tables', async () => {
  const visitor = await admin('/monitoring', 'Monitoring');
  const { page } = visitor;
  await page.getByText('1 waits in the queue.').waitFor();
  const plots = ['Cores', 'RAM', 'Running machines', 'Connections'] as const;
  // A point is written down every minute.
  await eventually('a point to be written down', 90_000, async () => (await page.getByRole('img', { name: /The tables have the other points\./ }).count()) === plots.length ? true : undefined);
  await page.getByRole('button', { name: `Plots of ${site.slave.name}` }).click();
  expect(await page.getByLabel('Whose').inputValue()).toBe(site.slave.id);
  await page.getByRole('button', { name: 'Tables' }).click();
  // The first point of the site may be from before the host was there; the next is a minute away, and the page asks every minute.
  for (const plot of plots) await page.getByRole('grid', { name: plot, exact: true }).getByRole('row').nth(1).waitFor({ timeout: 130_000 });
  await visitor.checkAccessibility();
  await page.getByLabel('How long').selectOption({ label: '24 hours' });
  await page.getByRole('grid', { name: 'RAM', exact: true }).getByRole('row').nth(1).waitFor();
}, 300_000);

test('who waits is seen with the reason, and why it was decided so', async () => {
  const visitor = await admin('/pool', 'Pool');
  const { page } = visitor;
  await page.getByRole('link', { name: 'Who waits' }).click();
  await visitor.sees('Queue');
  await page.getByRole('row', { name: new RegExp(waits.name) }).getByRole('link').click();
  await visitor.sees('Why');
  const [newest] = (await site.admin.client.call(getInstanceWhy, { params: { instanceId: waits.id } })).items;
  await page.getByText(newest?.sentence ?? 'a decision').first().waitFor();
  await page.getByRole('row', { name: /Sum/i }).first().waitFor();
  await visitor.checkAccessibility();
});

test.each(looks)('the pages of people and of use fit a window of %d pixels, %s', async (width, colorScheme) => {
  const stefan = await named('stefan');
  const visitor = await browser.visit({ as: site.admin, width, colorScheme });
  for (const [name, path, heading] of [
    ['people', '/users', 'People'], ['person', `/users/${stefan?.id ?? ''}`, 'Stefan of the Lab'], ['monitoring', '/monitoring', 'The last hours'], ['queue', '/queue', 'Queue'], ['why', `/instances/${waits.id}/why`, 'Why'],
  ] as const) {
    await visitor.open(path, heading);
    await look(visitor, `${name}-${String(width)}-${colorScheme}`);
  }
});
