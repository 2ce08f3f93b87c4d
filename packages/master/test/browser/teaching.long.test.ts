import { addMember, createGroup, listGroups } from '@paravcl/shared/api/groups';
import { createUser } from '@paravcl/shared/api/users';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { eventually } from '@paravcl/workbench/eventually';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { portalSite, type PortalSite } from './portal-site';

let site: PortalSite;
let browser: TestBrowser;

beforeAll(async () => {
  // The simulated host has the cores of this machine, and the class needs three.
  site = await portalSite({ config: { placement: { coreOvercommit: 4 } } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'teaching' });
  for (const name of ['anna', 'bela', 'cyra']) await site.admin.client.call(createUser, { body: { name, displayName: `${name.charAt(0).toUpperCase()}${name.slice(1)} Example` } });
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

async function teacher(path: string, heading: string | RegExp): Promise<Visitor> {
  const visitor = await browser.visit({ as: site.teacher });
  // A guest that goes has no screen at that moment.
  visitor.faults.expect(/^answer \d+ GET \S+\/screenshot$/);
  await visitor.open(path, heading);
  return visitor;
}

test('a teacher makes a group, hands out its code, and fills it with people', async () => {
  const tessa = await teacher('/groups', 'Groups');
  const { page } = tessa;
  await page.getByRole('button', { name: 'New group' }).click();
  await page.getByLabel('Name').fill('Networks');
  await page.getByRole('button', { name: 'Make the group' }).click();
  await tessa.sees(/^Networks$/);
  await page.getByRole('button', { name: 'Make a code' }).click();
  const sentence = page.getByLabel('To hand to students');
  const code = await page.getByLabel('Code', { exact: true }).inputValue();
  expect(code.length).toBeGreaterThan(5);
  await sentence.first().waitFor();
  await page.getByLabel('User name to add').fill('cyra');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('gridcell', { name: 'cyra', exact: true }).waitFor();

  // From a list, with everything that can be wrong in one: nobody is added before it is mended.
  await page.getByRole('link', { name: 'Add from a list (CSV)' }).click();
  const list = page.getByRole('textbox', { name: 'List', exact: true });
  await list.fill('User name;Name\nanna;Anna\nbela;Bela\nbela;Bela again\n9lives;Nine\ncyra;Cyra\nnobody;Nobody\n');
  await page.getByText('6 lines: 2 to add, 3 with a fault.').waitFor();
  await page.getByText('bela stands in line 3 already.').waitFor();
  await page.getByText('There is no user nobody.').waitFor();
  await page.getByText('Nobody is added while a line has a fault.').waitFor();
  expect(await page.getByRole('button', { name: /^Add \d/ }).isDisabled()).toBe(true);
  await tessa.checkAccessibility();
  await list.fill('User name;Name\nanna;Anna\nbela;Bela\ncyra;Cyra\n');
  await page.getByText('3 lines: 2 to add, 0 with a fault.').waitFor();
  await page.getByRole('button', { name: 'Add 2 people' }).click();
  await page.getByText('2 people were added.').waitFor();
  await page.getByRole('link', { name: 'To the group' }).click();
  await tessa.sees('3 members');
  await tessa.checkAccessibility();
});

test('an administrator’s list makes accounts, whose tokens are shown once', async () => {
  const { id } = await site.admin.client.call(createGroup, { body: { name: 'Operating systems' } });
  const visitor = await browser.visit({ as: site.admin });
  const { page } = visitor;
  await visitor.open(`/groups/${id}/roster`, 'Add people from a list');
  await page.getByRole('textbox', { name: 'List', exact: true }).fill('Login,Name,E-Mail\nanna\ndora,"Ďurišová, Dora",dora@example.edu\n');
  await page.getByText('2 lines: 2 to add, 0 with a fault.').waitFor();
  await page.getByText('new account').waitFor();
  await page.getByRole('button', { name: 'Add 2 people' }).click();
  await page.getByText('1 account was made').waitFor();
  await page.getByText(/^dora\tpvt_[\w-]{43}$/).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('roster-tokens');
  await page.getByRole('link', { name: 'To the group' }).click();
  await visitor.sees('2 members');
  await page.getByRole('gridcell', { name: 'Ďurišová, Dora', exact: true }).waitFor();
});

test('a template is made for the group, its cloud-init checked while it is written', async () => {
  const tessa = await teacher('/templates/new', 'New template');
  const { page } = tessa;
  await page.getByLabel('Name').fill('Networks lab');
  await page.getByLabel('Image').selectOption({ label: site.image.familyName });
  await page.getByLabel('Cores').fill('1');
  await page.getByLabel('RAM in MiB').fill('64');
  await page.getByLabel('Networks', { exact: true }).check();
  await page.getByLabel('Set up at the first boot').fill('packages: [git]');
  await page.getByText('The first line must be #cloud-config.').waitFor();
  await page.getByLabel('Set up at the first boot').fill('#cloud-config\npackages: [git]\n');
  await tessa.checkAccessibility();
  await page.getByRole('button', { name: 'Make the template' }).click();
  await page.getByRole('link', { name: 'Networks lab' }).waitFor();
});

test('the class gets its machines, all are saved at once, and the one that is lost comes first', async () => {
  const tessa = await teacher('/groups', 'Groups');
  const { page } = tessa;
  await page.getByRole('link', { name: 'Networks' }).click();
  // The list has such a link for each group, and stays until the group's page has come.
  await tessa.sees(/^Networks$/);
  await page.getByRole('link', { name: 'Machines for the class' }).click();
  await tessa.sees('Machines for the class');
  await page.getByLabel('What they run').selectOption({ label: 'Networks lab' });
  await page.getByText('This comes to 3 machines of Networks lab').waitFor();
  await page.getByRole('button', { name: 'Start 3 machines' }).click();
  await page.getByText('3 of 3 running.').waitFor();
  const tiles = page.getByRole('list', { name: 'Machines of the class' }).getByRole('listitem');
  const order = (): Promise<string[]> => tiles.evaluateAll((all) => all.map((tile) => tile.querySelector('label')?.textContent ?? ''));
  expect(await order()).toEqual(['Anna Example', 'Bela Example', 'Cyra Example']);

  // The choice between two with the keyboard.
  await page.getByRole('checkbox', { name: 'Bela Example' }).focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowRight');
  await page.getByText('2 of 3 chosen').waitFor();
  await page.getByRole('checkbox', { name: 'Choose all that are shown' }).check();
  await page.getByRole('checkbox', { name: 'Choose all that are shown' }).uncheck();
  await page.getByText('Nothing chosen: acts on all 3').waitFor();

  await loseMachineOf('cyra');
  const failedFirst = ['Cyra Example', 'Anna Example', 'Bela Example'];
  await eventually('the lost machine to come first', 20_000, async () => ((await order()).join() === failedFirst.join() ? true : undefined));
  await tiles.first().getByText('failed', { exact: true }).waitFor();
  await tessa.checkAccessibility();

  await page.getByRole('button', { name: 'Try again: Cyra Example' }).click();
  await page.getByText('3 of 3 running.').waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('3 machines are being saved.').waitFor();
  await tiles.getByText('saved', { exact: true }).nth(2).waitFor();
});

test('the pages of a teacher fit a telephone by night and by day, and a desk', async () => {
  const visitor = await browser.visit({ as: site.teacher, width: 360 });
  visitor.faults.expect(/^answer \d+ GET \S+\/screenshot$/);
  const { page } = visitor;
  const look = (name: string): Promise<void> => visitor.lookAt(name, [[360, 'dark'], [360, 'light'], [1920, 'light']]);
  await visitor.open('/groups', 'Groups');
  await page.getByRole('link', { name: 'Networks' }).click();
  await visitor.sees(/^Networks$/);
  await page.getByRole('link', { name: /Networks: Networks lab/ }).waitFor();
  await look('group');
  await page.getByRole('link', { name: /Networks: Networks lab/ }).click();
  await page.getByRole('list', { name: 'Machines of the class' }).waitFor();
  await look('class');
  await visitor.open('/templates', 'Templates');
  await page.getByRole('link', { name: 'Networks lab' }).waitFor();
  await look('templates');
});

test('who comes late gets a machine; it is switched off, and the class is deleted with all of them', async () => {
  const networks = (await site.teacher.client.call(listGroups, { query: {} })).items.find(({ name }) => name === 'Networks');
  await site.teacher.client.call(addMember, { params: { groupId: networks?.id ?? '' }, body: { userName: 'dora' } });
  const tessa = await teacher('/deployments', 'Classes');
  const { page } = tessa;
  const dialog = page.getByRole('dialog');
  const more = async (item: string): Promise<void> => {
    await page.getByRole('group', { name: 'Actions' }).getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await page.getByRole('link', { name: /Networks: Networks lab/ }).click();
  await tessa.sees(/Networks: Networks lab/);
  await more('Add 1 person without a machine');
  await dialog.getByRole('button', { name: 'Add 1 machine' }).click();
  await tessa.isTold('1 machine is being made.');
  const hers = page.getByRole('list', { name: 'Machines of the class' }).getByRole('listitem').filter({ hasText: 'Ďurišová, Dora' });
  await hers.getByText('running', { exact: true }).waitFor();

  await page.getByRole('checkbox', { name: 'Ďurišová, Dora' }).check();
  await page.getByText('1 of 4 chosen').waitFor();
  await page.getByRole('button', { name: 'Switch off' }).click();
  await dialog.getByText('Switch off the machine of Ďurišová, Dora?').waitFor();
  await dialog.getByRole('button', { name: 'Switch off' }).click();
  await hers.getByText('off', { exact: true }).waitFor();
  await page.getByRole('checkbox', { name: 'Ďurišová, Dora' }).uncheck();

  await more('Delete');
  await dialog.getByText('The class Networks: Networks lab itself is gone with its last machine.').waitFor();
  await tessa.checkAccessibility();
  // Once it is gone it is not there when it is asked for again.
  tessa.faults.expect(/^answer 404 GET \S+\/deployments\/[\w-]+$/);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Classes' }).first().click();
  await tessa.sees('No class has machines yet');
});

/** The host forgets the guest of this person, as after a disk that lost it. */
async function loseMachineOf(person: string): Promise<void> {
  const { lab } = site;
  const file = join(lab.layout.agentState, 'simulated-host.json');
  await lab.agent.stop();
  const host = JSON.parse(readFileSync(file, 'utf8')) as { readonly domains: readonly { readonly name: string }[] };
  writeFileSync(file, JSON.stringify({ ...host, domains: host.domains.filter(({ name }) => !name.endsWith(person)) }));
  lab.startAgent();
}
