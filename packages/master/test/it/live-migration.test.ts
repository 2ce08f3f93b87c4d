import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, MigrationStanding, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { streamProtocolVersion } from '@paravcl/shared/protocol/version';
import { composeEvacuations } from '../../src/compose-evacuations';
import { newHome } from '../../src/core/home-record';
import { openingMs, unarrivedMs } from '../../src/core/live-migration';
import { InstanceRelocation } from '../../src/services/instance-relocation';
import { InstanceReset } from '../../src/services/instance-reset';
import { defaultScheduling } from '../../src/services/instance-settings';
import { SlaveService } from '../../src/services/slave-service';
import { openRig, type Rig } from './instance-rig';

/** Guests of an emptied slave that go to another as they run: real books, agents that say what a test has them say. */

let rig: Rig;
let [olga, sue]: [Principal, Principal] = [{} as Principal, {} as Principal];
let [slaveId, other]: [string, string] = ['', ''];
let made: ReturnType<typeof compose>;
/** Migrations whose streams are open, and between whom. */
let lines: Map<string, string>;

/** As after a start of the master: nothing in memory, everything in the database. */
function compose() {
  const { unit, clock, agents, settings, scheduler, scheduling, observations, pulse, world, verbs } = rig;
  lines = new Map();
  const slaves = new SlaveService(unit, clock, agents, observations, pulse, { lostAfterMs: 60_000 }, defaultScheduling);
  const relocation = { move: () => Promise.reject(new ParavclError('internal', 'Nobody expected a move.')) };
  return {
    slaves,
    ...composeEvacuations({
      unitOfWork: unit, agents, world, scheduler, scheduling, clock, slaves, relocation, verbs, settings, atOnce: 2, migrateEmulated: false, onFault: (error) => void rig.faults.push(error),
      lines: {
        openLine: ({ migrationId, fromSlaveId, toSlaveId, ticket }) => void lines.set(migrationId, `${fromSlaveId} ${toSlaveId} ${ticket}`),
        closeLine: (id) => void lines.delete(id),
      },
    }),
  };
}

beforeEach(async () => {
  rig = await openRig();
  rig.agents.pushAdmission = () => undefined;
  made = compose();
  olga = await rig.person('operator', 'olga');
  sue = await rig.person('student', 'sue');
  slaveId = await rig.slave('lab-pc-07', { cores: 8 });
});
afterEach(async () => {
  expect(rig.faults).toEqual([]);
  await rig.close();
});

async function round(): Promise<void> {
  await made.evacuation.run((error) => void rig.faults.push(error));
  await made.migrations.run((error) => void rig.faults.push(error));
  await rig.scheduler.idle();
}

/** A guest that runs on the slave, which is emptied from now on; another slave is there. */
async function emptied(hasHome = false): Promise<{ readonly a: string; readonly operationId: string }> {
  const { instance } = await rig.instances.create(sue, { imageId: await rig.image(), name: 'a' });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  if (hasHome) await rig.unit.transaction(({ homes }) => homes.insert({ ...newHome({ id: newId(rig.clock.now()), userId: sue.userId, sizeMiB: 64, ownSize: true }, rig.clock.now()), state: 'attached', instanceId: instance.id, slaveId, attachedMiB: 64, epoch: 4 }));
  other = await rig.slave('lab-pc-08');
  const { operation } = await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null);
  await round();
  return { a: instance.id, operationId: operation.id };
}

/** What this slave was told last of the instance. */
const told = (on: string, instanceId: string): DesiredInstance => {
  const found = rig.agents.pushes.filter((push) => push.slaveId === on && push.desired.instanceId === instanceId).at(-1);
  if (found === undefined) throw new Error(`${on} was told nothing of ${instanceId}.`);
  return found.desired;
};
const book = async (id: string) => {
  const instance = await rig.unit.read.instances.find(id);
  if (instance === null) throw new Error(`${id} is gone.`);
  return instance;
};
const standing = async (id: string): Promise<string> => {
  const { state, sentence } = await rig.operations.get(olga, id);
  return `${state}: ${sentence}`;
};

