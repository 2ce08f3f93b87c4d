import type { ApiToken } from '@paravcl/shared/api/api-tokens';
import { HousekeepingJob } from '../../src/jobs/housekeeping-job';
import { HandClock } from './hand-clock';
import { goodPassword, openTestSite, type Person, type TestSite } from './test-site';

const dayMs = 24 * 3_600_000;
const clock = new HandClock(Date.parse('2026-03-02T08:00:00.000Z'));
let site: TestSite;
let alice: Person;
let bob: Person;
let carol: Person;
let dan: Person;

beforeAll(async () => {
  site = await openTestSite({ clock });
  [alice, bob, carol, dan] = [await site.person('alice', 'student'), await site.person('bob', 'student'), await site.person('carol', 'student'), await site.person('dan', 'student')];
});
afterAll(() => site.close());
afterEach(() => expect(site.faults).toEqual([]));

interface Made {
  readonly apiToken: ApiToken;
  readonly token: string;
}
const make = async (body: object, as = alice): Promise<Made & { readonly bearer: Person }> => {
  const { status, body: made } = await site.send<Made>('POST', '/api-tokens', { as, body: { name: 'script', ...body } });
  expect(status).toBe(201);
  return { ...made, bearer: { ...as, token: made.token } };
};
const list = async (as = alice): Promise<readonly ApiToken[]> => (await site.send<{ items: ApiToken[] }>('GET', '/api-tokens', { as })).body.items;
const sentence = async (sent: Promise<{ readonly status: number; readonly body: unknown }>): Promise<readonly [number, unknown]> => {
  const { status, body } = await sent;
  return [status, (body as { readonly detail: unknown }).detail];
};

test('a token is shown once and kept as a hash', async () => {
  const { token, apiToken } = await make({ name: 'backup', scope: 'read', days: 30 });
  expect(token).toMatch(/^pva_[\w-]{43}$/);
  expect(apiToken).toMatchObject({ name: 'backup', scope: 'read', hint: token.slice(0, 10), lastUsedAt: null, expiresAt: new Date(clock.now() + 30 * dayMs).toISOString() });
  expect(await list()).toEqual([apiToken]);
  expect(JSON.stringify(await site.database.db('api_tokens'))).not.toContain(token.slice(11));
  expect(JSON.stringify(await site.database.db('events'))).not.toContain(token.slice(11));
});

test('full may what its owner may, read may only look', async () => {
  const [full, read] = [await make({ scope: 'full' }), await make({ scope: 'read' })];
  expect((await site.send('PATCH', '/me', { as: full.bearer, body: { displayName: 'Alice A.' } })).status).toBe(200);
  expect((await site.send<{ user: { displayName: string } }>('GET', '/me', { as: read.bearer })).body.user.displayName).toBe('Alice A.');
  expect(await sentence(site.send('PATCH', '/me', { as: read.bearer, body: { displayName: 'X' } }))).toEqual([403, 'This API token may only look (scope read). Make one with the scope full to change things.']);
  expect((await site.send('GET', '/events', { as: full.bearer })).status).toBe(403);
});

test('with a token nobody makes or revokes tokens, changes the password, SSH keys or mail address, or logs out', async () => {
  const { bearer, apiToken } = await make({});
  expect(await sentence(site.send('POST', '/api-tokens', { as: bearer, body: { name: 'heir' } }))).toEqual([403, 'An API token cannot make API tokens. Log in and do it there.']);
  expect((await site.send('DELETE', `/api-tokens/${apiToken.id}`, { as: bearer })).status).toBe(403);
  expect((await site.send('PATCH', '/me', { as: bearer, body: { password: { old: goodPassword, new: 'nine keys eat a sparrow' } } })).status).toBe(403);
  expect(await sentence(site.send('PATCH', '/me', { as: bearer, body: { sshPublicKeys: [] } }))).toEqual([403, 'An API token cannot change SSH keys. Log in and do it there.']);
  // Notices would go elsewhere, also once it is revoked.
  const noMail = [403, 'An API token cannot change the mail address. Log in and do it there.'];
  for (const path of ['/me', `/users/${alice.id}`]) {
    for (const mail of ['else@example.org', null]) expect(await sentence(site.send('PATCH', path, { as: bearer, body: { mail } }))).toEqual(noMail);
  }
  expect((await site.send<{ user: { mail: unknown } }>('GET', '/me', { as: alice })).body.user.mail).toBeNull();
  expect((await site.send('PATCH', '/me', { as: alice, body: { mail: 'alice@example.org' } })).status).toBe(200);
  expect((await site.send('DELETE', '/sessions/current', { as: bearer })).status).toBe(403);
  expect((await list(bearer)).map(({ id }) => id)).toContain(apiToken.id);
});

