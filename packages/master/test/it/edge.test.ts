import * as shared from '@paravcl/shared/api/actions';
import type { RouteContract } from '@paravcl/shared/api/route';
import { roleSchema, type Principal, type Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import fc from 'fast-check';
import { z } from 'zod';
import { reach } from '../../src/services/policy';
import { openFleetRoutes } from './fleet-routes';
import { goodPassword, openTestSite, type Got, type Person, type TestSite } from './test-site';

let site: TestSite;
let fleet: Awaited<ReturnType<typeof openFleetRoutes>>;

beforeAll(async () => {
  fleet = await openFleetRoutes();
  site = await openTestSite({ more: fleet.routes });
}, 60_000);
afterAll(async () => {
  await site.close();
  await fleet.close();
});

const contracts = (): readonly RouteContract[] => site.routes.map((bound) => bound.contract);
const named = (contract: RouteContract): string => `${contract.method} ${contract.path}`;
const asRole = (role: Role): Principal => ({ userId: '', userName: '', role, groupIds: [], ownedGroupIds: [], sessionId: '' });
/** Every parameter as something well-formed that does not exist. */
const path = (contract: RouteContract): string => contract.path.replace(/:\w+/g, () => newId(Date.now()));

function call(contract: RouteContract, as: Person | undefined, body: unknown = {}): Promise<Got> {
  const method = contract.method.toUpperCase();
  if (contract.body === 'stream') return site.send(method, path(contract), { as, raw: 'bytes', headers: { 'content-type': 'application/octet-stream' } });
  return site.send(method, path(contract), { as, ...(contract.body === undefined ? {} : { body }) });
}

/** Someone of that role who may be logged out and edited by the calls. */
const spare = async (role: Role): Promise<Person> => site.login(site.people[role].name);

test('every action of the policy is asked by a route, and every noun is mounted', () => {
  const asked = new Set(contracts().map((contract) => contract.action));
  // Asked by the service, with a more specific route: a dedicated slave's token.
  const withoutRoute = ['join-token.create-dedicated'];
  expect(shared.actions.filter((action) => !asked.has(action) && !withoutRoute.includes(action))).toEqual([]);
  expect(contracts().length).toBeGreaterThan(45);
});

test('nobody is answered 401 by every route that is not open to anybody, before anything of the request is judged', async () => {
  for (const contract of contracts()) {
    const got = await call(contract, undefined, 'nonsense');
    expect([named(contract), got.status === 401]).toEqual([named(contract), contract.action !== 'public']);
    if (contract.action === 'public') expect(contract.summary).toMatch(/open to anybody/);
  }
});

test.each(roleSchema.options)('as a %s every route answers what the policy says, and never fails', async (role) => {
  for (const contract of contracts()) {
    const far = contract.action === 'public' || contract.action === 'authenticated' ? 'any' : reach(asRole(role), contract.action);
    const got = await call(contract, await spare(role));
    const what = `${named(contract)} as ${role}: ${got.status} ${JSON.stringify(got.body)}`;
    if (far === 'no') expect([what, got.status, got.body['code']]).toEqual([what, 403, 'forbidden']);
    else if (got.status >= 400) {
      // Things that do not exist are not found, input that says nothing is refused; nobody is turned away by role.
      expect([what, [400, 403, 404, 409].includes(got.status)]).toEqual([what, true]);
      if (got.status === 403) expect([what, got.body['code']]).toEqual([what, expect.stringMatching(/^(token-refused|forbidden)$/)]);
      if (far === 'any') expect([what, got.body['code']]).not.toEqual([what, 'forbidden']);
    }
  }
  expect(site.faults).toEqual([]);
}, 60_000);

/** Values that broke somebody's software. */
const hostile: readonly unknown[] = [
  "Robert'); DROP TABLE users; --", '" onload="alert(1)', '$(reboot)', '`id`', '../../etc/passwd', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  'x\u0000y', 'x\r\nSet-Cookie: a=b', '\u202Egnp.exe', '\uD800', '👩‍👩‍👧‍👦', 'ﷺ'.repeat(40), 'x'.repeat(10_000), '', ' ', '%s%n', '{{7*7}}',
  0, -1, -0.5, 1.5, 1e308, 2 ** 53, Number.MAX_SAFE_INTEGER, '0', '1e9', 'NaN', true, false, null, [], {}, [[]], ['x'], { $gt: '' }, { __proto__: { admin: true } },
  { toString: 'x', length: -1 },
];

const faultFields = (got: Got): string[] => ((got.body['faults'] ?? []) as { field: string }[]).map((fault) => fault.field);

/** The body's fields; none for a stream or no body. */
function fieldsOf(contract: RouteContract): string[] {
  const body = contract.body;
  return body instanceof z.ZodObject ? Object.keys(body.shape) : [];
}

const countedTables = ['users', 'user_groups', 'memberships', 'one_time_tokens', 'images', 'image_families', 'templates', 'instances', 'addresses', 'operations', 'join_tokens', 'slaves'];
const countThem = `SELECT ${countedTables.map((table) => `(SELECT COUNT(*) FROM ${table}) AS ${table}`).join(', ')}`;
async function counts(): Promise<Record<string, number>> {
  const [[row]] = (await site.database.db.raw(countThem)) as [[Record<string, number>]];
  return row;
}

test('a hostile value in any field of any body is refused by name or is only data; nothing half made, never a fault', async () => {
  const admin = await spare('admin');
  let before = await counts();
  for (const contract of contracts().filter((each) => fieldsOf(each).length > 0)) {
    for (const field of fieldsOf(contract)) {
      for (const value of hostile) {
        const body = { [field]: value };
        // Failures count against the address; what is tried here is not how many one may have.
        if (contract.action === 'public' || contract.path === '/me') await site.database.db('login_failures').delete();
        const got = await call(contract, contract.action === 'public' ? undefined : admin, body);
        const what = `${named(contract)} ${field}=${String(JSON.stringify(value)).slice(0, 60)}: ${got.status}`;
        expect([what, got.status < 500]).toEqual([what, true]);
        if (got.status < 400) {
          before = await counts();
          continue;
        }
        expect([what, await counts()]).toEqual([what, before]);
        const parsed = (contract.body as z.ZodType).safeParse(JSON.parse(JSON.stringify(body)));
        const atFault = parsed.success ? [] : parsed.error.issues.map((issue) => String(issue.path[0]));
        if (atFault.includes(field)) {
          expect([what, got.body['code']]).toEqual([what, 'invalid-input']);
          expect([what, faultFields(got).some((named) => named.split('.')[0] === field)]).toEqual([what, true]);
        }
      }
    }
  }
  expect(site.faults).toEqual([]);
}, 240_000);

test('hostile path parameters and queries are refused or find nothing', async () => {
  const admin = await spare('admin');
  for (const contract of contracts().filter((each) => each.method === 'get')) {
    for (const value of hostile.filter((each): each is string => typeof each === 'string' && each !== '\uD800' && each.trim() !== '' && !each.startsWith('..')).map((each) => each.slice(0, 2000))) {
      const params = await site.send('GET', contract.path.replace(/:\w+/g, () => encodeURIComponent(value)), { as: admin });
      const complete = contract.params === undefined && (contract.query === undefined || contract.query.safeParse({}).success);
      expect([named(contract), params.status]).toEqual([named(contract), complete ? 200 : 400]);
      const keys = Object.keys(contract.query?.shape ?? {});
      if (keys.length === 0) continue;
      // All of them together below what a request's head may have: above that it is refused before anybody reads it.
      const part = value.slice(0, Math.floor(4000 / keys.length));
      const query = keys.map((key) => `${key}=${encodeURIComponent(part)}&${key}=1`).join('&');
      const got = await site.send('GET', `${path(contract)}?${query}`, { as: admin });
      expect(got.status).toBe(400);
      expect(keys).toEqual(expect.arrayContaining(faultFields(got)));
    }
  }
  expect(site.faults).toEqual([]);
}, 120_000);

test('any JSON at all as a body of any route is answered, and what is refused made nothing', async () => {
  const admin = await spare('admin');
  const takingBodies = contracts().filter((each) => each.body !== undefined && each.body !== 'stream' && each.path !== '/sessions');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...takingBodies.map(named)), fc.json({ maxDepth: 4, stringUnit: 'binary' }), async (name, text) => {
      const contract = takingBodies.find((each) => named(each) === name);
      if (contract === undefined) throw new Error(name);
      const before = await counts();
      await site.database.db('login_failures').delete();
      const got = await site.send(contract.method.toUpperCase(), path(contract), { as: admin, raw: text });
      expect(got.status).toBeLessThan(500);
      if (got.status >= 400) expect(await counts()).toEqual(before);
    }),
    { numRuns: 150 },
  );
  expect(site.faults).toEqual([]);
}, 120_000);