function word(on: string, instanceId: string, say: MigrationStanding, more: Partial<ObservedInstance> = {}): ObservedInstance {
  const order = told(on, instanceId);
  if (order.desired !== 'sent' && order.desired !== 'received') throw new Error(`${on} was told ${order.desired}.`);
  const state = say === 'awaiting' ? 'preparing' : say === 'sent' ? 'deleted' : 'running';
  return { instanceId, generation: order.generation, state, reason: null, progressPercent: null, migration: { id: order.migration.id, standing: say }, ...more };
}
/** A slave says how the migration stands, under the order that it was told last. */
const says = (on: string, instanceId: string, standing: MigrationStanding, more: Partial<ObservedInstance> = {}): Promise<void> => rig.observations.observed(on, [word(on, instanceId, standing, more)]);
const reports = (on: string, instanceId: string, state: ObservedInstance['state']): Promise<void> =>
  rig.observations.observed(on, [{ instanceId, generation: told(on, instanceId).generation, state, reason: null, progressPercent: null }]);

/** The source has its order, and is at it. */
async function sending(hasHome = false): Promise<{ readonly a: string; readonly operationId: string }> {
  const { a, operationId } = await emptied(hasHome);
  expect(told(other, a)).toMatchObject({ desired: 'received', spec: { name: 'a' } });
  expect(told(slaveId, a)).toMatchObject({ desired: 'running' });
  await says(other, a, 'awaiting');
  await round();
  expect(told(slaveId, a)).toMatchObject({ desired: 'sent', migration: { id: (told(other, a) as { migration: { id: string } }).migration.id } });
  return { a, operationId };
}
async function arrived(): Promise<{ readonly a: string; readonly operationId: string }> {
  const of = await sending();
  await says(other, of.a, 'arrived');
  await says(slaveId, of.a, 'sent');
  return of;
}

test('a guest goes to another slave as it runs: its owner sees it run all the while, and is told once it is there', async () => {
  const { a, operationId } = await emptied();
  expect(await standing(operationId)).toBe('pending: 0 of 1 has left lab-pc-07; 1 is to follow.');
  await round();
  expect(await standing(operationId)).toBe('pending: 0 of 1 has left lab-pc-07; a moves to lab-pc-08 while it runs.');
  // Its room is booked there.
  expect((await rig.unit.read.placements.usage([other])).get(other)).toMatchObject({ instances: 1, ramMiB: 256 });
  const before = await book(a);
  await says(other, a, 'awaiting');
  await round();
  const order = told(slaveId, a);
  expect(order).toMatchObject({ desired: 'sent', spec: { name: 'a', mac: before.mac } });
  expect(order.generation).toBeGreaterThan(told(other, a).generation);
  expect([...lines.values()]).toEqual([`${slaveId} ${other} ${(order as { migration: { ticket: string } }).migration.ticket}`]);
  await says(slaveId, a, 'sending');
  await says(other, a, 'arrived');
  await round();
  expect(await book(a)).toMatchObject({ slaveId, observed: 'running', generation: before.generation });
  // The last word is looked at without waiting for the next second.
  rig.migrationHeard.call = () => made.migrations.wake();
  await says(slaveId, a, 'sent');
  await made.migrations.run((error) => void rig.faults.push(error));

  const after = await book(a);
  expect(after).toMatchObject({ slaveId: other, desired: 'running', observed: 'running', endsAt: before.endsAt, address: before.address });
  expect(told(other, a)).toMatchObject({ desired: 'running', generation: after.generation });
  expect(told(slaveId, a)).toMatchObject({ desired: 'deleted' });
  expect(lines.size).toBe(0);
  await reports(other, a, 'running');
  await reports(slaveId, a, 'deleted');
  await round();
  await round();
  expect(await standing(operationId)).toBe('done: lab-pc-07 is empty: it can be switched off.');
  expect(await rig.unit.read.placements.unclean(a)).toMatchObject([{ slaveId: other, state: 'active' }]);
  const notices = (await rig.database.db('notices').where({ subject_id: a })) as { kind: string; sentence: string }[];
  expect(notices.map(({ kind, sentence }) => `${kind}: ${sentence}`)).toEqual(['instance.moving: a moved from lab-pc-07 to lab-pc-08 while it ran.']);
  const history = (await rig.database.db('instance_transitions').where({ instance_id: a }).orderBy('id')) as { to_state: string }[];
  expect(history.at(-1)).toMatchObject({ slave_id: other });
  expect(await rig.database.db('live_migrations').first()).toMatchObject({ state: 'moved', ticket: null, open_of: null });
});

