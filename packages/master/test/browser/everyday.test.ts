import { TestBrowser, windowWidths } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { portalSite, type PortalSite } from './portal-site';

let site: PortalSite;
let browser: TestBrowser;

beforeAll(async () => {
  site = await portalSite();
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
  // What the master warns of is said first.
  const onwards = page.getByRole('link', { name: 'Go to the machine' });
  await page.getByRole('heading', { level: 1, name: /my-first/ }).waitFor();
  if (await onwards.count() > 0) await onwards.click();
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

test.each(windowWidths)('the pages of every day fit into a window of %d pixels', async (width) => {
  const visitor = await browser.visit({ as: site.student, width });
  for (const [path, heading] of [['/', 'My machines'], ['/launch', 'Launch a machine'], ['/notices', 'Notices'], ['/account', 'My account']] as const) {
    await visitor.open(path, heading);
    expect([path, await visitor.sidewaysOverflow()]).toEqual([path, 0]);
  }
});
