import { createInstance } from '@paravcl/shared/api/instances';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import { eventually } from '@paravcl/workbench/eventually';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portalSite, type PortalSite } from './portal-site';

/** Pages of a portal that is not ours: each does one thing, so that what looks at pages is seen to notice it. */
const script = `
const path = location.pathname;
const say = (html) => { document.querySelector('main').innerHTML = html; };
if (path === '/throws') setTimeout(() => { throw new Error('nobody catches this'); });
if (path === '/complains') console.error('this is wrong');
if (path === '/asks') fetch('/api/v1/nothing').then(() => say('<h1>asked</h1>'));
if (path === '/asks-elsewhere') fetch('https://elsewhere.example/').catch(() => say('<h1>asked</h1>'));
if (path === '/runs-inline') { const inline = document.createElement('script'); inline.textContent = 'window.ran = true'; document.body.append(inline); }
if (path === '/styles-inline') say('<h1 style="color: red">Red</h1>');
if (path === '/shuts-out') say('<h1>Log in</h1><input><p class="faint">Hardly to be read</p>');
if (path === '/fades') {
  say('<h1>Log in</h1><p class="fades">Soon to be read</p>');
  const fading = document.querySelector('.fades');
  getComputedStyle(fading).color;
  fading.classList.add('in');
}
if (path === '/too-wide') say('<h1>Wide</h1><p class="wide">This goes on and on.</p>');
if (path === '/me') fetch('/api/v1/me').then((answer) => answer.json()).then(({ user }) => say('<h1>' + (user?.name ?? 'nobody') + '</h1>'));
`;
const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A portal</title><link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/assets/page-1a2b3c4d.css"></head><body><main><h1>A portal</h1><p>It is served by the master.</p></main><script type="module" src="/assets/page-1a2b3c4d.js"></script></body></html>`;

let portal: string;
let site: PortalSite;
let browser: TestBrowser;
let screenshots: string;

beforeAll(async () => {
  portal = mkdtempSync(join(tmpdir(), 'pvb-portal-'));
  screenshots = mkdtempSync(join(tmpdir(), 'pvb-shots-'));
  mkdirSync(join(portal, 'assets'));
  writeFileSync(join(portal, 'index.html'), page);
  writeFileSync(join(portal, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(portal, 'assets', 'page-1a2b3c4d.js'), script);
  writeFileSync(join(portal, 'assets', 'page-1a2b3c4d.css'), ':root { color-scheme: light dark; } .faint { color: #bbb; background: #fff; } .wide { width: 2000px; } .fades { color: #ddd; background: #fff; transition: color 2s; } .fades.in { color: #000; }');
  site = await portalSite({ portalDirectory: portal });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'portal-loads' });
});
afterAll(async () => {
  await browser.close();
  await site.close();
  for (const directory of [portal, screenshots]) rmSync(directory, { recursive: true });
});
afterEach(() => browser.endTest());

