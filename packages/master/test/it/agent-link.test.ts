import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { maxFrameBytes } from '@paravcl/shared/protocol/version';
import { newIdentity, type AgentDouble } from './agent-double';
import { eventually } from './eventually';
import { startLinkServer, type LinkServer } from './link-server';

let server: LinkServer;
const agents: AgentDouble[] = [];
const slave = async (admission: 'approved' | 'pending' = 'approved'): Promise<AgentDouble> => tracked(await server.enrolled(admission));
const tracked = (agent: AgentDouble): AgentDouble => {
  agents.push(agent);
  return agent;
};
const tombstone = (): DesiredInstance => ({ instanceId: newId(Date.now()), generation: 3, desired: 'deleted', spec: null });
const running: ObservedInstance = { instanceId: newId(1), generation: 1, state: 'running', reason: null, progressPercent: null };

beforeAll(async () => {
  server = await startLinkServer();
});
afterEach(async () => {
  server.reports.desired = [];
  for (const agent of agents.splice(0)) await agent.end();
});
afterAll(() => server.close());

test('an approved slave is challenged, welcomed and given its desired set', async () => {
  const agent = await slave();
  const desired = tombstone();
  server.reports.desired = [desired];
  const welcome = await agent.connect({ inventory: [running] });
  expect(welcome.payload).toMatchObject({ admission: 'approved', heartbeatMs: 5000, network: { bridge: 'pvcl0' } });
  expect((await agent.expect('desired')).payload.instances).toEqual([desired]);
  expect(server.reports.connections.at(-1)).toEqual({ slaveId: agent.slaveId, inventory: [running], complete: true });
  expect(server.sessions.isConnected(agent.slaveId)).toBe(true);
  expect(await server.unit.read.slaves.find(agent.slaveId)).toMatchObject({ liveness: 'online', epoch: 1, agentBuild: 'test' });
  expect(await server.eventsOf(agent.slaveId)).toEqual(['slave.enrolled', 'slave.online']);
  await eventually('fleetChanged', () => server.reports.changes.includes(agent.slaveId));
});

test('a waiting slave is welcomed but reports to nobody; approval gives it its desired set with what it reported', async () => {
  const agent = await slave('pending');
  expect((await agent.connect()).payload.admission).toBe('pending');
  agent.send({ type: 'observed', payload: { instances: [running] } });
  agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: 0.5, ramAvailableMiB: 1234, poolAvailableMiB: 1 } });
  await eventually('the heartbeat', () => server.pulse.latest(agent.slaveId)?.describe.ramAvailableMiB === 1234);
  expect(server.reports.connections.some((one) => one.slaveId === agent.slaveId)).toBe(false);
  expect(server.reports.observations.some((one) => one.slaveId === agent.slaveId)).toBe(false);

  const desired = tombstone();
  server.reports.desired = [desired];
  const answer = await server.slaves.approve(server.admin, agent.slaveId, { acceptIdentity: false }, '127.0.0.1');
  expect(answer.admission).toBe('approved');
  expect((await agent.expect('admission')).payload.admission).toBe('approved');
  expect((await agent.expect('desired')).payload.instances).toEqual([desired]);
  expect(server.reports.connections.at(-1)).toEqual({ slaveId: agent.slaveId, inventory: [running], complete: true });
});

test('a heartbeat that waits behind slow work does not make the clock of its slave look wrong', async () => {
  const agent = await slave();
  let release = (): void => undefined;
  server.reports.busy = new Promise((resolve) => (release = resolve));
  await agent.connect();
  await eventually('the inventory to be applied', () => server.reports.connections.at(-1)?.slaveId === agent.slaveId);
  server.clock.advance(250);
  agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: 0, ramAvailableMiB: 77, poolAvailableMiB: 1 } });
  await eventually('its arrival', () => server.pulse.heardAtMs(agent.slaveId) === server.clock.monotonicMs());
  server.clock.advance(6_750);
  server.reports.busy = null;
  release();
  await eventually('its handling', () => server.pulse.latest(agent.slaveId)?.describe.ramAvailableMiB === 77);
  expect(server.pulse.latest(agent.slaveId)?.describe.clockOffsetMs).toBe(0);
});

