import { getImage, listImages } from '@paravcl/shared/api/images';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { eventually } from '@paravcl/workbench/eventually';
import { randomBytes } from 'node:crypto';
import { look, looks, openAsAdmin } from './admin-look';
import { portalSite, type PortalSite } from './portal-site';

const MiB = 1024 * 1024;
/** Of random bytes, so that nothing of it is in the store. */
const disk = { name: 'course.raw', mimeType: 'application/octet-stream', buffer: randomBytes(4 * MiB) };

let site: PortalSite;
let browser: TestBrowser;

beforeAll(async () => {
  site = await portalSite();
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'images' });
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

const admin = (path: string, heading: string | RegExp): Promise<Visitor> => openAsAdmin(browser, site, path, heading);

/** From now on so many bytes leave the browser in a second; null: as many as can. */
async function limitSending({ page }: Visitor, bytesPerSecond: number | null): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond ?? -1 });
}

const newest = async () => (await site.admin.client.call(listImages)).items[0];

test('a version is uploaded in two parts, tried, and put into production', async () => {
  const visitor = await admin('/images', 'Images');
  const { page } = visitor;
  await page.getByRole('link', { name: 'Upload' }).click();
  await visitor.sees('Upload an image');
  await page.getByLabel('File').setInputFiles(disk);
  await page.getByText('course.raw, 4 MiB').waitFor();
  await page.getByLabel('As', { exact: true }).selectOption({ label: 'the next version of Stand-in' });
  await page.getByLabel('Description').fill('With the compiler of this year.');
  await limitSending(visitor, MiB / 2);
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByText('Sending course.raw').waitFor();
  await eventually('a part of it to be sent', 20_000, async () => (Number(await page.getByRole('progressbar').getAttribute('aria-valuenow')) >= 25 ? true : undefined));
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('course.raw is paused').waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('paused');

  // The page is left, and somebody goes on from the list.
  await limitSending(visitor, null);
  await visitor.open('/images', 'Images');
  const row = page.getByRole('row', { name: /Version 2/ });
  await row.getByText('incomplete').waitFor();
  await row.getByRole('link', { name: 'Go on' }).click();
  await page.getByText(/ of 4 MiB of Stand-in, version 2, have arrived/).waitFor();
  expect((await newest())?.receivedBytes).toBeGreaterThan(0);
  await page.getByLabel('File').setInputFiles({ ...disk, buffer: disk.buffer.subarray(1) });
  await page.getByText(/it is another one/).waitFor();
  expect(await page.getByRole('button', { name: 'Go on' }).isDisabled()).toBe(true);
  await page.getByLabel('File').setInputFiles(disk);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Version 2 of Stand-in is ready').waitFor();
  await page.getByText('Launch it to try it, then put it into production.').waitFor();
  await page.getByRole('link', { name: 'Look at the image' }).click();

  await visitor.sees('Stand-in, version 2');
  await page.getByText('With the compiler of this year.').waitFor();
  await page.getByRole('button', { name: 'Put into production' }).click();
  await page.getByText('Launches of the family get this version from now on.').waitFor();
  await visitor.checkAccessibility();
  await page.getByRole('dialog').getByRole('button', { name: 'Put into production' }).click();
  await page.getByText('Launches of Stand-in get version 2 now.').waitFor();
  await page.getByText('in production', { exact: true }).waitFor();
  expect(await newest()).toMatchObject({ version: 2, production: true, state: 'ready' });
});

test('what is said of a version is changed, and what cannot be is told at its field', async () => {
  const image = await newest();
  const visitor = await admin(`/images/${image?.id ?? ''}`, 'Stand-in, version 2');
  visitor.faults.expect(/^answer 400 PATCH \S+\/images\/\S+$/);
  const { page } = visitor;
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Cores').fill('999');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByText(/64/).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('edit-refused');
  await page.getByLabel('Cores').fill('2');
  await page.getByLabel('Who sees it').selectOption({ label: 'people of a group' });
  expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
  await page.getByLabel('Group').selectOption({ label: 'CL II' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('cores: 2, RAM: 128 MiB').waitFor();
  await page.getByText('people of a group').waitFor();
  expect(await newest()).toMatchObject({ defaultVcpus: 2, visibility: 'group', ownerGroupId: site.group.id });
});

test('a version that something needs is offered no more, and not deleted', async () => {
  const visitor = await admin(`/images/${site.image.id}`, 'Stand-in, version 1');
  visitor.faults.expect(/^answer 409 DELETE \S+\/images\/\S+$/);
  const { page } = visitor;
  await page.getByRole('button', { name: 'Offer it no more' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Offer it no more' }).click();
  await page.getByText('not offered', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Its content is gone for good').waitFor();
  await page.getByRole('button', { name: 'Delete the version' }).click();
  await page.getByRole('dialog').getByText(/Ubuntu for CL II/).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('not-deleted');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Offer it again' }).click();
  await page.getByText('Version 1 of Stand-in is offered again.').waitFor();
  expect(await site.admin.client.call(getImage, { params: { imageId: site.image.id } })).toMatchObject({ state: 'ready' });
});

test('what is no image is refused after its check, and deleted after a question', async () => {
  const visitor = await admin('/images/upload', 'Upload an image');
  const { page } = visitor;
  await page.getByLabel('File').setInputFiles({ name: 'letter.qcow2', mimeType: 'application/octet-stream', buffer: Buffer.from('Dear student, this is no disk.\n'.repeat(100)) });
  expect(await page.getByLabel('Name').inputValue()).toBe('letter');
  visitor.faults.expect(/^answer 4\d\d PUT \S+\/content\S*$/);
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByText(/qcow2/).first().waitFor();
  await page.getByRole('link', { name: 'Look at the image' }).click();
  await visitor.sees('letter, version 1');
  await page.getByText('refused', { exact: true }).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('refused');
  // The page that is about to be left looks once more.
  visitor.faults.expect(/^answer 404 GET \S+\/images\/\S+$/);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the version' }).click();
  await page.getByText('Version 1 of letter is deleted.').waitFor();
  await visitor.sees('Images');
  await page.getByRole('heading', { name: 'letter' }).waitFor({ state: 'detached' });
});

test('the image store is verified and swept, each after a question', async () => {
  const visitor = await admin('/store', 'Image store');
  const { page } = visitor;
  await page.getByRole('button', { name: 'Verify' }).click();
  await visitor.checkAccessibility();
  await page.getByRole('dialog').getByRole('button', { name: 'Verify' }).click();
  // Each of the two has a card: its state, and who began it.
  const ran = async (title: string): Promise<void> => {
    const card = page.locator('.pf-v6-c-card').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
    await card.getByText('Begun by user admin').waitFor();
    await card.getByText('done', { exact: true }).waitFor();
  };
  await ran('Verification');
  await page.getByRole('button', { name: 'Sweep' }).click();
  await page.getByText('what was deleted just now is gone for good').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Sweep' }).click();
  await ran('Sweep');
});

test.each(looks)('the pages of images fit a window of %d pixels, %s', async (width, colorScheme) => {
  const visitor = await browser.visit({ as: site.admin, width, colorScheme });
  const image = await newest();
  for (const [name, path, heading] of [
    ['images', '/images', 'Stand-in'], ['kernels', '/images?kind=kernel', 'No kernel yet'], ['upload', '/images/upload', 'Upload an image'], ['image', `/images/${image?.id ?? ''}`, 'Which hosts have it'], ['store', '/store', 'What it holds'],
  ] as const) {
    await visitor.open(path, heading);
    await look(visitor, `${name}-${String(width)}-${colorScheme}`);
  }
});
