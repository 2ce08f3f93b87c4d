import { route } from '@paravcl/shared/api/route';
import type { Principal, Role } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { createApp } from './app';
import { bind, type BoundRoute } from './binding';
import { filledIn, strictly } from './invalid-input';
import type { Begun } from '../repositories/idempotency-repository';
import type { IdempotencyStore } from './idempotency';

const principal = (role: Role): Principal => ({ userId: 'u1', userName: 'ada', role, groupIds: [], ownedGroupIds: [], sessionId: 's1' });

class MemoryIdempotency implements IdempotencyStore {
  readonly abandoned: string[] = [];
  readonly rows = new Map<string, { hash: string; answer: { status: number; answer: string } | null }>();
  begin(userId: string, key: string, hash: string): Promise<Begun> {
    const row = this.rows.get(`${userId} ${key}`);
    if (row === undefined) {
      this.rows.set(`${userId} ${key}`, { hash, answer: null });
      return Promise.resolve({ kind: 'first', subjectId: `reserved-${key}` });
    }
    if (row.hash !== hash) return Promise.resolve({ kind: 'mismatch' });
    return Promise.resolve(row.answer === null ? { kind: 'running', subjectId: `reserved-${key}` } : { kind: 'answered', begunAt: 0, ...row.answer });
  }
  finish(userId: string, key: string, _subjectId: string, status: number, answer: string): Promise<void> {
    const row = this.rows.get(`${userId} ${key}`);
    if (row === undefined) throw new Error('finish before begin');
    row.answer = { status, answer };
    return Promise.resolve();
  }
  forget(userId: string, key: string): Promise<void> {
    this.rows.delete(`${userId} ${key}`);
    return Promise.resolve();
  }
  abandon(userId: string, key: string): void {
    this.abandoned.push(`${userId} ${key}`);
  }
}

let made = 0;
const thing = z.object({ name: z.string().max(5), cores: z.int().min(1) });
const routes: BoundRoute[] = [
  bind(route({ method: 'get', path: '/things/:thingId', summary: '', action: 'image.see', params: z.object({ thingId: z.uuid() }), answer: { status: 200, schema: thing } }), () =>
    Promise.resolve({ body: { name: 'a', cores: 1 }, headers: { 'X-Thing': 'yes' } }),
  ),
  bind(route({ method: 'post', path: '/things', summary: '', action: 'image.create', body: thing, answer: { status: 201, schema: z.object({ made: z.int() }) } }), ({ body, subjectId }) => {
    if (body.name === 'taken') throw new ParavclError('already-exists', 'The name taken is taken.', { field: 'name' });
    if (body.name === 'crash') throw new Error("SELECT secret FROM users; at /srv/paravcl/x.js");
    made += 1;
    return Promise.resolve({ body: { made }, headers: { Location: `/things/${subjectId ?? 'unreserved'}` } });
  }),
  bind(route({ method: 'get', path: '/lies', summary: '', action: 'public', answer: { status: 200, schema: thing } }), () => Promise.resolve({ body: { name: 'much too long', cores: 1 } })),
  bind(route({ method: 'put', path: '/content', summary: '', action: 'image.create', body: 'stream', answer: { status: 200, schema: z.object({ bytes: z.int(), chunks: z.int() }) } }), async ({ body }) => {
    let bytes = 0;
    let chunks = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      chunks += 1;
    }
    return { body: { bytes, chunks } };
  }),
];

let server: Server;
let base: string;
const logged: { err: unknown; trace: string }[] = [];
const idempotency = new MemoryIdempotency();