test('nothing is missing of an inventory the agent could not complete, until it has named the rest', async () => {
  const agent = await slave();
  const late: ObservedInstance = { ...running, instanceId: newId(2) };
  const told = () => server.reports.connections.filter((one) => one.slaveId === agent.slaveId).map(({ inventory, complete }) => ({ inventory, complete }));
  const desired = tombstone();
  server.reports.desired = [desired];
  await agent.connect({ inventory: [running], inventoryComplete: false });
  await agent.expect('desired');
  expect(told()).toEqual([{ inventory: [running], complete: false }]);
  agent.send({ type: 'observed', payload: { instances: [{ ...running, state: 'stopped' }] } });
  agent.send({ type: 'observed', payload: { instances: [late], inventoryComplete: true } });
  // The full set again: what was held back while something was unknown can be told now.
  expect((await agent.expect('desired')).payload.instances).toEqual([desired]);
  expect(told().slice(1)).toEqual([{ inventory: [{ ...running, state: 'stopped' }, late], complete: true }]);
  expect(server.reports.observations.filter((one) => one.slaveId === agent.slaveId)).toHaveLength(2);
});

test('somebody with another key cannot take a connected slave down; it is told of once a minute', async () => {
  const agent = await slave();
  await agent.connect();
  const { publicKey, privateKey } = newIdentity();
  const stranger = tracked(agent.copy({ publicKey, privateKey }));
  const attempt = async (): Promise<void> => {
    await stranger.greet();
    expect((await stranger.expect('refused')).payload).toMatchObject({ code: 'bad-signature', sentence: expect.stringContaining('another key') as string });
    await stranger.closed();
  };
  await attempt();
  await attempt();
  const told = async () => (await server.eventsOf(agent.slaveId)).filter((kind) => kind === 'slave.stranger-refused').length;
  expect(await told()).toBe(1);
  for (let beat = 1; beat <= 12; beat++) {
    server.clock.advance(5_000);
    agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: beat, ramAvailableMiB: 1, poolAvailableMiB: 1 } });
    await eventually('the heartbeat', () => server.pulse.latest(agent.slaveId)?.describe.load1 === beat);
  }
  await attempt();
  expect(await told()).toBe(2);
  expect(await server.admissionOf(agent)).toEqual({ admission: 'approved', reason: null });
  const desired = tombstone();
  server.sessions.pushDesired(agent.slaveId, [desired]);
  expect((await agent.expect('desired')).payload.instances).toEqual([desired]);
});

test('another key while the slave is away quarantines it and offers nothing to accept; approval brings it back', async () => {
  const agent = await slave();
  const { publicKey, privateKey } = newIdentity();
  const impostor = tracked(agent.copy({ publicKey, privateKey }));
  await impostor.greet();
  const refused = await impostor.expect('refused');
  expect(refused.payload).toMatchObject({ code: 'quarantined', sentence: expect.stringContaining('another key') as string });
  await impostor.closed();
  expect(await server.admissionOf(agent)).toEqual({ admission: 'quarantined', reason: 'It came back with another key than the one it enrolled with.' });
  await expect(server.slaves.approve(server.admin, agent.slaveId, { acceptIdentity: true }, '127.0.0.1')).rejects.toMatchObject({ code: 'conflict' });

  // The true machine waits for the operator, who may let it back in as it was.
  await agent.greet();
  expect((await agent.expect('refused')).payload.code).toBe('quarantined');
  await server.slaves.approve(server.admin, agent.slaveId, { acceptIdentity: false }, '127.0.0.1');
  await agent.connect();
});

test('another machine id quarantines with one event however often it tries, until an operator accepts it', async () => {
  const agent = await slave();
  const moved = tracked(agent.copy({ machineId: 'f'.repeat(32) }));
  for (const attempt of [1, 2, 3]) {
    await moved.greet();
    expect((await moved.expect('refused')).payload.sentence).toContain(`machine id ${'f'.repeat(32)}`);
    await moved.closed();
    expect(attempt).toBeGreaterThan(0);
  }
  expect((await server.eventsOf(agent.slaveId)).filter((kind) => kind === 'slave.quarantined')).toHaveLength(1);
  await server.slaves.approve(server.admin, agent.slaveId, { acceptIdentity: true }, '127.0.0.1');
  await moved.connect();
  expect(await server.unit.read.slaves.find(agent.slaveId)).toMatchObject({ machineId: 'f'.repeat(32), admission: 'approved', presented: null });
});

test('a slave without any of its enrolled cards is quarantined', async () => {
  const agent = await slave();
  const moved = tracked(agent.copy({ macs: ['52:54:00:aa:aa:aa'] }));
  await moved.greet();
  expect((await moved.expect('refused')).payload.sentence).toContain('none of its enrolled MACs');
});

