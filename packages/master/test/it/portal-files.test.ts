import { systemClock } from '@paravcl/shared/clock';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { configSchema } from '../../src/config';
import { readPortal } from '../../src/http/portal-files';
import { startMaster, type RunningMaster } from '../../src/master';
import { quietPort } from './quiet-port';
import { rawRequest, type RawAnswer } from './raw-request';

jest.setTimeout(120_000);

const page = `<!doctype html><title>Portal of the test</title><script type="module" src="/assets/index-B7fx9k2Q.js"></script>${' '.repeat(2000)}`;
const script = `export const words = ${JSON.stringify('a sparrow eats nine keys '.repeat(500))};`;
const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 1, 2]);
const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', 'accept-encoding': 'gzip, deflate, br, zstd' };

let state: string;
let portal: string;
let master: RunningMaster;
let said: string[];

async function start(directory: string | null): Promise<void> {
  said = [];
  const port = await quietPort();
  const config = configSchema.parse({ stateDir: join(state, 'state'), listen: { host: '127.0.0.1', port }, publicUrl: `https://localhost:${String(port)}`, portal: { directory } });
  master = await startMaster(config, systemClock, pino({ level: 'info' }, { write: (line: string) => said.push(line) }), () => undefined);
}

const ask = (line: string, headers?: Readonly<Record<string, string>>): Promise<RawAnswer> =>
  rawRequest({ port: master.port, ca: readFileSync(join(state, 'state/tls/ca.crt')) }, line, headers);

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'pvcl-'));
  portal = join(state, 'portal');
  mkdirSync(join(portal, 'assets'), { recursive: true });
  writeFileSync(join(portal, 'index.html'), page);
  writeFileSync(join(portal, 'favicon.png'), picture);
  writeFileSync(join(portal, 'assets', 'index-B7fx9k2Q.js'), script);
  writeFileSync(join(portal, 'assets', 'index-B7fx9k2Q.js.map'), '{}');
  writeFileSync(join(state, 'secret.txt'), 'the key of the site');
  symlinkSync(join(state, 'secret.txt'), join(portal, 'link.txt'));
  await start(portal);
});
afterAll(async () => {
  await master.stop();
  rmSync(state, { recursive: true });
});

test('the bare address gives the document, which is asked for again each time, with every header it needs', async () => {
  const { status, headers, body } = await ask('GET /', browser);
  expect([status, brotliDecompressSync(body).toString()]).toEqual([200, page]);
  const { date, etag, 'content-length': length, ...others } = headers;
  expect([typeof date, etag?.endsWith('-br"'), Number(length)]).toEqual(['string', true, body.length]);
  expect(others).toMatchInlineSnapshot(`
{
  "cache-control": "no-cache",
  "connection": "close",
  "content-encoding": "br",
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "content-type": "text/html; charset=utf-8",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "origin-agent-cluster": "?1",
  "permissions-policy": "clipboard-read=(self), clipboard-write=(self), fullscreen=(self), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "vary": "Accept-Encoding",
  "x-content-type-options": "nosniff",
  "x-dns-prefetch-control": "off",
  "x-download-options": "noopen",
  "x-frame-options": "DENY",
  "x-permitted-cross-domain-policies": "none",
  "x-xss-protection": "0",
}
`);
});

test('an asset, whose name holds its hash, is kept for a year and never asked for again', async () => {
  const { status, headers, body } = await ask('GET /assets/index-B7fx9k2Q.js', { ...browser, accept: '*/*' });
  expect([status, brotliDecompressSync(body).toString()]).toEqual([200, script]);
  expect(headers).toMatchObject({ 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'public, max-age=31536000, immutable', vary: 'Accept-Encoding', 'x-content-type-options': 'nosniff' });
  expect((await ask('GET /favicon.png')).headers['cache-control']).toBe('no-cache');
});

test('each client gets the smallest form that it takes, and none that it refuses', async () => {
  const forms: readonly [Record<string, string>, string | undefined, (body: Buffer) => Buffer][] = [
    [{ 'accept-encoding': 'gzip, deflate, br' }, 'br', brotliDecompressSync],
    [{ 'accept-encoding': 'gzip' }, 'gzip', gunzipSync],
    [{ 'accept-encoding': 'br;q=0, gzip' }, 'gzip', gunzipSync],
    [{ 'accept-encoding': 'zstd' }, undefined, (body) => body],
    [{ 'accept-encoding': 'gzip;q=0, br;q=0' }, undefined, (body) => body],
    [{}, undefined, (body) => body],
  ];
  for (const [headers, coding, read] of forms) {
    const answer = await ask('GET /assets/index-B7fx9k2Q.js', headers);
    expect([headers, answer.headers['content-encoding'], read(answer.body).toString() === script]).toEqual([headers, coding, true]);
    if (coding !== undefined) expect(answer.body.length).toBeLessThan(script.length / 10);
  }
  const png = await ask('GET /favicon.png', browser);
  expect([png.headers['content-encoding'], png.headers['vary'], png.body.equals(picture)]).toEqual([undefined, undefined, true]);
});

