import { agentEnrolPath } from '@paravcl/shared/protocol/version';
import type { AgentDouble } from './agent-double';
import { person, startLinkServer, type LinkServer } from './link-server';

let server: LinkServer;
beforeAll(async () => {
  server = await startLinkServer();
});
afterAll(() => server.close());

const slaveCount = async (): Promise<number> => Number((await server.db('slaves').count({ n: '*' }).first())?.['n']);

test('a machine enrols with a token, once; the token is stored only as a hash', async () => {
  const token = await server.token();
  const agent = server.agent('lab-pc-01');
  const answer = await agent.enrol(token, server.post);
  expect(answer).toMatchObject({ status: 201, body: { admission: 'pending' } });
  expect(await server.unit.read.slaves.find(agent.slaveId)).toMatchObject({ name: 'lab-pc-01', kind: 'dedicated', admission: 'pending', liveness: 'lost', enrolledAddress: '127.0.0.1' });
  const rows = JSON.stringify(await server.db('join_tokens')) + JSON.stringify(await server.db('events'));
  expect(rows).not.toContain(token.split('.')[1]);

  const second = await server.agent().enrol(token, server.post);
  expect(second).toMatchObject({ status: 403, body: { code: 'token-refused', detail: expect.stringContaining('used already') as string } });
});

test('the same machine asking again with its token is given the same answer: the first may have been lost', async () => {
  const token = await server.token();
  const agent = server.agent();
  const first = await agent.enrol(token, server.post);
  expect(await agent.enrol(token, server.post)).toEqual(first);
});

test('a wrong token is refused without a word of what exists; an expired and a revoked one say so to their holder', async () => {
  const before = await slaveCount();
  const refusal = async (token: string): Promise<string> => {
    const { status, body } = await server.agent().enrol(token, server.post);
    expect({ status, code: body['code'] }).toEqual({ status: 403, code: 'token-refused' });
    return String(body['detail']);
  };
  const wrong = await refusal(`pvj1.${'A'.repeat(43)}.-`);
  expect(await refusal('something else altogether')).toBe(wrong);
  expect(wrong).toBe('This join token is wrong. Copy it whole, or ask for a new one.');

  const expired = await server.token({ lifetimeMinutes: 1 });
  server.clock.advance(60_000);
  expect(await refusal(expired)).toContain('expired at 2026-03-02T08:01:00.000Z');

  const made = await server.tokens.create(server.admin, { preapproved: false, note: '', lifetimeMinutes: 5 }, '127.0.0.1');
  await server.tokens.revoke(server.admin, made.joinToken.id, '127.0.0.1');
  expect(await refusal(made.token)).toContain('was revoked');
  expect(await slaveCount()).toBe(before);
});

test('of ten machines that use one token at the same moment, one gets in and leaves nothing half made', async () => {
  const token = await server.token();
  const before = await slaveCount();
  const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => server.agent(`race-${index}`).enrol(token, server.post)));
  expect(answers.map((answer) => answer.status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 403)]);
  expect(await slaveCount()).toBe(before + 1);
});

test('ten machines of one name that enrol at the same moment get ten names', async () => {
  const tokens = await Promise.all(Array.from({ length: 10 }, () => server.token()));
  const answers = await Promise.all(tokens.map((token) => server.agent('debian').enrol(token, server.post)));
  expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 10 }, () => 201));
  const names = (await server.db('slaves').where('name', 'like', 'debian%').orderBy('name').pluck('name')) as string[];
  expect(names.sort()).toEqual(['debian', 'debian-10', ...Array.from({ length: 8 }, (_, index) => `debian-${index + 2}`)].sort());
});

test('a machine id that belongs to a slave is refused until that slave is retired', async () => {
  const agent = await server.enrolled('approved', 'original');
  const clone = server.agent('clone');
  clone.identity.machineId = agent.identity.machineId;
  const token = await server.token();
  const refused = await clone.enrol(token, server.post);
  expect(refused).toMatchObject({ status: 409, body: { code: 'already-exists', field: 'machineId', detail: expect.stringContaining('retire original first') as string } });
  await server.slaves.retire(server.admin, agent.slaveId, false, '127.0.0.1');
  // The token was not used up by the refusal.
  expect(await clone.enrol(token, server.post)).toMatchObject({ status: 201 });
});