test('an old copy of the agent is quarantined', async () => {
  const agent = await slave();
  agent.epoch = 7;
  await agent.connect();
  const old = tracked(agent.copy());
  old.epoch = 6;
  await old.greet();
  expect((await old.expect('refused')).payload).toMatchObject({ code: 'quarantined', sentence: expect.stringContaining('old copy') as string });
  expect((await agent.expect('refused')).payload.code).toBe('quarantined');
});

test('a hello that was overtaken by a later start, or by an operator, records nothing', async () => {
  const agent = await slave();
  agent.epoch = 7;
  await agent.connect();
  const late = { agentBuild: 'late', address: '10.0.0.1', describe: agent.hello('').describe, foreignDomains: [], seenAt: 0 };
  const { slaves } = server.unit.read;
  expect(await slaves.openSession(agent.slaveId, 'approved', { ...late, epoch: 6 })).toBe(false);
  expect(await slaves.openSession(agent.slaveId, 'pending', { ...late, epoch: 8 })).toBe(false);
  expect(await slaves.find(agent.slaveId)).toMatchObject({ epoch: 7, agentBuild: 'test' });
});

test('a wrong signature, an unknown slave and another protocol are refused and change nothing', async () => {
  const agent = await slave();
  await agent.greet({ signature: 'AAAA' });
  expect((await agent.expect('refused')).payload.code).toBe('bad-signature');
  await agent.closed();
  await agent.greet({ protocol: 99 });
  expect((await agent.expect('refused')).payload.code).toBe('protocol-version');
  await agent.closed();
  const stranger = tracked(server.agent());
  stranger.slaveId = newId(5);
  await stranger.greet();
  expect((await stranger.expect('refused')).payload.code).toBe('unknown-slave');
  expect(await server.eventsOf(agent.slaveId)).toEqual(['slave.enrolled']);
});

test('the newer session wins: the older is told, and its frames count no more', async () => {
  const agent = await slave();
  await agent.connect();
  const second = tracked(agent.copy());
  await second.connect();
  expect((await agent.expect('refused')).payload.code).toBe('newer-session');
  await agent.closed();
  expect(server.sessions.isConnected(agent.slaveId)).toBe(true);
  const desired = tombstone();
  server.sessions.pushDesired(agent.slaveId, [desired]);
  expect((await second.expect('desired')).payload.instances).toEqual([desired]);
});

test('a huge set of desired states comes in frames that fit', async () => {
  const agent = await slave();
  server.reports.desired = Array.from({ length: 1203 }, tombstone);
  await agent.connect();
  const parts = [await agent.expect('desired'), await agent.expect('desired'), await agent.expect('desired')];
  expect(parts.flatMap((part) => part.payload.instances)).toEqual(server.reports.desired);
});

test('a frame above the limit, garbage, a binary message, an early report: each ends the connection and not the master', async () => {
  const agent = await slave();
  const misdeeds: ((agent: AgentDouble) => void)[] = [
    (one) => one.sendText('x'.repeat(maxFrameBytes + 1)),
    (one) => one.sendText('{"v":1,'),
    (one) => one.sendText(Buffer.from([1, 2, 3])),
    (one) => one.send({ type: 'observed', payload: { instances: [running] } }),
  ];
  const before = server.reports.observations.length;
  for (const misdeed of misdeeds) {
    await agent.dial();
    await agent.expect('challenge');
    misdeed(agent);
    await agent.closed();
  }
  // The same from a slave that is welcome.
  await agent.connect();
  agent.sendText('{"v":1,"id":"x"}');
  await agent.closed();
  await agent.connect();
  expect(server.reports.observations).toHaveLength(before);
});

test('who says nothing is hung up on at the handshake deadline', async () => {
  const mute = tracked(server.agent());
  await mute.dial();
  await mute.expect('challenge');
  server.clock.advance(19_999);
  expect(mute.isClosed).toBe(false);
  server.clock.advance(1);
  await mute.closed();
});

test('who falls silent is hung up on at the silence deadline, though it takes what it is sent', async () => {
  const agent = await slave();
  await agent.connect();
  for (let beat = 1; beat <= 5; beat++) {
    server.clock.advance(5_000);
    await eventually(`heartbeat ${beat}`, () => agent.heartbeats === beat);
  }
  expect(server.sessions.isConnected(agent.slaveId)).toBe(true);
  server.clock.advance(5_000);
  await agent.closed();
  await eventually('the end of the session', () => !server.sessions.isConnected(agent.slaveId));
});