test.each([[360, 'dark'], [1920, 'light']] as const)('a page of the master is shown in a window of %d pixels, %s', async (width, colorScheme) => {
  const visitor = await browser.visit({ width, colorScheme });
  await visitor.open('/');
  expect(await visitor.page.getByRole('heading').textContent()).toBe('A portal');
  await visitor.checkAccessibility();
  expect(await visitor.sidewaysOverflow()).toBe(0);
  const [picture, dark] = [readFileSync(await visitor.screenshot(`${String(width)}-${colorScheme}`)), await visitor.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")];
  // Of a PNG: the width stands at byte 16.
  expect([picture.readUInt32BE(16), dark]).toEqual([width, colorScheme === 'dark']);
});

test('who logs in over the API is known to the pages, and to no other visitor', async () => {
  const student = await browser.visit({ as: site.student });
  await student.open('/me', 'stefan');
  const nobody = await browser.visit();
  nobody.faults.expect(/^answer 401 GET \S+\/api\/v1\/me$/);
  await nobody.open('/me', 'nobody');
  expect(nobody.faults.unexpected()).toEqual([]);
  await expect(browser.visit({ as: { ...site.student, password: 'wrong' } })).rejects.toThrow('stefan cannot log in: status 401.');
  // The refused one told so too.
  await expect(browser.endTest()).rejects.toThrow(/answer 401 POST \S+\/api\/v1\/sessions/);
});

test('a hashed file is asked for once, and kept', async () => {
  const visitor = await browser.visit();
  await visitor.open('/');
  const again = visitor.page.waitForResponse((response) => response.url().endsWith('.js'));
  await visitor.open('/machines');
  const kept = (await visitor.page.evaluate("performance.getEntriesByType('resource').find(({ name }) => name.endsWith('.js')).transferSize")) as number;
  expect([(await again).status(), kept]).toEqual([200, 0]);
});

test('what is launched runs on a slave, so that pages have something to show', async () => {
  const { instance } = await site.student.client.call(createInstance, { body: { imageId: site.image.id } });
  const running = await instanceWhere(site.student.client, instance.id, 'it to run', ({ observed }) => observed === 'running');
  expect(running.slaveId).toBe(site.slave.id);
});

describe('a test fails on', () => {
  test.each([
    ['an error that nothing caught', '/throws', /page Error: nobody catches this/],
    ['an error on the console', '/complains', /console this is wrong \(https:/],
    ['an answer that says no', '/asks', /answer 404 GET \S+\/api\/v1\/nothing/],
    ['a request to somewhere else', '/asks-elsewhere', /csp connect-src forbids https:\/\/elsewhere\.example/],
    ['a script that stands in the page', '/runs-inline', /csp script-src-elem forbids inline/],
    ['a style that stands in the page', '/styles-inline', /csp style-src-attr forbids inline/],
  ])('%s', async (_what, path, fault) => {
    const visitor = await browser.visit();
    await visitor.open(path);
    await waitFor(() => visitor.faults.unexpected().length > 0);
    expect(await visitor.page.evaluate('window.ran')).toBeUndefined();
    await expect(browser.endTest()).rejects.toThrow(fault);
  });

  test('a request that nobody answers', async () => {
    const visitor = await browser.visit();
    await visitor.open('/');
    await visitor.page.route('**/api/v1/me', (route) => route.abort('connectionrefused'));
    await visitor.page.evaluate("fetch('/api/v1/me').catch(() => undefined)");
    await waitFor(() => visitor.faults.unexpected().length > 0);
    await expect(browser.endTest()).rejects.toThrow(/request GET \S+\/api\/v1\/me: net::ERR_CONNECTION_REFUSED/);
  });

  test('a page that keeps people out, with the rule, the place and the way out', async () => {
    const visitor = await browser.visit();
    await visitor.open('/shuts-out');
    const fault = await visitor.checkAccessibility().then(() => '', (error: unknown) => String(error));
    expect(fault).toMatch(/critical label: Form elements must have labels \(https:.*\)\n {4}input: Fix any of the following: /);
    expect(fault).toMatch(/serious color-contrast: .*\n {4}p: .*contrast/);
    await visitor.checkAccessibility({ except: ['label', 'color-contrast'] });
  });

  test('no colour that is only on its way to one that can be read', async () => {
    const visitor = await browser.visit();
    await visitor.open('/fades');
    await visitor.checkAccessibility();
    expect(await visitor.page.evaluate("getComputedStyle(document.querySelector('.fades')).color")).toBe('rgb(0, 0, 0)');
  });

  test('a page that is wider than its window', async () => {
    const visitor = await browser.visit({ width: 360 });
    await visitor.open('/too-wide');
    expect(await visitor.sidewaysOverflow()).toBeGreaterThan(1000);
  });

  test('nothing of it when it was expected', async () => {
    const visitor = await browser.visit();
    visitor.faults.expect(/^console this is wrong/);
    await visitor.open('/complains');
    await browser.endTest();
  });
});

async function waitFor(holds: () => boolean): Promise<void> {
  await eventually('the page to tell', 10_000, () => (holds() ? true : undefined));
}
