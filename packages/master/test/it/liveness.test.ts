import { newId } from '@paravcl/shared/ids';
import type { AgentDouble } from './agent-double';
import { eventually } from './eventually';
import { person, startLinkServer, type LinkServer } from './link-server';

let server: LinkServer;
const agents: AgentDouble[] = [];
beforeEach(async () => {
  server = await startLinkServer();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.end();
  await server.close();
});

const connected = async (): Promise<AgentDouble> => {
  const agent = await server.enrolled();
  agents.push(agent);
  await agent.connect();
  await eventually('fleetChanged by the hello', () => server.reports.changes.includes(agent.slaveId));
  server.reports.changes.length = 0;
  return agent;
};
async function runningOn(slaveId: string): Promise<void> {
  const now = new Date(server.clock.now());
  await server.db('instances').insert({
    id: newId(now.getTime()), name: `i-on-${slaveId}`, type: 'BE', user_id: newId(1), image_id: newId(1), kernel_arguments: '', vcpus: 1, ram_mib: 64, disk_mib: 64,
    ssh_public_keys: '[]', slave_id: slaveId, desired: 'running', observed: 'running', generation: 1, created_at: now, changed_at: now,
  });
}
const liveness = async (agent: AgentDouble) => (await server.unit.read.slaves.find(agent.slaveId))?.liveness;

test('a slave that hangs up becomes suspect, then lost, each told once; its return is told too', async () => {
  const job = server.liveness();
  const agent = await connected();
  await agent.end();
  await job.run();
  expect(await liveness(agent)).toBe('online');
  server.clock.advance(15_000);
  // Two rounds at once read the same books; one of them writes.
  await Promise.all([job.run(), job.run()]);
  expect(await liveness(agent)).toBe('suspect');
  expect(server.reports.changes).toEqual([agent.slaveId]);
  server.clock.advance(45_000);
  await job.run();
  await job.run();
  expect(await liveness(agent)).toBe('lost');
  expect(server.reports.changes).toEqual([agent.slaveId, agent.slaveId]);
  await agent.connect();
  expect(await liveness(agent)).toBe('online');
  await job.run();
  expect(await liveness(agent)).toBe('online');
  await eventually('fleetChanged by the return', () => server.reports.changes.length === 3);
  expect(await server.eventsOf(agent.slaveId)).toEqual(['slave.enrolled', 'slave.online', 'slave.suspect', 'slave.lost', 'slave.online']);
});

test('a silent slave that is not lost yet is not declared dead, and who asks is told when it counts as lost', async () => {
  const job = server.liveness();
  const agent = await connected();
  const { name } = (await server.unit.read.slaves.find(agent.slaveId)) ?? {};
  const declareDead = () => server.ask('POST', `/api/v1/slaves/${agent.slaveId}/declare-dead`, person('admin'));
  const refused = (detail: string) => ({ status: 409, body: { code: 'conflict', detail } });
  expect(await declareDead()).toMatchObject(refused(`${name ?? ''} is online. Only a host that is lost can be declared dead; drain or retire one that is there.`));
  await agent.end();
  await eventually('the end of the session', () => !server.sessions.isConnected(agent.slaveId));
  expect(await declareDead()).toMatchObject(refused(`${name ?? ''} is not connected, and may come back. It counts as lost after 60 s of silence and can be declared dead from then on: ask again then.`));
  server.clock.advance(40_000);
  await job.run();
  expect(await declareDead()).toMatchObject(refused(`${name ?? ''} is suspect, and may come back. It counts as lost after 60 s of silence and can be declared dead from then on: ask again then.`));
  server.clock.advance(20_000);
  await job.run();
  expect(await declareDead()).toMatchObject({ status: 200, body: { liveness: 'lost' } });
  await server.db('slaves').where({ id: agent.slaveId }).update({ admission: 'retired', liveness: 'online' });
  expect(await declareDead()).toMatchObject(refused(`${name ?? ''} has left the pool, so nobody waits for it: what it had is recovered from its snapshots without more ado (paravcl instances recover NAME).`));
});

test('a slave that beats stays online however long', async () => {
  const job = server.liveness();
  const agent = await connected();
  for (let beat = 1; beat <= 20; beat++) {
    server.clock.advance(5_000);
    agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: beat, ramAvailableMiB: 1, poolAvailableMiB: 1 } });
    await eventually('the heartbeat', () => server.pulse.latest(agent.slaveId)?.describe.load1 === beat);
    await job.run();
  }
  expect(await liveness(agent)).toBe('online');
  expect(server.reports.changes).toEqual([]);
});

test('a restarted master gives the fleet until lostAfterMs, and does not take those for online that were lost', async () => {
  const [online, lost] = [await server.enrolled(), await server.enrolled()];
  await server.db('slaves').where({ id: online.slaveId }).update({ liveness: 'online', last_seen_at: new Date(0) });
  server.clock.advance(1_000_000);
  const job = server.liveness();
  await job.run();
  expect([await liveness(online), await liveness(lost)]).toEqual(['online', 'lost']);
  server.clock.advance(59_999);
  await job.run();
  expect([await liveness(online), await liveness(lost)]).toEqual(['suspect', 'lost']);
  server.clock.advance(1);
  await job.run();
  expect(await liveness(online)).toBe('lost');
});

test('slaves of which nothing can be written keep no other waiting, neither with their silence nor with what follows it', async () => {
  const slaves = [await server.enrolled(), await server.enrolled(), await server.enrolled(), await server.enrolled()];
  const ids = slaves.map(({ slaveId }) => slaveId);
  await server.db('slaves').update({ liveness: 'online', last_seen_at: new Date(0) });
  const job = server.liveness();
  for (const slaveId of ids.slice(0, 2)) server.reports.broken.add(slaveId);
  server.clock.advance(60_000);
  const broken = [...server.reports.broken].map((slaveId) => `Error: nothing of ${slaveId} can be written`).sort();
  await job.run();
  expect(server.jobFaults.splice(0).map(String).sort()).toEqual(broken);
  expect(await Promise.all(slaves.map(liveness))).toEqual(['lost', 'lost', 'lost', 'lost']);
  expect(new Set(server.reports.changes)).toEqual(new Set(ids));

  // What follows was cut short for all of them, and stays so for two.
  for (const slaveId of ids) await runningOn(slaveId);
  server.reports.changes.length = 0;
  await job.run();
  expect(server.jobFaults.splice(0).map(String).sort()).toEqual(broken);
  expect(new Set(server.reports.changes)).toEqual(new Set(ids));
});

test('commands of an earlier run are called unknown by a starting master', async () => {
  const agent = await connected();
  void server.sessions.command(agent.slaveId, { kind: 'describe' }, { generation: null, deadlineMs: 60_000 }).catch(() => undefined);
  await agent.expect('command');
  await server.commands.recover();
  expect(await server.db('commands').pluck('state')).toEqual(['unknown']);
});