test('with a token an administrator changes the mail address of others, and makes no password token for the own account', async () => {
  const { bearer } = await make({}, site.people.admin);
  expect((await site.send('PATCH', `/users/${alice.id}`, { as: bearer, body: { mail: 'alice@example.net' } })).status).toBe(200);
  expect((await site.send('POST', `/users/${alice.id}/password-token`, { as: bearer })).status).toBe(201);
  expect(await sentence(site.send('POST', `/users/${site.people.admin.id}/password-token`, { as: bearer }))).toEqual([403, 'An API token cannot change the password. Log in and do it there.']);
});

test('a token is no cookie', async () => {
  const { token } = await make({});
  expect((await site.send('GET', '/me', { headers: { cookie: `__Host-paravcl=${token}` } })).status).toBe(401);
});

test('its use is noted at most once a minute, and it ends with its time', async () => {
  const { bearer, apiToken } = await make({ days: 1 });
  const used = async (): Promise<string | null | undefined> => (await list()).find(({ id }) => id === apiToken.id)?.lastUsedAt;
  const first = new Date(clock.now()).toISOString();
  await site.send('GET', '/me', { as: bearer });
  clock.advance(59_000);
  await site.send('GET', '/me', { as: bearer });
  expect(await used()).toBe(first);
  clock.advance(1000);
  await site.send('GET', '/me', { as: bearer });
  expect(await used()).toBe(new Date(clock.now()).toISOString());
  clock.advance(dayMs - 60_001);
  alice = await site.login('alice');
  expect((await site.send('GET', '/me', { as: bearer })).status).toBe(200);
  clock.advance(1);
  expect((await site.send('GET', '/me', { as: bearer })).status).toBe(401);
});

test('only its owner revokes it, and then it opens nothing', async () => {
  const { bearer, apiToken } = await make({});
  bob = await site.login('bob');
  expect(await list(bob)).toEqual([]);
  expect((await site.send('DELETE', `/api-tokens/${apiToken.id}`, { as: bob })).status).toBe(404);
  expect((await site.send('DELETE', `/api-tokens/${apiToken.id}`, { as: alice })).status).toBe(204);
  expect((await site.send('GET', '/me', { as: bearer })).status).toBe(401);
  const operator = await site.login('operator1');
  const events = await site.send<{ items: { kind: string; sentence: string }[] }>('GET', '/events?kind=api-token.revoked', { as: operator });
  expect(events.body.items[0]?.sentence).toBe(`alice revoked the API token ${apiToken.hint}… (script).`);
});

test('one of a disabled person does nothing', async () => {
  carol = await site.login('carol');
  const { bearer } = await make({}, carol);
  const admin = await site.login('admin1');
  expect((await site.send('PATCH', `/users/${carol.id}`, { as: admin, body: { disabled: true } })).status).toBe(200);
  expect((await site.send('GET', '/me', { as: bearer })).status).toBe(401);
});

test('nobody has more than fifty', async () => {
  dan = await site.login('dan');
  const answers = await Promise.all(Array.from({ length: 52 }, () => site.send('POST', '/api-tokens', { as: dan, body: { name: 'many' } })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
  expect(answers.find(({ status }) => status === 409)?.body['detail']).toBe('You have 50 API tokens, the most one person may have. Revoke one that you do not use any more.');
});

test('expired ones are forgotten after 30 days', async () => {
  bob = await site.login('bob');
  const { apiToken } = await make({ days: 1 }, bob);
  const far = 3650 * dayMs;
  const job = new HousekeepingJob(site.database.unit, clock, {
    sessionIdleMs: far, loginFailuresMs: far, commandsMs: far, operationsMs: far, oneTimeTokensMs: far, eventsMs: far, deletedInstancesMs: far, joinTokensMs: far, decisionsMs: far, decisionInputsMs: far, noticesMs: far,
  });
  const there = async (): Promise<boolean> => {
    await job.run((error) => {
      throw error as Error;
    });
    return (await site.database.db('api_tokens').where({ id: apiToken.id }).first('id')) !== undefined;
  };
  clock.advance(31 * dayMs);
  expect(await there()).toBe(true);
  clock.advance(1);
  expect(await there()).toBe(false);
});
