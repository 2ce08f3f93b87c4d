import { newId } from '@paravcl/shared/ids';
import type { Slave } from '@paravcl/shared/domain/slave';
import { plainDescribe, type AgentDouble } from './agent-double';
import { person, startLinkServer, type LinkServer } from './link-server';

let server: LinkServer;
const agents: AgentDouble[] = [];
beforeAll(async () => {
  server = await startLinkServer();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.end();
});
afterAll(() => server.close());

const enrolled = async (admission: 'approved' | 'pending' = 'approved', name?: string): Promise<AgentDouble> => {
  const agent = await server.enrolled(admission, name);
  agents.push(agent);
  return agent;
};
const path = (agent: AgentDouble, verb = ''): string => `/api/v1/slaves/${agent.slaveId}${verb}`;
const operator = person('operator', 'olga');

let made = 0;
async function instanceOn(slaveId: string, observed: string, size: { vcpus: number; ramMiB: number; diskMiB: number }): Promise<string> {
  const now = new Date();
  const name = `i-test-${++made}`;
  await server.db('instances').insert({
    id: newId(now.getTime()), name, type: 'BE', user_id: newId(1), image_id: newId(1), kernel_arguments: '', vcpus: size.vcpus, ram_mib: size.ramMiB, disk_mib: size.diskMiB,
    ssh_public_keys: '[]', slave_id: slaveId, desired: 'running', observed, generation: 1, created_at: now, changed_at: now,
  });
  return name;
}
const size = { vcpus: 2, ramMiB: 512, diskMiB: 1000 };

test('a slave is shown with what it lends, and what instances hold of it: compute by those that run, disk by all that are not gone', async () => {
  const agent = await enrolled();
  await instanceOn(agent.slaveId, 'running', size);
  await instanceOn(agent.slaveId, 'lost', size);
  await instanceOn(agent.slaveId, 'suspended', size);
  await instanceOn(agent.slaveId, 'deleted', size);
  const answer = await server.ask('GET', path(agent), operator);
  const { cores, ramTotalMiB } = plainDescribe('02:00:00:00:00:01');
  expect(answer).toMatchObject({ status: 200, body: { id: agent.slaveId, admission: 'approved', lent: { vcpus: cores, ramMiB: ramTotalMiB - 512 }, used: { vcpus: 4, ramMiB: 1024, diskMiB: 3000, instances: 3 } } });
});

test('lists are filtered, paged, and leave retired slaves out unless asked for', async () => {
  const gone = await enrolled('approved', 'filter-gone');
  const waits = await enrolled('pending', 'filter-waits');
  const online = await enrolled('approved', 'filter-online');
  await online.connect();
  await server.ask('POST', path(gone, '/retire'), operator);
  const names = async (query: string): Promise<string[]> => {
    const { body } = await server.ask('GET', `/api/v1/slaves?${query}`, operator);
    return (body as { items: Slave[] }).items.map((slave) => slave.name).sort();
  };
  expect(await names('name=filter-')).toEqual(['filter-online', 'filter-waits']);
  expect(await names('name=filter-&admission=pending')).toEqual(['filter-waits']);
  expect(await names('name=filter-&admission=retired')).toEqual(['filter-gone (retired 2026-03-02)']);
  expect(await names('name=filter-&liveness=online')).toEqual(['filter-online']);
  expect(await names('name=filter_')).toEqual([]);
  expect(await names('name=filter-&kind=volunteer')).toEqual([]);
  const first = (await server.ask('GET', '/api/v1/slaves?name=filter-&limit=1', operator)).body as { items: Slave[]; next: string };
  const second = (await server.ask('GET', `/api/v1/slaves?name=filter-&limit=1&cursor=${first.next}`, operator)).body as { items: Slave[]; next: string | null };
  expect([...first.items, ...second.items].map((slave) => slave.name).sort()).toEqual(['filter-online', 'filter-waits']);
  expect(second.next).toBeNull();
  expect(await server.ask('GET', '/api/v1/slaves?cursor=%27OR%201', operator)).toMatchObject({ status: 400, body: { field: 'cursor' } });
  expect(waits.slaveId).not.toBe('');
});