describe('names are only data', () => {
  const names = ["O'Hara \"$(id)\" <b>&amp;", '김철수 🎓', '`;--', '\\%_\\'];
  test.each(names)('%s is kept to the letter', async (displayName) => {
    const made = await site.send<{ id: string }>('POST', '/groups', { as: site.people.teacher, body: { name: displayName } });
    expect(made.body).toMatchObject({ name: displayName });
    const listed = await site.send<{ items: { id: string }[] }>('GET', `/groups?name=${encodeURIComponent(displayName)}`, { as: site.people.teacher });
    expect(listed.body.items.map((group) => group.id)).toEqual([made.body.id]);
  });

  test.each([
    ['10,000 characters', 'x'.repeat(10_000)],
    ['a line end', 'a\nb'],
    ['an invisible character', 'a\u200Bb'],
    ['nothing', '   '],
  ])('%s for a name is refused by its field', async (_what, name) => {
    const got = await site.send('POST', '/groups', { as: site.people.teacher, body: { name } });
    expect(got.body).toMatchObject({ status: 400, code: 'invalid-input', field: 'name' });
  });
});

test('bodies beyond 256 KiB, headers without end and nesting without end are refused', async () => {
  const admin = site.people.admin;
  const big = await site.send('POST', '/groups', { as: admin, body: { name: 'x', description: 'x'.repeat(300_000) } });
  expect(big.status).toBe(413);
  const deep = await site.send('POST', '/groups', { as: admin, raw: '['.repeat(100_000) + ']'.repeat(100_000) });
  expect(deep.status).toBe(400);
  expect((await site.send('GET', '/me', { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
});

test('a password never comes back, not in an answer, an event or a row', async () => {
  const tables = ['events', 'users', 'sessions', 'idempotency_keys', 'login_failures', 'one_time_tokens'];
  for (const table of tables) expect(JSON.stringify(await site.database.db(table).select('*'))).not.toContain(goodPassword);
});