test('one machine enrolling twice at the same moment with two tokens becomes one slave', async () => {
  for (let round = 0; round < 5; round++) {
    const [one, other] = [server.agent(), server.agent()];
    other.identity.machineId = one.identity.machineId;
    const tokens = [await server.token(), await server.token()] as const;
    const answers = await Promise.all([one.enrol(tokens[0], server.post), other.enrol(tokens[1], server.post)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409]);
  }
});

test('a key that belongs to another slave is refused', async () => {
  const agent = await server.enrolled();
  const thief: AgentDouble = server.agent();
  thief.identity.publicKey = agent.identity.publicKey;
  expect(await thief.enrol(await server.token(), server.post)).toMatchObject({ status: 409, body: { code: 'already-exists', field: 'publicKey' } });
});

test('a token for the machine of somebody whose account was disabled since lets nobody in, until the account is enabled again', async () => {
  const users = server.unit.read.users;
  const [leaving, staying] = [person('student', 'leaving'), person('student', 'staying')];
  for (const { userId, userName } of [leaving, staying]) await users.insert({ id: userId, name: userName, displayName: userName, role: 'student', passwordHash: null, primaryGroupId: null, sshPublicKeys: [] }, server.clock.now());
  const tokens = [await server.token({}, leaving), (await server.tokens.create(server.admin, { kind: 'volunteer', ownerUserId: leaving.userId, preapproved: true, note: '', lifetimeMinutes: 60 }, '127.0.0.1')).token];
  const other = await server.token({}, staying);
  await users.update(leaving.userId, { disabled: true });
  const before = await slaveCount();
  for (const token of tokens) {
    expect(await server.agent().enrol(token, server.post)).toMatchObject({ status: 403, body: { code: 'token-refused', field: 'token', detail: expect.stringContaining('the account of leaving, whose machine this would be, is disabled') as string } });
  }
  expect(await slaveCount()).toBe(before);
  expect(await server.agent().enrol(other, server.post)).toMatchObject({ status: 201 });
  await users.update(leaving.userId, { disabled: false });
  const [own = ''] = tokens;
  const agent = server.agent();
  const enrolled = await agent.enrol(own, server.post);
  expect(enrolled).toMatchObject({ status: 201 });
  // What is theirs already is answered as before.
  await users.update(leaving.userId, { disabled: true });
  expect(await agent.enrol(own, server.post)).toEqual(enrolled);
});

test('a preapproved token lets the machine take part at once', async () => {
  expect(await server.agent().enrol(await server.token({ preapproved: true }), server.post)).toMatchObject({ status: 201, body: { admission: 'approved' } });
});

test('bad input is refused naming the field, and makes nothing', async () => {
  const before = await slaveCount();
  const good = server.agent().enrolmentRequest(await server.token());
  const bad: [string, object][] = [
    ['machineId', { ...good, machineId: '$(reboot)' }],
    ['macs', { ...good, macs: [] }],
    ['publicKey', { ...good, publicKey: 'x'.repeat(60) }],
    ['name', { ...good, name: 'evil\u202ename' }],
    ['name', { ...good, name: 'n'.repeat(10_000) }],
    ['describe.cores', { ...good, describe: { ...good.describe, cores: -1 } }],
  ];
  for (const [field, body] of bad) {
    const answer = await server.post(agentEnrolPath, body);
    expect({ status: answer.status, ...(answer.body as object) }).toMatchObject({ status: 400, code: 'invalid-input', field: expect.stringContaining(field) as string });
  }
  expect(await server.ask('POST', agentEnrolPath, null, { filler: 'x'.repeat(300_000) })).toMatchObject({ status: 413 });
  expect(await slaveCount()).toBe(before);
});