test('people see their own machine and nobody else’s, and operate neither', async () => {
  const [alice, bob] = [person('student', 'alice'), person('teacher', 'bob')];
  const agent = server.agent();
  await agent.enrol(await server.token({}, alice), server.post);
  const other = await enrolled();
  expect(((await server.ask('GET', '/api/v1/slaves', alice)).body as { items: Slave[] }).items.map((slave) => slave.id)).toEqual([agent.slaveId]);
  expect(((await server.ask('GET', '/api/v1/slaves', bob)).body as { items: Slave[] }).items).toEqual([]);
  expect(((await server.ask('GET', `/api/v1/slaves?ownerUserId=${alice.userId}`, bob)).body as { items: Slave[] }).items).toEqual([]);
  expect(await server.ask('GET', path(agent), alice)).toMatchObject({ status: 200 });
  expect(await server.ask('GET', path(agent, '/describe'), bob)).toMatchObject({ status: 404 });
  expect(await server.ask('GET', path(other), alice)).toMatchObject({ status: 404 });
  expect(await server.ask('POST', path(agent, '/approve'), alice, {})).toMatchObject({ status: 403 });
  expect(await server.ask('POST', path(agent, '/drain'), alice)).toMatchObject({ status: 403 });
  expect(await server.ask('GET', path(agent), null)).toMatchObject({ status: 401 });
});

test('approval, draining and its end, each once, each told to the agent and written down', async () => {
  const agent = await enrolled('pending', 'walks');
  await agent.connect();
  const step = async (verb: string, admission: string): Promise<void> => {
    expect(await server.ask('POST', path(agent, verb), operator, {})).toMatchObject({ status: 200, body: { admission, admissionReason: null } });
    expect((await agent.expect('admission')).payload.admission).toBe(admission);
    const again = await server.ask('POST', path(agent, verb), operator, {});
    expect(again).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining(`walks is ${admission}`) as string } });
  };
  await step('/approve', 'approved');
  await step('/drain', 'draining');
  await step('/undrain', 'approved');
  expect(await server.ask('POST', path(agent, '/undrain'), operator, {})).toMatchObject({ body: { detail: expect.stringMatching(/; only a host that is draining can be put back into the pool\.$/) as string } });
  expect(await server.eventsOf(agent.slaveId)).toEqual(['slave.approved', 'slave.draining', 'slave.enrolled', 'slave.online', 'slave.undrained']);
  const [event] = await server.db('events').where({ subject_id: agent.slaveId, kind: 'slave.draining' });
  expect(event).toMatchObject({ actor: 'user olga', actor_user_id: operator.userId, client_address: '127.0.0.1', sentence: 'olga began to drain walks.' });
  expect(server.reports.changes.filter((id) => id === agent.slaveId).length).toBeGreaterThanOrEqual(3);
});

test('a slave with instances is retired only by force; then its session ends and its key is refused', async () => {
  const agent = await enrolled('approved', 'full');
  await agent.connect();
  const name = await instanceOn(agent.slaveId, 'running', size);
  expect(await server.ask('POST', path(agent, '/retire'), operator, {})).toMatchObject({ status: 409, body: { code: 'in-use', detail: expect.stringContaining(`1 instance (${name}) lives on full. Evacuate it first (paravcl slaves evacuate full)`) as string } });
  expect((await server.admissionOf(agent)).admission).toBe('approved');
  expect(await server.ask('POST', path(agent, '/retire'), operator, { force: true })).toMatchObject({ status: 200, body: { admission: 'retired' } });
  expect((await agent.expect('admission')).payload.admission).toBe('retired');
  expect((await agent.expect('refused')).payload.code).toBe('retired');
  await agent.closed();
  await agent.greet();
  expect((await agent.expect('refused')).payload.code).toBe('retired');
  expect(await server.ask('POST', path(agent, '/approve'), operator, {})).toMatchObject({ status: 409 });
});

