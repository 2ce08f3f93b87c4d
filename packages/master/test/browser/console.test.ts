import { endConnection, listConnections } from '@paravcl/shared/api/connections';
import { createInstance, suspendInstance } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import { eventually } from '@paravcl/workbench/eventually';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { portalSite, type PortalSite, type SitePerson } from './portal-site';

let site: PortalSite;
let browser: TestBrowser;
let instance: Instance;

beforeAll(async () => {
  site = await portalSite();
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'console' });
  const launched = await site.student.client.call(createInstance, { body: { imageId: site.image.id } });
  instance = await instanceWhere(site.student.client, launched.instance.id, 'it to run', ({ observed }) => observed === 'running');
});
afterAll(async () => {
  await browser.close();
  await site.close();
});
afterEach(() => browser.endTest());

/** Asks the page until it says yes: a page under our content security policy lets nobody wait inside it. */
const until = ({ page }: Visitor, what: string, expression: string): Promise<unknown> => eventually(what, 60_000, async () => ((await page.evaluate(expression)) === true ? true : undefined));

/** The picture of the screen is there, of some size and not of one colour. */
const screenIsShown = (visitor: Visitor): Promise<unknown> =>
  until(visitor, 'the screen to be shown', `(() => {
    const canvas = document.querySelector('[role=application]:not([hidden]) canvas');
    if (!canvas || canvas.width === 0) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return pixels.some((pixel) => pixel !== pixels[0]);
  })()`);

test.each([[360, 'dark'], [1280, 'light']] as const)('the screen of a machine fills a window of %d pixels, %s', async (width, colorScheme) => {
  const student = await browser.visit({ as: site.student, width, colorScheme });
  await student.open(`/machines/${instance.id}/console`, instance.name);
  await screenIsShown(student);
  await student.checkAccessibility();
  expect(await student.sidewaysOverflow()).toBe(0);
  await student.screenshot(`screen-${String(width)}`);
});

test('the way out of the machine leads to the bar, and Esc back', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open(`/machines/${instance.id}/console`, instance.name);
  await screenIsShown(student);
  const focused = (selector: string): Promise<unknown> => until(student, `${selector} to have the focus`, `document.activeElement.matches(${JSON.stringify(selector)})`);
  await focused('canvas');
  await until(student, 'the way out to be seen', "!/, 0\\)$|^transparent$/.test(getComputedStyle(document.querySelector('#console-way-out')).color)");
  await student.page.keyboard.press('Control+Alt+Shift+B');
  await focused('header a');
  await student.page.keyboard.press('Escape');
  await focused('canvas');
  // Or the next Enter, meant for the machine, would send it again.
  await student.page.getByRole('button', { name: 'Ctrl+Alt+Del' }).click();
  await focused('canvas');
});

test('what is typed on the serial console comes back from the machine', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open(`/machines/${instance.id}/serial`, instance.name);
  const rows = student.page.locator('.xterm-rows');
  await rows.getByText(`simulated serial console of`).waitFor();
  await student.page.keyboard.type('hostname');
  await rows.getByText('hostname').waitFor();
  await student.checkAccessibility();
});

/** What the page types into the machine, from now on. */
function typedInto({ page }: Visitor): () => string {
  const typed: Buffer[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      if (typeof payload !== 'string') typed.push(payload);
    });
  });
  return () => Buffer.concat(typed).toString();
}

test('what a program asked a terminal is answered then, and not again for who opens the console later', async () => {
  const [first, later] = [await browser.visit({ as: site.student }), await browser.visit({ as: site.student })];
  const [typedFirst, typedLater] = [typedInto(first), typedInto(later)];
  await first.open(`/machines/${instance.id}/serial`, instance.name);
  await first.page.locator('.xterm-rows').getByText('simulated serial console of').waitFor();
  // Where the cursor is. What comes back right after the console was opened counts as printed before.
  await eventually('the terminal to say where its cursor is', 30_000, async () => {
    await first.page.keyboard.press('Escape');
    await first.page.keyboard.type('[6n');
    return /\[\d+;\d+R/.test(typedFirst()) ? true : undefined;
  });
  await later.open(`/machines/${instance.id}/serial`, instance.name);
  const rows = later.page.locator('.xterm-rows');
  await rows.getByText('simulated serial console of').waitFor();
  await later.page.keyboard.type('hostname');
  await rows.getByText('hostname').waitFor();
  expect(typedLater()).toBe('hostname');
});

test('who is disconnected by somebody is told so, and may connect again', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open(`/machines/${instance.id}/console`, instance.name);
  await screenIsShown(student);
  const { items } = await site.admin.client.call(listConnections, { query: { instanceId: instance.id } });
  for (const { id } of items) await site.admin.client.call(endConnection, { params: { connectionId: id } });
  await student.sees(/There is no console/);
  await student.page.getByRole('button', { name: 'Try now' }).click();
  await screenIsShown(student);
});

/** As when this person logs in in another tab: the session that the page had has ended, and its cookie is theirs. */
async function logInBeside({ page }: Visitor, as: SitePerson): Promise<void> {
  const [leaving, coming] = [await browser.visit(), await browser.visit({ as })];
  await leaving.page.context().addCookies(await page.context().cookies());
  await leaving.page.goto('/healthz');
  await page.context().addCookies(await coming.page.context().cookies());
  expect(await leaving.page.evaluate("fetch('/api/v1/sessions/current', { method: 'DELETE' }).then(({ status }) => status)")).toBe(204);
}

test('who has logged in anew in another tab tries again and has the console', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open(`/machines/${instance.id}/console`, instance.name);
  await screenIsShown(student);
  await logInBeside(student, site.student);
  await student.sees('Your session has ended');
  await student.page.getByRole('button', { name: 'Try now' }).click();
  await screenIsShown(student);
});

test('where somebody else has logged in in another tab, nothing of the one before stays to be seen', async () => {
  const visitor = await browser.visit({ as: site.student });
  await visitor.open('/');
  await visitor.page.getByText(instance.name).first().waitFor();
  await logInBeside(visitor, site.teacher);
  await visitor.page.getByRole('button', { name: /^Tessa of the Lab:/ }).waitFor();
  await visitor.page.getByText(instance.name).first().waitFor({ state: 'detached' });
});

test('a machine that was saved is resumed from its console, which comes back by itself', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open(`/machines/${instance.id}/console`, instance.name);
  await screenIsShown(student);
  await site.student.client.call(suspendInstance, { params: { instanceId: instance.id } });
  // The ticket that is asked for while the books still say that it runs.
  student.faults.expect(/^answer 409 POST \S+\/console-tickets$/);
  await student.sees(`${instance.name} is saved`);
  await student.checkAccessibility();
  await student.page.getByRole('button', { name: 'Resume' }).click();
  await screenIsShown(student);
});