test('who has it already is told so, in the form it has; HEAD tells the same without the content', async () => {
  const { headers } = await ask('GET /', browser);
  const again = await ask('GET /', { ...browser, 'if-none-match': headers['etag'] ?? '' });
  expect([again.status, again.body.length, again.headers['etag']]).toEqual([304, 0, headers['etag']]);
  expect((await ask('GET /', { ...browser, 'accept-encoding': 'gzip', 'if-none-match': headers['etag'] ?? '' })).status).toBe(200);

  const head = await ask('HEAD /', browser);
  expect([head.status, head.body.length, { ...head.headers, date: '' }]).toEqual([200, 0, { ...headers, date: '' }]);
});

test.each(['/machines/123', '/login', '/reservations?day=2026-12-01', '/apiary', '/machines/i-ubuntu%209af'])('%s is an address of the portal, for whoever opens it in a browser', async (path) => {
  const visit = await ask(`GET ${path}`, browser);
  expect([visit.status, brotliDecompressSync(visit.body).toString()]).toEqual([200, page]);
  const program = await ask(`GET ${path}`, { accept: '*/*' });
  expect([program.status, program.headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8']);
  expect((await ask(`POST ${path}`, { ...browser, 'content-length': '0' })).status).toBe(404);
});

test.each([
  '/api', '/api/v1/nothing', '/API/v1/nothing', '/api/v2/users', '/agent/v1/nothing', '/agent', '/vm/7', '/pm/7', '/assets/index-OLD.js', '/assets/', '/metrics/x',
])('%s stays a problem, also for a browser', async (path) => {
  const { status, headers, body } = await ask(`GET ${path}`, browser);
  expect([status, headers['content-type'], JSON.parse(body.toString())]).toEqual([404, 'application/problem+json; charset=utf-8', expect.objectContaining({ code: 'not-found' })]);
});

test('what the master says of itself is not hidden by the portal', async () => {
  expect((await ask('GET /healthz', browser)).body.toString()).toBe('ok\n');
  expect((await ask('GET /api/v1/users', browser)).status).toBe(401);
  expect((await ask('GET /api/v1/docs', browser)).headers['content-security-policy']).not.toContain('unsafe-inline');
});

describe('no path reaches a file that is none of the portal', () => {
  const secret = 'the key of the site';
  test.each([
    '/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/..%2Fsecret.txt', '/%2e%2e%2fsecret.txt', '/%252e%252e%252fsecret.txt', '/..\\secret.txt', '/..%5csecret.txt',
    '/....//secret.txt', '//etc/passwd', '///etc/passwd', '/etc/passwd', 'http://localhost/../secret.txt', '/\0/../secret.txt', '/index.html\0.png', '/index.html%00.png', '/%c0%ae%c0%ae/secret.txt', '/%ff',
    '/link.txt', '/assets/index-B7fx9k2Q.js.map', '/__proto__', '/constructor', '*', '/.git/config', '/assets',
  ])('%j', refuses);
  test('one that is far too long', () => refuses(`/${'a'.repeat(12_000)}`));
  test('one that goes up four thousand times', () => refuses(`/${'../'.repeat(4000)}etc/passwd`));
  test('one that goes up a hundred times, encoded', () => refuses(`/${'%2e%2e%2f'.repeat(100)}etc/passwd`));

  async function refuses(path: string): Promise<void> {
    for (const headers of [{ accept: '*/*' }, { accept: 'text/html' }]) {
      const { status, body } = await ask(`GET ${path}`, headers);
      const text = body.toString();
      // A browser may be given the document, which then knows no such address; a program is refused.
      expect([text.includes(secret), text.includes('root:'), text === page || status >= 400]).toEqual([false, false, true]);
      if (headers.accept === '*/*') expect([400, 404, 414, 431]).toContain(status);
    }
  }
});

test('without a portal the bare address leads to the API as before, and the log says that there is none', async () => {
  for (const directory of [null, join(state, 'nowhere'), join(state, 'secret.txt')]) {
    await master.stop();
    await start(directory);
    const { status, headers } = await ask('GET /', browser);
    expect([status, headers['location'], (await ask('GET /machines/1', browser)).status]).toEqual([302, '/api/v1/docs', 404]);
    expect(said.filter((line) => line.includes('there is no portal'))).toHaveLength(1);
  }
});

test('a directory that holds far more than a portal is refused with its name and the way out', async () => {
  const huge = mkdtempSync(join(state, 'huge-'));
  for (const name of ['a.js', 'b.js']) writeFileSync(join(huge, name), Buffer.alloc(33 * 1024 * 1024));
  await expect(readPortal(huge)).rejects.toThrow(`${huge} holds more than 64 MiB, so it is no portal. Set portal.directory to what "vite build" made, or to null.`);
});