test('who talks but takes nothing of what it is sent is hung up on at the drain deadline', async () => {
  const agent = await slave();
  await agent.connect();
  agent.freeze();
  // More than the kernel's buffers of both ends take, less than what would end the session by its size.
  server.sessions.pushDesired(agent.slaveId, Array.from({ length: 80_000 }, tombstone));
  for (let beat = 1; beat <= 5; beat++) {
    server.clock.advance(5_000);
    agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: beat, ramAvailableMiB: 10, poolAvailableMiB: 20 } });
    await eventually('the heartbeat', () => server.pulse.latest(agent.slaveId)?.describe.load1 === beat);
  }
  expect(server.sessions.isConnected(agent.slaveId)).toBe(true);
  server.clock.advance(5_000);
  await eventually('the end of the session', () => !server.sessions.isConnected(agent.slaveId));
  agent.ignore('desired').thaw();
  await agent.closed();
});

test('an agent whose frames wait for a slow master is not silent: neither hung up on nor lost', async () => {
  const agent = await slave();
  const job = server.liveness();
  let done = (): void => undefined;
  server.reports.busy = new Promise((resolve) => (done = resolve));
  await agent.connect();
  // More frames than are read ahead: in the end the master does not read at all.
  for (let beat = 1; beat <= 50; beat++) {
    agent.send({ type: 'heartbeat', payload: { agentTime: new Date(server.clock.now()).toISOString(), load1: beat, ramAvailableMiB: 1, poolAvailableMiB: 1 } });
    server.clock.advance(5_000);
    await eventually(`heartbeat ${beat}`, () => agent.heartbeats === beat);
    await job.run();
  }
  expect(server.sessions.isConnected(agent.slaveId)).toBe(true);
  expect(await server.unit.read.slaves.find(agent.slaveId)).toMatchObject({ liveness: 'online' });
  server.reports.busy = null;
  done();
  await eventually('what waited', () => server.pulse.latest(agent.slaveId)?.describe.load1 === 50);
});

test('a fault of the master closes the link as such, and not as a malformed frame', async () => {
  const agent = await slave();
  await agent.connect();
  server.reports.fault = new Error('the database is away');
  agent.send({ type: 'observed', payload: { instances: [running] } });
  expect(await agent.closed()).toEqual({ code: 1011, reason: 'a fault of the master; dial again' });
  await agent.connect();
  agent.sendText('{"v":1,"id":"x"}');
  expect(await agent.closed()).toEqual({ code: 1008, reason: 'malformed or untimely frame' });
});

test('what a slave tells a master without room is kept, the newest of each instance, and written when there is some: the link stays', async () => {
  const agent = await slave();
  await agent.connect();
  const full = new ParavclError('storage-full', 'There is no room.');
  const told = () => server.reports.observations.filter(({ slaveId }) => slaveId === agent.slaveId).map(({ instances }) => instances);
  const later: ObservedInstance = { ...running, state: 'suspending' };
  const other: ObservedInstance = { ...running, instanceId: newId(2) };
  server.reports.fault = full;
  agent.send({ type: 'observed', payload: { instances: [running, other] } });
  await eventually('the first attempt', () => told().length === 1);
  server.reports.fault = full;
  agent.send({ type: 'observed', payload: { instances: [later] } });
  await eventually('the second attempt', () => told().length === 2);
  server.clock.advance(5_000);
  await eventually('both to be told', () => told().length === 4);
  expect(told().slice(2)).toEqual([[other], [later]]);
  server.clock.advance(5_000);
  await eventually('a heartbeat more', () => agent.heartbeats === 2);
  expect([told().length, agent.isClosed]).toEqual([4, false]);
});

test('a slave whose hello finds no room for what it named is told its desired set when there is some, on the same link', async () => {
  const agent = await slave();
  const desired = tombstone();
  server.reports.busy = Promise.reject(new ParavclError('storage-full', 'There is no room.'));
  await agent.connect({ inventory: [running] });
  await eventually('the first attempt', () => server.reports.connections.at(-1)?.slaveId === agent.slaveId);
  server.reports.busy = null;
  server.reports.desired = [desired];
  server.clock.advance(5_000);
  expect((await agent.expect('desired')).payload.instances).toEqual([desired]);
  expect(server.reports.connections.filter(({ slaveId }) => slaveId === agent.slaveId)).toEqual(Array(2).fill({ slaveId: agent.slaveId, inventory: [running], complete: true }));
});