test('what cannot be sent stays, and is saved and moved as ever; it is not tried again, and its owner is told why, without the words of a tool', async () => {
  const { a, operationId } = await sending();
  await says(slaveId, a, 'stayed', { reason: { code: 'SlaveRefused', sentence: 'It was not sent: virsh migrate: error: its disk changes faster than it can be sent' } });
  await round();
  expect(told(other, a)).toMatchObject({ desired: 'deleted' });
  expect((await rig.unit.read.events.page({ kind: 'instance.stayed', limit: 5 })).items).toMatchObject([
    { sentence: 'a did not move to lab-pc-08 while it ran: lab-pc-07 could not send it. lab-pc-07 says: It was not sent: virsh migrate: error: its disk changes faster than it can be sent' },
  ]);
  expect(told(slaveId, a)).toMatchObject({ desired: 'running' });
  expect(await book(a)).toMatchObject({ slaveId, observed: 'running' });
  // What it says under the order that is over changes nothing.
  await round();
  expect(await standing(operationId)).toContain('a is running');
  await reports(slaveId, a, 'running');
  await reports(other, a, 'deleted');
  await round();
  expect(told(slaveId, a)).toMatchObject({ desired: 'suspended' });
  const [notice] = await rig.database.db('notices').where({ subject_id: a });
  expect(notice).toMatchObject({ sentence: 'lab-pc-07 is being emptied for maintenance: a is saved with everything open, moves, and goes on elsewhere by itself. It did not move while it ran: lab-pc-07 could not send it.' });
  expect(await book(a)).toMatchObject({ reason: { sentence: (notice as { sentence: string }).sentence } });
});

test('a destination that takes no guests that run says so before anything happens to it: it is saved at once', async () => {
  const { a } = await emptied();
  const before = await book(a);
  await says(other, a, 'stayed', { state: 'stopped', reason: { code: 'SlaveRefused', sentence: 'A simulated host takes no guests that run.' } });
  await round();
  expect(told(slaveId, a)).toMatchObject({ desired: 'running', generation: before.generation });
  await round();
  expect(told(slaveId, a)).toMatchObject({ desired: 'suspended' });
});

test.each([
  ['an agent of an earlier release there', () => void rig.agents.protocols.set(other, streamProtocolVersion - 1)],
  ['an agent of an earlier release here', () => void rig.agents.protocols.set(slaveId, streamProtocolVersion - 1)],
  ['a QEMU here that may leave out what its guest writes on the way', async () => { await rig.database.db('slaves').update({ describe_data: rig.database.db.raw("JSON_SET(describe_data, '$.hypervisor.kind', 'qemu')") }); }],
  ['no room there', async () => { await rig.database.db('slaves').where({ id: other }).update({ describe_data: rig.database.db.raw("JSON_SET(describe_data, '$.cores', 0)") }); }],
])('with %s it is saved', async (_what, change) => {
  const { instance } = await rig.instances.create(sue, { imageId: await rig.image(), name: 'a' });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  other = await rig.slave('lab-pc-08');
  await change();
  await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null);
  await round();
  expect(told(slaveId, instance.id)).toMatchObject({ desired: 'suspended' });
  expect(await rig.unit.read.liveMigrations.open()).toEqual([]);
});

test('a master that is killed between the last word and its commit commits it when it is back, and both hear their orders again until then', async () => {
  const { a } = await sending();
  const [sent, received] = [told(slaveId, a), told(other, a)];
  made = compose();
  await round();
  expect([...lines.values()]).toEqual([`${slaveId} ${other} ${(sent as { migration: { ticket: string } }).migration.ticket}`]);
  const full = await rig.observations.connected(slaveId, [word(slaveId, a, 'sending')], true);
  expect(full).toEqual([sent]);
  expect(await rig.observations.connected(other, [word(other, a, 'awaiting')], true)).toEqual([received]);
  rig.agents.pushes.length = 0;
  await rig.resend.run();
  expect([told(slaveId, a), told(other, a)]).toEqual([sent, received]);
  await says(other, a, 'arrived');
  await says(slaveId, a, 'sent');
  made = compose();
  await round();
  expect(await book(a)).toMatchObject({ slaveId: other });
  expect(told(other, a)).toMatchObject({ desired: 'running' });
  expect(told(slaveId, a)).toMatchObject({ desired: 'deleted' });
});