test('who is refused again and again is told to wait, and how long', async () => {
  const strict = await startLinkServer({ refusals: 3 });
  try {
    const attempt = () => strict.agent().enrol(`pvj1.${'B'.repeat(43)}.-`, strict.post);
    for (let count = 0; count < 3; count++) expect(await attempt()).toMatchObject({ status: 403 });
    expect(await attempt()).toMatchObject({ status: 429, body: { code: 'rate-limited', retryAfterSeconds: 60 } });
    strict.clock.advance(60_000);
    expect(await attempt()).toMatchObject({ status: 403 });
  } finally {
    await strict.close();
  }
});

test('anybody may ask for a token for an own machine; only operators and admins for a dedicated or preapproved one', async () => {
  const student = person('student', 'alice');
  const path = '/api/v1/join-tokens';
  const own = await server.ask('POST', path, student, { note: 'my laptop' });
  expect(own).toMatchObject({ status: 201, body: { joinToken: { kind: 'volunteer', ownerUserId: student.userId, preapproved: false, state: 'open', note: 'my laptop' } } });
  const { token, command, commandThatAsks } = own.body as Record<string, string>;
  expect(command).toBe(`paravcl-slave enrol --master https://master.example:8443 --token-file - <<'TOKEN'\n${token ?? ''}\nTOKEN`);
  expect(command?.split('\n')[0]).not.toContain(token);
  expect(commandThatAsks).not.toContain(token);
  expect(await server.ask('POST', path, student, { kind: 'dedicated' })).toMatchObject({ status: 403, body: { field: 'kind' } });
  expect(await server.ask('POST', path, student, { preapproved: true })).toMatchObject({ status: 403, body: { field: 'preapproved' } });
  expect(await server.ask('POST', path, person('operator'), { preapproved: true })).toMatchObject({ status: 201, body: { joinToken: { kind: 'dedicated', ownerUserId: null } } });
  expect(await server.ask('POST', path, student, { lifetimeMinutes: 10_081 })).toMatchObject({ status: 400, body: { field: 'lifetimeMinutes' } });
  expect(await server.ask('POST', path, null, {})).toMatchObject({ status: 401 });

  const agent = server.agent();
  await agent.enrol(token ?? '', server.post);
  expect(await server.unit.read.slaves.find(agent.slaveId)).toMatchObject({ kind: 'volunteer', ownerUserId: student.userId, admission: 'pending' });
});

test('tokens are listed to who made them and to operators, and revoked by them', async () => {
  const [alice, bob] = [person('student', 'alice'), person('student', 'bob')];
  const create = async () => ((await server.ask('POST', '/api/v1/join-tokens', alice, {})).body as { joinToken: { id: string } }).joinToken.id;
  const ids = [await create(), await create(), await create()];
  const list = async (as: typeof alice, query = '') => (await server.ask('GET', `/api/v1/join-tokens${query}`, as)).body as { items: { id: string; state: string }[]; next: string | null };
  expect((await list(alice)).items.map((item) => item.id).sort()).toEqual([...ids].sort());
  expect((await list(bob)).items).toEqual([]);
  expect((await list(person('operator'), '?limit=200')).items.map((item) => item.id)).toEqual(expect.arrayContaining(ids));
  const page = await list(alice, '?limit=2');
  expect(page.items).toHaveLength(2);
  expect((await list(alice, `?limit=2&cursor=${page.next ?? ''}`)).items).toHaveLength(1);

  const [id] = ids;
  expect(await server.ask('DELETE', `/api/v1/join-tokens/${id ?? ''}`, bob)).toMatchObject({ status: 404 });
  expect(await server.ask('DELETE', `/api/v1/join-tokens/${id ?? ''}`, alice)).toMatchObject({ status: 204 });
  expect(await server.ask('DELETE', `/api/v1/join-tokens/${id ?? ''}`, alice)).toMatchObject({ status: 204 });
  expect((await list(alice, '?state=revoked')).items.map((item) => item.id)).toEqual([id]);
  expect((await list(alice, '?state=open')).items).toHaveLength(2);
  server.clock.advance(3_600_000);
  expect((await list(alice, '?state=expired')).items).toHaveLength(2);
});
