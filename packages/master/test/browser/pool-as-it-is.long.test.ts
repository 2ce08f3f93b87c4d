import { getCapacity } from '@paravcl/shared/api/capacity';
import { createInstance, deleteInstance, getInstance } from '@paravcl/shared/api/instances';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import { eventually } from '../it/eventually';
import { portalSite, type PortalSite } from './portal-site';

let site: PortalSite;
let browser: TestBrowser;

beforeAll(async () => {
  // So that a silent slave is noticed at once, and counts as lost to nobody here.
  site = await portalSite({ config: { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 4, lostAfterSeconds: 600 }, placement: { criticalLimitPercent: 0 } } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'pool-as-it-is' });
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

test('while no core is free, who comes home is told that a launch would wait, and where in the queue', async () => {
  const greta = await site.person('greta', 'student');
  const { hours: [now] } = await greta.client.call(getCapacity, { query: { hours: 1 } });
  const vcpus = now?.freeVcpus ?? 0;
  const asked = { templateId: site.template.id, vcpus, ramMiB: 128, minutes: 60 };
  const all = await greta.client.call(createInstance, { body: asked });
  const waiting = await greta.client.call(createInstance, { body: { ...asked, vcpus: 1 } });
  const visitor = await browser.visit({ as: site.student });
  const { page } = visitor;
  await visitor.open('/', 'What you can launch');
  await page.getByText(`Launched now, ${site.template.name} would wait. 2nd in the queue. It needs 1 core`).waitFor();
  await visitor.checkAccessibility();

  // The launch page says the same, and so does the launch.
  await page.getByRole('button', { name: site.template.name }).click();
  await visitor.sees('Launch a machine');
  await page.getByText('2nd in the queue.').waitFor();

  for (const { instance } of [waiting, all]) await greta.client.call(deleteInstance, { params: { instanceId: instance.id } });
  await page.getByText('There is room').waitFor();
  await visitor.open('/', 'What you can launch');
  await eventually('nothing waits any more', async () => (await page.getByText('would wait').count()) === 0);
});

test('a machine whose host falls silent is not told to run, on any page that is open, until the host is back', async () => {
  const petra = await site.person('petra', 'student');
  const { instance } = await petra.client.call(createInstance, { body: { templateId: site.template.id, name: 'exam' } });
  await eventually('it runs', async () => (await petra.client.call(getInstance, { params: { instanceId: instance.id } })).observed === 'running');
  const [its, home, operators] = [await browser.visit({ as: petra }), await browser.visit({ as: petra }), await browser.visit({ as: site.admin })];
  for (const { faults } of [its, home, operators]) faults.expect(/^answer \d+ GET \S+\/(screenshot|describe)$/);
  await its.open(`/machines/${instance.id}`, 'exam');
  await its.page.getByText('It runs.').waitFor();
  await home.open('/', 'My machines');
  await home.page.getByRole('article').getByText('running', { exact: true }).waitFor();
  await operators.open(`/slaves/${site.slave.id}`, site.slave.name);
  await operators.page.getByRole('row').filter({ hasText: 'exam' }).getByText('running', { exact: true }).waitFor();

  // Nobody touches a page from here on.
  site.lab.agent.kill('SIGKILL');
  await its.page.getByText('running, host silent', { exact: true }).waitFor();
  await its.page.getByText(/^lab-pc-07 is offline since .* When it was last heard exam ran there, and probably does still; nothing is started elsewhere\.$/).waitFor();
  expect(await its.page.getByText('It runs.').count()).toBe(0);
  await its.checkAccessibility();
  await home.page.getByRole('article').getByText('running, host silent', { exact: true }).waitFor();
  await operators.page.getByRole('row').filter({ hasText: 'exam' }).getByText('running, host silent', { exact: true }).waitFor();
  site.lab.startAgent();
  await its.page.getByText('It runs.').waitFor();
  await home.page.getByRole('article').getByText('running', { exact: true }).waitFor();
});
