import { getCapacity } from '@paravcl/shared/api/capacity';
import { getReservation, listReservations, requestReservation } from '@paravcl/shared/api/reservations';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { portalSite, type PortalSite, type SitePerson } from './portal-site';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

let site: PortalSite;
let browser: TestBrowser;
/** Cores of the whole pool. */
let cores: number;

beforeAll(async () => {
  // Times are those of UTC, as the site's and the browser's zone are.
  site = await portalSite({ config: { reservations: { mostOpen: 20 } } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'reserve' });
  cores = (await site.student.client.call(getCapacity, { query: { hours: 1 } })).total.vcpus;
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

/** So many days from today, at that hour of UTC. */
const at = (days: number, hour: number): number => (Math.floor(Date.now() / dayMs) + days) * dayMs + hour * hourMs;
const iso = (moment: number): string => new Date(moment).toISOString();

/** All cores of the pool: the larger each machine and the longer the time, the lower its priority. */
async function reserveAll(person: SitePerson, start: number, hours: number, ramMiB: number): Promise<Reservation> {
  const answer = await person.client.call(requestReservation, { body: { start: iso(start), end: iso(start + hours * hourMs), count: cores, imageId: site.image.id, vcpus: 1, ramMiB } });
  if (answer.reservation === null) throw new Error(answer.sentence);
  return answer.reservation;
}

async function reservedBy(person: SitePerson, start: number): Promise<Reservation | undefined> {
  return (await person.client.call(listReservations, { query: { from: iso(start), to: iso(start + 1) } })).items.find((one) => one.start === iso(start));
}

const answered = (visitor: Visitor, verdict: string): Promise<void> => visitor.page.locator(`[data-verdict="${verdict}"]`).waitFor();
const cell = (visitor: Visitor, moment: number) => visitor.page.locator(`[data-hour="${String(moment)}"]`);

/** Presses Tab until it is where somebody wants to go; a page on which that takes a hundred is none for the keyboard. */
async function tabTo(visitor: Visitor, where: string): Promise<void> {
  for (let presses = 0; presses < 100; presses += 1) {
    if (await visitor.page.evaluate(`document.activeElement?.matches(${JSON.stringify(where)}) ?? false`)) return;
    await visitor.page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${where}.`);
}

test('a student reserves with nothing but the keyboard', async () => {
  const visitor = await browser.visit({ as: site.student });
  await visitor.open('/reserve', 'Reserve machines');
  await answered(visitor, 'admitted');
  await tabTo(visitor, '[data-hour]');
  // Tomorrow at ten is picked at first; a day on, two hours down, and three hours from there.
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown']) await visitor.page.keyboard.press(key);
  expect(await visitor.page.locator('[aria-selected="true"]').count()).toBe(3);
  expect(await cell(visitor, at(2, 14)).getAttribute('aria-label')).toMatch(new RegExp(`14:00 to 15:00: ${String(cores)} of ${String(cores)} cores free\\.`));
  expect([await visitor.page.getByLabel('Start').inputValue(), await visitor.page.getByLabel('Hours').inputValue()]).toEqual(['12:00', '3']);
  await answered(visitor, 'admitted');
  await tabTo(visitor, 'button[type=submit]:enabled');
  await visitor.page.keyboard.press('Enter');
  await visitor.sees('Reserved');
  expect(await reservedBy(site.student, at(2, 12))).toMatchObject({ state: 'confirmed', end: iso(at(2, 15)), count: 1 });
});

test('the table, its inputs and two presses pick the same span', async () => {
  const visitor = await browser.visit({ as: site.student });
  await visitor.open('/reserve', 'Reserve machines');
  await cell(visitor, at(3, 9)).click();
  await visitor.page.getByText('Now press the last hour').waitFor();
  await cell(visitor, at(3, 12)).click();
  expect(await visitor.page.getByLabel('Hours').inputValue()).toBe('4');
  await visitor.page.getByLabel('Start').fill('15:00');
  await visitor.page.getByLabel('Hours').fill('1.5');
  await expect(Promise.all([15, 16, 17].map((hour) => cell(visitor, at(3, hour)).getAttribute('aria-selected')))).resolves.toEqual(['true', 'true', 'false']);
});

test('who is refused takes another time that is offered, with one press', async () => {
  await reserveAll(site.teacher, at(1, 10), 1, 64);
  const visitor = await browser.visit({ as: site.student });
  await visitor.open('/reserve', 'Reserve machines');
  await visitor.page.getByLabel('Machines').fill(String(cores));
  await visitor.page.getByRole('button', { name: 'Sizes and more' }).click();
  await visitor.page.getByLabel('RAM each, GiB').fill('0.5');
  await answered(visitor, 'refused');
  expect(await visitor.page.getByRole('button', { name: 'Reserve', exact: true }).isDisabled()).toBe(true);
  await visitor.checkAccessibility();
  await visitor.screenshot('refused');
  await visitor.page.getByRole('button', { name: /^Take .* instead$/ }).click();
  await answered(visitor, 'admitted');
  expect(await visitor.page.getByLabel('Start').inputValue()).toBe('11:00');
  await visitor.page.getByRole('button', { name: 'Reserve', exact: true }).click();
  await visitor.sees('Reserved');
  expect(await reservedBy(site.student, at(1, 11))).toMatchObject({ state: 'confirmed', count: cores });
});

test('whose reservation gave way is told so at once, reads why, and keeps the new time', async () => {
  const mine = await reserveAll(site.student, at(4, 10), 4, 512);
  const visitor = await browser.visit({ as: site.student });
  const { page } = visitor;
  await visitor.open('/queue', 'Queue');
  await page.getByRole('button', { name: /^Notices: \d+ unread$/ }).waitFor();
  await reserveAll(site.teacher, at(4, 10), 1, 64);
  // Nothing is loaded anew.
  await visitor.isTold(/Yours moved from/);
  await page.getByRole('button', { name: /^Notices: \d+ unread$/ }).click();
  const inDrawer = page.getByRole('list', { name: 'Notices' }).getByRole('listitem').filter({ hasText: 'Yours moved from' });
  await visitor.checkAccessibility();
  await inDrawer.getByRole('button', { name: 'Mark as read' }).click();
  await inDrawer.waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'All notices' }).click();
  const told = page.getByRole('row').filter({ hasText: 'Yours moved from' });
  await told.waitFor();
  expect(await told.getByRole('button', { name: 'Mark as read' }).count()).toBe(0);
  await visitor.checkAccessibility();
  await told.getByRole('link', { name: 'Why' }).click();
  await visitor.sees(/^Why$/);
  await page.getByText(/a request with a higher priority/).first().waitFor();

  await visitor.open('/reservations', 'Reservations');
  await visitor.page.getByText(/Yours moved from .* Keep .*, choose another time, or cancel\./).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('moved');
  await visitor.page.getByRole('button', { name: /^Keep / }).click();
  await visitor.page.getByText(/Yours moved from/).waitFor({ state: 'detached' });
  expect((await site.student.client.call(getReservation, { params: { reservationId: mine.id } })).moved).toMatchObject({ to: iso(at(4, 11)), accepted: true });
});

test('another time that is refused keeps the old one; a reservation is taken back after a question', async () => {
  await reserveAll(site.teacher, at(5, 10), 1, 64);
  const mine = await reserveAll(site.student, at(5, 14), 2, 512);
  const visitor = await browser.visit({ as: site.student });
  visitor.faults.expect(/^answer 409 POST \S+\/reschedule$/);
  await visitor.open(`/reservations/${mine.id}`, /^Reservation of/);
  await visitor.page.getByRole('button', { name: 'Choose another time' }).click();
  const dialog = visitor.page.getByRole('dialog');
  await dialog.getByLabel('Start').fill('10:00');
  await dialog.getByRole('button', { name: 'Move it there' }).click();
  await dialog.getByRole('button', { name: /^Take .* instead$/ }).waitFor();
  await dialog.getByRole('button', { name: 'Cancel', exact: true }).click();
  expect(await site.student.client.call(getReservation, { params: { reservationId: mine.id } })).toMatchObject({ start: mine.start, state: 'confirmed' });
  await visitor.page.getByRole('button', { name: 'Cancel the reservation' }).click();
  await visitor.page.getByRole('dialog').getByRole('button', { name: 'Cancel the reservation' }).click();
  await visitor.page.getByText('cancelled', { exact: true }).waitFor();
});

test('a time that is reserved every week is taken back as a whole', async () => {
  const visitor = await browser.visit({ as: site.student });
  const { page } = visitor;
  await visitor.open('/reserve', 'Reserve machines');
  await page.getByLabel('Date').fill(iso(at(6, 0)).slice(0, 10));
  await page.getByRole('button', { name: 'Sizes and more' }).click();
  await page.getByLabel('Every week at this time, until').check();
  await page.getByLabel('Every week until').fill(iso(at(13, 0)).slice(0, 10));
  await answered(visitor, 'admitted');
  await page.getByRole('button', { name: 'Reserve', exact: true }).click();
  await page.getByText('And in 1 further week:').waitFor();
  const further = await page.locator('main').getByRole('listitem').getByRole('link').first().getAttribute('href');
  await page.getByRole('link', { name: 'See the reservation' }).click();
  await visitor.sees(/^Reservation of/);
  await page.getByRole('button', { name: 'Cancel the whole series' }).click();
  await page.getByRole('dialog').getByText('no further week is reserved').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the whole series' }).click();
  await page.getByText('cancelled', { exact: true }).waitFor();
  await visitor.open(further ?? '', /^Reservation of/);
  await page.getByText('cancelled', { exact: true }).waitFor();
});

test('pages of reserving keep nobody out: on a telephone by night and by day, and on a desk', async () => {
  const [one] = (await site.student.client.call(listReservations, { query: {} })).items;
  const visitor = await browser.visit({ as: site.student, width: 360 });
  const { page } = visitor;
  for (const [name, path, heading] of [['reserve', '/reserve', 'Reserve machines'], ['reservations', '/reservations', 'Reservations'], ['reservation', `/reservations/${one?.id ?? ''}`, /^Reservation of/], ['why', `/reservations/${one?.id ?? ''}/why`, 'Why'], ['queue', '/queue', 'Queue']] as const) {
    await visitor.open(path, heading);
    if (name === 'reserve') await page.locator('[data-verdict]:not([data-verdict="asking"]):not([data-verdict="none"])').waitFor();
    await page.waitForLoadState('networkidle');
    await visitor.lookAt(name, [[360, 'dark'], [360, 'light'], [1920, 'light']]);
  }
});