beforeAll(async () => {
  const app = createApp({
    routes,
    routers: [],
    idempotency,
    checkAnswers: true,
    authenticate: (request) => {
      const role = request.headers['x-role'] as Role | undefined;
      return Promise.resolve(role === undefined ? null : { principal: principal(role), by: request.headers['x-by'] === 'cookie' ? 'cookie' : 'bearer' });
    },
    log: { error: (fields) => void logged.push(fields as (typeof logged)[number]) },
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${base}/things`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-role': 'admin', ...headers }, body });
const problem = async (response: Response): Promise<Record<string, unknown>> => {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  return (await response.json()) as Record<string, unknown>;
};

test('a good request reaches its handler, and its answer carries status, headers and no caching', async () => {
  const response = await fetch(`${base}/things/6f1c1f34-6f0e-4a52-9b53-8f0f6a1f7d11`, { headers: { 'x-role': 'student' } });
  expect(response.status).toBe(200);
  expect(response.headers.get('x-thing')).toBe('yes');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(response.headers.get('x-powered-by')).toBeNull();
  expect(await response.json()).toEqual({ name: 'a', cores: 1 });
});

test('nobody is told 401 before anything of the request is read, a lower role 403', async () => {
  const nobody = await fetch(`${base}/things`, { method: 'POST', body: 'not json' });
  expect(nobody.status).toBe(401);
  expect(nobody.headers.get('www-authenticate')).toContain('Bearer');
  expect(await problem(nobody)).toMatchObject({ code: 'unauthenticated' });
  expect((await post('not json', { 'x-role': 'student' })).status).toBe(403);
});

test('every fault of the input is named at once, the first in field and limit', async () => {
  const response = await post(JSON.stringify({ name: 'longer than five', cores: 0 }));
  expect(response.status).toBe(400);
  const answer = await problem(response);
  expect(answer).toMatchObject({ code: 'invalid-input', field: 'name', status: 400 });
  expect((answer['faults'] as { field: string }[]).map((fault) => fault.field)).toEqual(['name', 'cores']);
  expect(await problem(await post('{}'))).toMatchObject({ field: 'name', limit: 'is required, as text' });
});

test.each([
  ['malformed JSON', () => post('{"name":'), 400, 'malformed-body'],
  ['a bare string for a body', () => post('"x"'), 400, 'malformed-body'],
  ['another content type', () => post('<a/>', { 'content-type': 'text/xml' }), 415, 'unsupported-type'],
  ['a compressed body', () => post(Buffer.alloc(20), { 'content-encoding': 'gzip' }), 415, 'unsupported-type'],
  ['a body over 256 KiB', () => post(JSON.stringify({ name: 'x'.repeat(300_000), cores: 1 })), 413, 'body-too-large'],
  ['a path that is not UTF-8', () => fetch(`${base}/things/%ff`, { headers: { 'x-role': 'admin' } }), 400, 'invalid-input'],
  ['a bad path parameter', () => fetch(`${base}/things/'--`, { headers: { 'x-role': 'admin' } }), 400, 'invalid-input'],
  ['an unknown address', () => fetch(`${base}/nothing`), 404, 'not-found'],
  ['an address outside the API', () => fetch(base.replace('/api/v1', '/etc/passwd')), 404, 'not-found'],
  ['no body at all', () => fetch(`${base}/things`, { method: 'POST', headers: { 'x-role': 'admin' } }), 400, 'invalid-input'],
  ['a name that is taken', () => post(JSON.stringify({ name: 'taken', cores: 1 })), 409, 'already-exists'],
  ['a nameless idempotency key', () => post(JSON.stringify({ name: 'a', cores: 1 }), { 'idempotency-key': 'a b' }), 400, 'invalid-input'],
] as const)('%s is a problem, not a fault', async (_what, send, status, code) => {
  const before = made;
  const response = await send();
  expect(response.status).toBe(status);
  expect(await problem(response)).toMatchObject({ code, status });
  expect(made).toBe(before);
});

test('a field that the contract does not know is named, not dropped', async () => {
  const response = await post(JSON.stringify({ name: 'a', cores: 1, coresPerSocket: 2, "x'": 1 }));
  expect(response.status).toBe(400);
  const { code, faults } = await problem(response);
  expect(code).toBe('invalid-input');
  expect(faults).toEqual([
    { field: 'coresPerSocket', limit: 'is not a field of this body' },
    { field: "x'", limit: 'is not a field of this body' },
  ]);
});

test('a field is not dropped either where the whole body may be left out', () => {
  const schema = strictly(z.object({ force: z.boolean().default(false) }).prefault({}));
  expect(schema.safeParse({}).data).toEqual({ force: false });
  expect(schema.safeParse({ forse: true }).success).toBe(false);
});

test('what a form left empty in a query is not given; a name nobody knows stays one', () => {
  expect(filledIn({ cores: '', name: 'a', forse: '' }, thing)).toEqual({ name: 'a', forse: '' });
});

test('the bare address leads to the page that describes the API', async () => {
  const response = await fetch(new URL('/', base), { redirect: 'manual' });
  expect(response.status).toBe(302);
  expect(response.headers.get('location')).toBe('/api/v1/docs');
  expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
});

test('the wrong method is told which ones there are', async () => {
  const response = await fetch(`${base}/things`, { method: 'DELETE', headers: { 'x-role': 'admin' } });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('POST');
});

test('a fault of ours tells a trace and nothing else; the log has the cause under that trace', async () => {
  const response = await post(JSON.stringify({ name: 'crash', cores: 1 }));
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(text).not.toMatch(/SELECT|srv|x\.js/);
  const { trace } = JSON.parse(text) as { trace: string };
  expect(logged.find((entry) => entry.trace === trace)?.err).toBeInstanceOf(Error);
});

test('an answer that breaks its contract is found out', async () => {
  expect((await fetch(`${base}/lies`)).status).toBe(500);
});

test('the same key repeats the first answer, another body under it is refused, a refused request frees it', async () => {
  const body = JSON.stringify({ name: 'a', cores: 1 });
  const first = await post(body, { 'idempotency-key': 'k1' });
  const again = await post(body, { 'idempotency-key': 'k1' });
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(await again.json()).toEqual(await first.json());
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect([first, again].map(({ headers }) => headers.get('location'))).toEqual(['/things/reserved-k1', '/things/reserved-k1']);
  // The same request, as another client would write it.
  expect((await post(' {"cores": 1,  "name": "a"}', { 'idempotency-key': 'k1' })).headers.get('idempotency-replayed')).toBe('true');
  const other = await post(JSON.stringify({ name: 'b', cores: 1 }), { 'idempotency-key': 'k1' });
  expect(await problem(other)).toMatchObject({ status: 409, code: 'idempotency-mismatch' });
  expect((await post(JSON.stringify({ name: 'taken', cores: 1 }), { 'idempotency-key': 'k2' })).status).toBe(409);
  expect((await post(body, { 'idempotency-key': 'k2' })).status).toBe(201);
});

test('a key whose request ended in a fault is not given back: nobody knows what was made', async () => {
  expect((await post(JSON.stringify({ name: 'crash', cores: 1 }), { 'idempotency-key': 'k4' })).status).toBe(500);
  expect(idempotency.abandoned).toEqual(['u1 k4']);
  expect(idempotency.rows.has('u1 k4')).toBe(true);
});

test('a request whose twin still runs is told to ask again', async () => {
  const body = JSON.stringify({ name: 'a', cores: 1 });
  const send = () => post(body, { 'idempotency-key': 'k3' });
  await send();
  const row = idempotency.rows.get('u1 k3');
  if (row === undefined) throw new Error('the first request left no row');
  row.answer = null;
  const response = await send();
  expect(response.headers.get('retry-after')).toBe('1');
  expect(await problem(response)).toMatchObject({ code: 'conflict' });
});

test('a cookie’s unsafe request from another site is refused', async () => {
  const response = await post('{}', { 'x-by': 'cookie', origin: 'https://evil.example' });
  expect(await problem(response)).toMatchObject({ status: 403, code: 'bad-origin' });
});

test('a stream body reaches the handler unbuffered, whatever its size', async () => {
  const answer = await new Promise<{ bytes: number; chunks: number }>((resolve, reject) => {
    const request = httpRequest(`${base}/content`, { method: 'PUT', headers: { 'x-role': 'admin' } }, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => resolve(JSON.parse(text) as { bytes: number; chunks: number }));
    });
    request.on('error', reject);
    request.end(Buffer.alloc(1_000_000));
  });
  expect(answer.bytes).toBe(1_000_000);
  expect(answer.chunks).toBeGreaterThan(3);
});
