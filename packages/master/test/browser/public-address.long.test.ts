import { createInstance } from '@paravcl/shared/api/instances';
import { listPublicMappings } from '@paravcl/shared/api/public-mappings';
import { TestBrowser, windowWidths } from '@paravcl/workbench/browser/test-browser';
import { portalSite, type PortalSite } from './portal-site';

let site: PortalSite;
let browser: TestBrowser;
let machineId: string;

beforeAll(async () => {
  site = await portalSite({ config: { publicAddresses: { addresses: ['203.0.113.7'], ports: '40000-40009' } } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'public-address' });
  const { instance } = await site.student.client.call(createInstance, { body: { templateId: site.template.id, name: 'web-server' } });
  machineId = instance.id;
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

test('a student has an address and a port lead to a machine, and takes the address back', async () => {
  const visitor = await browser.visit({ as: site.student });
  // The machines of this site have no screen.
  visitor.faults.expect(/^answer \d+ GET \S+\/screenshot$/);
  // Beyond the share of a person.
  visitor.faults.expect(/^answer 409 POST \S+\/public-mappings$/);
  const { page } = visitor;
  await visitor.open(`/machines/${machineId}`, 'Public address');
  const card = page.getByRole('region', { name: 'Public address' });
  await card.getByText('Nothing of the network outside leads here.').waitFor();
  await card.getByText('1 address is free.').waitFor();
  await visitor.checkAccessibility();

  await card.getByRole('button', { name: 'Map an address' }).click();
  const address = card.getByRole('row', { name: /203\.0\.113\.7/ });
  await address.getByText('leads there').waitFor();
  await address.getByText('every port of it').waitFor();
  expect(await card.getByRole('button', { name: 'Map an address' }).count()).toBe(0);

  const port = card.getByLabel('Port of the machine');
  await port.fill('70000');
  await card.getByRole('button', { name: 'Map a port' }).click();
  await card.getByText('A port is a number from 1 to 65535.').waitFor();
  await port.fill('80');
  await card.getByRole('button', { name: 'Map a port' }).click();
  const web = card.getByRole('row', { name: /:40000/ });
  await web.getByText('its port 80 (TCP)').waitFor();
  await web.getByText('leads there').waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('machine');

  await port.fill('443');
  await card.getByRole('button', { name: 'Map a port' }).click();
  await card.getByText('Your machines have 2 public addresses and ports, and the share of a person is 2.').waitFor();

  await card.getByRole('button', { name: 'Take back 203.0.113.7' }).click();
  await page.getByText('Who is connected to web-server by it is cut off').waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await address.waitFor({ state: 'detached' });
  expect((await site.student.client.call(listPublicMappings, {})).items).toMatchObject([{ mapping: { kind: 'port', guestPort: 80 } }]);
});

test.each(windowWidths)('the card and who has what fit into a window of %d pixels', async (width) => {
  const student = await browser.visit({ as: site.student, width });
  student.faults.expect(/^answer \d+ GET \S+\/screenshot$/);
  await student.open(`/machines/${machineId}`, 'Public address');
  await student.page.getByText('its port 80 (TCP)').waitFor();
  expect(await student.sidewaysOverflow()).toBe(0);
  await student.screenshot(`card-${String(width)}`);

  const admin = await browser.visit({ as: site.admin, width });
  await admin.open('/monitoring', 'Public addresses in use');
  await admin.page.getByText('its port 80 (TCP)').waitFor();
  expect(await admin.sidewaysOverflow()).toBe(0);
});

test('who runs the site sees whose machine has what, and takes it back', async () => {
  const visitor = await browser.visit({ as: site.admin });
  const { page } = visitor;
  await visitor.open('/monitoring', 'Public addresses in use');
  const row = page.getByRole('grid', { name: 'Public addresses in use' }).getByRole('row', { name: /web-server.*:40000/ });
  await row.getByText(site.student.name, { exact: true }).waitFor();
  await visitor.checkAccessibility();
  await row.getByRole('button', { name: /^Take back \S+:40000$/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await page.getByText('Nothing of the network outside leads to a machine.').waitFor();
});