test('a source that falls silent is waited for; it comes back and has kept the guest', async () => {
  const { a } = await sending();
  await says(other, a, 'arrived');
  rig.agents.connected.delete(slaveId);
  await rig.unit.read.slaves.moveLiveness(slaveId, 'online', 'lost');
  await rig.observations.fleetChanged(slaveId);
  rig.clock.advance(3_600_000);
  await round();
  await rig.deadlines.run();
  expect(await book(a)).toMatchObject({ slaveId, observed: 'lost' });
  expect(told(other, a)).toMatchObject({ desired: 'received' });
  rig.agents.connected.add(slaveId);
  await rig.unit.read.slaves.moveLiveness(slaveId, 'lost', 'online');
  await rig.observations.connected(slaveId, [word(slaveId, a, 'stayed', { reason: { code: 'SlaveRefused', sentence: 'The link broke.' } })], true);
  await round();
  expect(told(slaveId, a)).toMatchObject({ desired: 'running' });
  expect(told(other, a)).toMatchObject({ desired: 'deleted' });
  await reports(slaveId, a, 'running');
  expect(await book(a)).toMatchObject({ slaveId, observed: 'running' });
});

test('of a source that is declared dead it goes on where it has arrived', async () => {
  const { a } = await sending();
  await says(other, a, 'arrived');
  rig.agents.connected.delete(slaveId);
  await rig.unit.read.slaves.moveLiveness(slaveId, 'online', 'lost');
  await rig.observations.fleetChanged(slaveId);
  await round();
  expect(await book(a)).toMatchObject({ slaveId });
  await rig.unit.read.slaves.declareDead(slaveId, rig.clock.now());
  await round();
  expect(await book(a)).toMatchObject({ slaveId: other, observed: 'running', reason: null });
  expect(told(other, a)).toMatchObject({ desired: 'running' });
  expect(await rig.unit.read.placements.cleaning(slaveId)).toMatchObject([{ instanceId: a }]);
});

test('sent, and lost on its way: it starts from its disk where it was, and its owner is told', async () => {
  const { a } = await sending();
  await says(slaveId, a, 'sent');
  await round();
  rig.clock.advance(unarrivedMs);
  await round();
  expect(await book(a)).toMatchObject({ slaveId, desired: 'running' });
  expect(told(slaveId, a)).toMatchObject({ desired: 'running' });
  expect(told(other, a)).toMatchObject({ desired: 'deleted' });
  const [notice] = await rig.database.db('notices').where({ subject_id: a, kind: 'instance.stayed' });
  expect(notice).toMatchObject({ sentence: 'a did not move to lab-pc-08 while it ran: It did not arrive on lab-pc-08. It starts from its disk on lab-pc-07.' });
});

test('a stop that is asked meanwhile is written down, and reaches the slave that has it then', async () => {
  const { a } = await sending();
  const { operation } = await rig.instances.operate(sue, a, { verb: 'stop' });
  expect(told(slaveId, a)).toMatchObject({ desired: 'sent' });
  await rig.resend.run();
  expect(told(slaveId, a)).toMatchObject({ desired: 'sent' });
  await says(other, a, 'arrived');
  await says(slaveId, a, 'sent');
  await round();
  expect(told(other, a)).toMatchObject({ desired: 'stopped', generation: (await book(a)).generation });
  await reports(other, a, 'stopped');
  expect(await rig.operations.get(sue, operation.id)).toMatchObject({ state: 'done' });
  expect(await book(a)).toMatchObject({ slaveId: other, desired: 'stopped', observed: 'stopped' });
});