test('what follows a retirement or a loss is caught up with when it was cut short', async () => {
  const agent = await enrolled('approved', 'cut-short');
  const name = await instanceOn(agent.slaveId, 'running', size);
  const job = server.liveness();
  server.reports.fault = new Error('the master is killed here');
  await expect(server.slaves.retire(operator, agent.slaveId, true, '127.0.0.1')).rejects.toThrow('killed here');
  expect((await server.admissionOf(agent)).admission).toBe('retired');
  const told = (): number => server.reports.changes.filter((id) => id === agent.slaveId).length;
  expect(told()).toBe(1);
  await job.run();
  await job.run();
  expect(told()).toBe(3);
  await server.db('instances').where({ name }).update({ observed: 'lost', reason_code: 'DomainLost', reason_sentence: 'gone' });
  await job.run();
  expect(told()).toBe(3);

  const lost = await enrolled('approved', 'lost-halfway');
  await server.db('slaves').where({ id: lost.slaveId }).update({ liveness: 'lost' });
  const on = await instanceOn(lost.slaveId, 'running', size);
  const failed = await instanceOn(lost.slaveId, 'failed', size);
  expect(await server.unit.read.slaves.withUntoldLoss()).toContain(lost.slaveId);
  await server.db('instances').where({ name: on }).update({ observed: 'lost' });
  expect(await server.unit.read.slaves.withUntoldLoss()).not.toContain(lost.slaveId);
  expect(failed).not.toBe('');
});

test('a machine that was retired enrols again under its old name, and is retired again', async () => {
  for (const listed of ['again (retired 2026-03-02)', 'again (retired 2026-03-02)-2']) {
    const agent = await enrolled('approved', 'again');
    expect(await server.ask('GET', path(agent), operator)).toMatchObject({ body: { name: 'again' } });
    expect(await server.ask('POST', path(agent, '/retire'), operator)).toMatchObject({ status: 200, body: { name: listed, admission: 'retired' } });
  }
  const longest = 'x'.repeat(100);
  const agent = await enrolled('approved', longest);
  expect(await server.ask('POST', path(agent, '/retire'), operator)).toMatchObject({ status: 200, body: { name: `${'x'.repeat(75)} (retired 2026-03-02)` } });
});

test('name, kind and owner are edited; a taken name, a volunteer without owner, an unknown owner are refused', async () => {
  const agent = await enrolled('approved', 'edit-me');
  await enrolled('approved', 'edit-taken');
  const owner = newId(Date.now());
  await server.db('users').insert({ id: owner, name: 'carol', display_name: 'Carol', role: 'student', ssh_public_keys: '[]', disabled: 0, created_at: new Date() });
  const edit = (body: object) => server.ask('PATCH', path(agent), operator, body);
  expect(await edit({ name: 'edited "\u00e9" $(x)' })).toMatchObject({ status: 200, body: { name: 'edited "\u00e9" $(x)' } });
  expect(await edit({ name: 'EDIT-taken' })).toMatchObject({ status: 409, body: { code: 'already-exists', field: 'name' } });
  expect(await edit({ kind: 'volunteer' })).toMatchObject({ status: 400, body: { field: 'ownerUserId' } });
  expect(await edit({ kind: 'volunteer', ownerUserId: newId(1) })).toMatchObject({ status: 400, body: { field: 'ownerUserId' } });
  expect(await edit({ kind: 'volunteer', ownerUserId: owner })).toMatchObject({ status: 200, body: { kind: 'volunteer', ownerUserId: owner } });
  expect(await edit({ kind: 'dedicated' })).toMatchObject({ status: 200, body: { kind: 'dedicated', ownerUserId: null } });
  expect(await edit({ kind: 'dedicated', ownerUserId: owner })).toMatchObject({ status: 400 });
  expect(await edit({ name: ' ' })).toMatchObject({ status: 400, body: { field: 'name' } });
});