test('heartbeats keep a session and are sent both ways', async () => {
  const agent = await slave();
  await agent.connect();
  for (let beat = 0; beat < 20; beat++) {
    const agentTime = new Date(server.clock.now() + 2_000).toISOString();
    agent.send({ type: 'heartbeat', payload: { agentTime, load1: beat, ramAvailableMiB: 10, poolAvailableMiB: 20 } });
    await eventually('the heartbeat', () => server.pulse.latest(agent.slaveId)?.describe.load1 === beat);
    server.clock.advance(5_000);
  }
  expect(agent.isClosed).toBe(false);
  expect(server.pulse.latest(agent.slaveId)?.describe.clockOffsetMs).toBe(2_000);
  await server.store.run();
  expect((await server.unit.read.slaves.find(agent.slaveId))?.describe).toMatchObject({ load1: 19, ramAvailableMiB: 10, poolAvailableMiB: 20, clockOffsetMs: 2_000, cores: 4 });
});

test('an upgrade with an Origin is refused: agents are not browsers', async () => {
  const agent = tracked(server.agent());
  await expect(agent.dial({ Origin: 'https://master.example:8443' })).rejects.toThrow('status 403');
});

test('a command is answered, stored and acknowledged', async () => {
  const agent = await slave();
  await agent.connect();
  const asked = server.slaves.describe(server.admin, agent.slaveId);
  const { commandId, command } = (await agent.expect('command')).payload;
  expect(command).toEqual({ kind: 'describe' });
  agent.send({ type: 'describe', payload: { changed: { cores: 12 } } });
  agent.send({ type: 'result', payload: { commandId, outcome: { ok: true, body: null } } });
  expect((await agent.expect('result-stored')).payload).toEqual({ commandId });
  expect(await asked).toMatchObject({ fresh: true, sentence: null, describe: { cores: 12, ramTotalMiB: 8192 } });
  expect(await server.db('commands').where({ id: commandId }).first('state')).toEqual({ state: 'done' });
});

test('a command without an answer has an unknown outcome; a late answer still corrects it', async () => {
  const agent = await slave();
  await agent.connect();
  const asked = server.sessions.command(agent.slaveId, { kind: 'screenshot', instanceId: newId(1) }, { generation: 4, deadlineMs: 3_000 });
  const { commandId } = (await agent.expect('command')).payload;
  server.clock.advance(3_000);
  await expect(asked).rejects.toMatchObject({ code: 'timeout' });
  expect(await server.db('commands').where({ id: commandId }).first('state', 'generation')).toEqual({ state: 'unknown', generation: 4 });
  agent.send({ type: 'result', payload: { commandId, outcome: { ok: false, code: 'failed', message: 'no screen' } } });
  await agent.expect('result-stored');
  expect(await server.db('commands').where({ id: commandId }).first('state', 'message')).toEqual({ state: 'failed', message: 'no screen' });
});

test('a command that waits is sent again to the next session, and another slave cannot answer it', async () => {
  const agent = await slave();
  await agent.connect();
  const asked = server.sessions.command(agent.slaveId, { kind: 'describe' }, { generation: null, deadlineMs: 60_000 });
  const first = (await agent.expect('command')).payload;
  const other = await slave();
  await other.connect();
  other.send({ type: 'result', payload: { commandId: first.commandId, outcome: { ok: true, body: 'forged' } } });
  await other.expect('result-stored');
  await agent.end();
  await agent.connect();
  expect((await agent.expect('command')).payload).toEqual(first);
  agent.send({ type: 'result', payload: { commandId: first.commandId, outcome: { ok: true, body: null } } });
  await agent.expect('result-stored');
  expect(await asked).toEqual({ commandId: first.commandId, outcome: { ok: true, body: null } });
});

test('a command to a slave that is not connected is refused at once', async () => {
  await expect(server.sessions.command(newId(1), { kind: 'describe' }, { generation: null, deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'slave-offline' });
});

test('observations of an admitted slave reach the services; its foreign domains are stored', async () => {
  const agent = await slave();
  await agent.connect();
  agent.send({ type: 'observed', payload: { instances: [running] } });
  await eventually('the observation', () => server.reports.observations.some((one) => one.slaveId === agent.slaveId && one.instances[0]?.instanceId === running.instanceId));
  agent.send({ type: 'foreign', payload: { domains: [{ name: 'win', uuid: newId(1), state: 'running' }] } });
  await eventually('the domain', async () => (await server.unit.read.slaves.find(agent.slaveId))?.foreignDomains[0]?.name === 'win');
});