test('a deletion goes to both at once and ends it; it is gone when both have proved that nothing remains', async () => {
  const { a } = await arrived();
  await rig.instances.operate(sue, a, { verb: 'delete' });
  for (const on of [slaveId, other]) expect(told(on, a)).toMatchObject({ desired: 'deleted' });
  const sent = (await rig.unit.read.liveMigrations.open())[0]?.sentGeneration ?? 0;
  expect(told(slaveId, a).generation).toBeGreaterThan(sent);
  await round();
  expect(await rig.unit.read.liveMigrations.open()).toEqual([]);
  expect(await rig.observations.connected(other, [], true)).toMatchObject([{ desired: 'deleted' }]);
  await reports(slaveId, a, 'deleted');
  expect(await book(a)).toMatchObject({ desired: 'deleted', observed: 'running' });
  await reports(other, a, 'deleted');
  expect(await book(a)).toMatchObject({ observed: 'deleted', address: null });
});

test('a slave that is put back keeps what it was not ordered to send yet; what is being sent comes to its end', async () => {
  const { a } = await emptied();
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  await round();
  expect(told(other, a)).toMatchObject({ desired: 'deleted' });
  await reports(other, a, 'deleted');
  const { operation } = await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null);
  await round();
  await says(other, a, 'awaiting');
  await round();
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  expect(await standing(operation.id)).toBe('superseded: lab-pc-07 was put back by olga; nothing had left it, and a is being sent already and may go.');
  await round();
  expect(told(slaveId, a)).toMatchObject({ desired: 'sent' });
  await says(other, a, 'arrived');
  await says(slaveId, a, 'sent');
  await round();
  expect(await book(a)).toMatchObject({ slaveId: other });
  await round();
  await round();
  expect(await rig.unit.read.evacuations.unfinished()).toEqual([]);
});

test('what is made of its disk waits until it is known who has it, and the refusal says where it goes', async () => {
  const { a } = await emptied();
  const { unit, agents, scheduler, clock, settings, quotas } = rig;
  const reset = new InstanceReset({ unitOfWork: unit, agents, scheduler, clock, settings, quotas, onFault: (error) => void rig.faults.push(error) });
  const relocation = new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots: { freezeMs: 1, deadlineMs: 1 }, making: { wake: () => undefined } });
  const refused = { code: 'conflict', message: expect.stringContaining('a moves to lab-pc-08 while it runs. Ask again when it is there') as string };
  await expect(reset.carryOut(sue, a, { toProduction: false })).rejects.toMatchObject(refused);
  await expect(relocation.move({ principal: sue, clientAddress: '10.0.0.9' }, a, null)).rejects.toMatchObject(refused);
  expect(await book(a)).toMatchObject({ diskEpoch: 1, desired: 'running' });
});

test('a destination that is not ready in time is given up', async () => {
  const { a } = await emptied();
  rig.clock.advance(openingMs);
  await round();
  expect(told(other, a)).toMatchObject({ desired: 'deleted' });
  expect(told(slaveId, a)).toMatchObject({ desired: 'running' });
});

test('a destination that is to be emptied, too, is not empty before what comes to it is there, and has left again', async () => {
  const { a } = await sending();
  const { operation } = await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, other, null);
  await round();
  expect(await standing(operation.id)).toBe('pending: 0 of 0 have left lab-pc-08; a is still on its way here.');
  await says(other, a, 'arrived');
  await says(slaveId, a, 'sent');
  await round();
  await reports(other, a, 'running');
  await round();
  expect(await standing(operation.id)).toContain('pending: 0 of 1 has left lab-pc-08');
});

const homeOf = async () => {
  const home = await rig.unit.read.homes.ofUser(sue.userId);
  if (home === null) throw new Error('Sue has no home.');
  return home;
};
const owed = () => rig.unit.read.homes.leftovers(10);
const epochTold = (on: string, a: string): number | undefined => told(on, a).spec?.home?.epoch;

test('the home volume of its owner goes along: the destination has it from the commit on, and what is left at the source is to go', async () => {
  const { a } = await sending(true);
  expect([epochTold(slaveId, a), epochTold(other, a)]).toEqual([4, 5]);
  expect(await homeOf()).toMatchObject({ state: 'attached', slaveId, epoch: 4 });
  await says(other, a, 'arrived');
  await says(slaveId, a, 'sent');
  await round();
  expect(await homeOf()).toMatchObject({ state: 'attached', instanceId: a, slaveId: other, epoch: 5, attachedMiB: 64 });
  expect(told(other, a)).toMatchObject({ desired: 'running', spec: { home: { epoch: 5, sizeMiB: 64 } } });
  expect(await owed()).toMatchObject([{ slaveId, epoch: 4, lost: false }]);
});