test('a slave counts as being as fast as somebody says, and again as its agent measured; what is no speed is refused', async () => {
  const agent = await enrolled('approved', 'paced');
  const edit = (speed: unknown) => server.ask('PATCH', path(agent), operator, { speed });
  expect((await edit(0.6)).body).toMatchObject({ name: 'paced', speed: 0.6, describe: { relativeSpeed: 1 } });
  expect((await server.ask('PATCH', path(agent), operator, { name: 'still paced' })).body).toMatchObject({ speed: 0.6 });
  for (const none of [0, -1, 101, '1']) expect(await edit(none)).toMatchObject({ status: 400, body: { field: 'speed' } });
  expect((await edit(null)).body).not.toHaveProperty('speed');
  const told = (await server.db('events').where({ subject_id: agent.slaveId, kind: 'slave.edited' }).orderBy('id').pluck('sentence')) as string[];
  expect([told[0], told.at(-1)]).toEqual([expect.stringMatching(/ It counts as having speed 0\.6\.$/), expect.stringMatching(/ It counts as having speed 1, as its agent measured\.$/)]);
});

test('a slave is given a connection limit of its own, which goes back to the configuration’s; what is no limit is refused', async () => {
  const agent = await enrolled('approved', 'limited');
  const edit = (maxConnections: unknown) => server.ask('PATCH', path(agent), operator, { maxConnections });
  expect(await server.ask('GET', path(agent), operator)).toMatchObject({ body: { maxConnections: null } });
  for (const most of [5, 0, null]) expect(await edit(most)).toMatchObject({ status: 200, body: { name: 'limited', kind: 'dedicated', maxConnections: most } });
  for (const none of [-1, 10_001, 1.5, '5']) expect(await edit(none)).toMatchObject({ status: 400, body: { field: 'maxConnections' } });
  await edit(10_000);
  expect(await server.ask('PATCH', path(agent), operator, { name: 'still limited' })).toMatchObject({ status: 200, body: { maxConnections: 10_000 } });
  const told = (await server.db('events').where({ subject_id: agent.slaveId, kind: 'slave.edited' }).orderBy('id').pluck('sentence')) as string[];
  expect(told.slice(0, 3)).toEqual([
    expect.stringMatching(/ edited limited: dedicated\. It takes 5 connections at a time\.$/),
    expect.stringMatching(/ It takes no connections any more\.$/),
    expect.stringMatching(/ The configuration says again how many connections it takes\.$/),
  ]);
});

test('describe asks a connected agent, and says of when the figures are when it cannot', async () => {
  const agent = await enrolled('approved', 'tells');
  expect(await server.ask('GET', path(agent, '/describe'), operator)).toMatchObject({ status: 200, body: { fresh: false, asOf: null, sentence: 'tells is not connected now.', describe: { cores: 4 } } });
  await agent.connect();
  const seen = new Date(server.clock.now()).toISOString();
  const silent = server.ask('GET', path(agent, '/describe'), operator);
  await agent.expect('command');
  server.clock.advance(5_000);
  expect(await silent).toMatchObject({ status: 200, body: { fresh: false, asOf: seen, sentence: 'tells did not answer within 5 s.' } });

  const asked = server.ask('GET', path(agent, '/describe'), operator);
  const { commandId } = (await agent.expect('command')).payload;
  agent.send({ type: 'describe', payload: { changed: { ramAvailableMiB: 99 } } });
  agent.send({ type: 'result', payload: { commandId, outcome: { ok: true, body: null } } });
  await agent.expect('result-stored');
  expect(await asked).toMatchObject({ body: { fresh: true, sentence: null, asOf: new Date(server.clock.now()).toISOString(), describe: { ramAvailableMiB: 99, cores: 4 } } });
});

test('an unknown or malformed id is not found or named, never a fault', async () => {
  expect(await server.ask('GET', `/api/v1/slaves/${newId(1)}`, operator)).toMatchObject({ status: 404 });
  expect(await server.ask('GET', "/api/v1/slaves/'%20OR%201=1", operator)).toMatchObject({ status: 400, body: { field: 'slaveId' } });
});