test('of a guest that stayed it is where it was, and no later way has the epoch of the one that came to nothing', async () => {
  const { a } = await sending(true);
  await says(slaveId, a, 'stayed', { reason: { code: 'SlaveRefused', sentence: 'The link broke.' } });
  await round();
  expect(await homeOf()).toMatchObject({ state: 'attached', slaveId, epoch: 4, toldEpoch: 5 });
  expect(told(slaveId, a)).toMatchObject({ desired: 'running', spec: { home: { epoch: 4 } } });
  expect(await owed()).toMatchObject([{ slaveId: other, epoch: 5, lost: false }]);
  await reports(slaveId, a, 'running');
  await reports(other, a, 'deleted');
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  await round();
  await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null);
  await round();
  expect(epochTold(other, a)).toBe(6);
});

test('stopped meanwhile, both are told of it as before, so that nothing of it is left out; from the slave that has the guest then it comes back', async () => {
  const { a } = await sending(true);
  const before = [told(slaveId, a), told(other, a)];
  await rig.instances.operate(sue, a, { verb: 'stop' });
  expect(await homeOf()).toMatchObject({ state: 'returning', slaveId, epoch: 4 });
  await rig.resend.run();
  expect([told(slaveId, a), told(other, a)]).toEqual(before);
  await says(other, a, 'arrived');
  await says(slaveId, a, 'sent');
  await round();
  expect(told(other, a)).toMatchObject({ desired: 'stopped' });
  expect(await homeOf()).toMatchObject({ state: 'returning', slaveId: other, epoch: 5, used: true });
});

test('deleted meanwhile, it comes back from where the guest ran, and what was made of it at the destination is to go', async () => {
  const { a } = await sending(true);
  await rig.instances.operate(sue, a, { verb: 'delete' });
  await round();
  expect(await homeOf()).toMatchObject({ state: 'returning', slaveId, epoch: 4 });
  expect(await owed()).toMatchObject([{ slaveId: other, epoch: 5 }]);
});

test('a guest goes only where there is room for the home volume of its owner as well, which is promised on both slaves while it goes', async () => {
  const { instance: { id: a } } = await rig.instances.create(sue, { imageId: await rig.image(), name: 'a' });
  await rig.scheduler.idle();
  await rig.report(a, 'running');
  await rig.unit.transaction(({ homes }) => homes.insert({ ...newHome({ id: newId(rig.clock.now()), userId: sue.userId, sizeMiB: 5000, ownSize: true }, rig.clock.now()), state: 'attached', instanceId: a, slaveId, attachedMiB: 5000, epoch: 1 }));
  const source = await rig.unit.read.slaves.find(slaveId);
  if (source === null) throw new Error('The host is gone.');
  const targets = async () => [...(await made.migrations.targets(source, [await book(a)])).values()].map(({ slaveId: to }) => to);
  // Room for its disk and its RAM is there.
  const small = await rig.slave('lab-pc-08', { poolTotalMiB: 5000 });
  expect(await targets()).toEqual([]);
  const large = await rig.slave('lab-pc-09', { poolTotalMiB: 6000 });
  expect(await targets()).toEqual([large]);
  await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null);
  const [evacuation] = await rig.unit.read.evacuations.unfinished();
  if (evacuation === undefined) throw new Error('The evacuation is gone.');
  // One that was chosen when there was more room is asked again under its lock.
  const calendar = await rig.unit.read.settings.find('calendar');
  await made.migrations.begin(evacuation, { instanceId: a }, { slaveId: small, slaveName: 'lab-pc-08', calendar });
  expect(await rig.unit.read.liveMigrations.open()).toEqual([]);
  await round();
  expect(told(large, a)).toMatchObject({ desired: 'received' });
  const usage = await rig.unit.read.placements.usage();
  expect([usage.get(slaveId)?.diskMiB, usage.get(large)?.diskMiB, usage.get(small)?.diskMiB]).toEqual([5064, 5064, undefined]);
});
