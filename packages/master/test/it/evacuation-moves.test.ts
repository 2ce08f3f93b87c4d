import { emptyContent } from '@paravcl/shared/chunks/delta';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { Command, CommandResult, FrozenDisk } from '@paravcl/shared/protocol/commands';
import { streamProtocolVersion } from '@paravcl/shared/protocol/version';
import { composeEvacuations } from '../../src/compose-evacuations';
import { newHome } from '../../src/core/home-record';
import { savedOnOf } from '../../src/core/saved-ram';
import { InstanceRelocation } from '../../src/services/instance-relocation';
import { defaultScheduling } from '../../src/services/instance-settings';
import { SlaveService } from '../../src/services/slave-service';
import { SnapshotMaking } from '../../src/services/snapshot-making';
import { SnapshotRam } from '../../src/services/snapshot-ram';
import { plainDescribe } from './agent-double';
import { eventually } from './eventually';
import { noLines } from './instance-rig';
import { openReservationRig, type ReservationRig } from './reservation-rig';

/** Emptying a slave with what really moves: snapshots of disk and RAM, the scheduler, reservations. Hosts do what they are told. */

const MiB = 1024 * 1024;
const hex = (digit: string): string => digit.repeat(64);

let rig: ReservationRig;
let [olga, sue]: [Principal, Principal] = [{} as Principal, {} as Principal];
let [slaveId, other]: [string, string] = ['', ''];
let made: ReturnType<typeof compose>;
let lines: typeof noLines;
let takes = 0;
/** Instances whose disks hosts were asked to freeze. */
let sent: string[] = [];
/** What they were asked of home volumes. */
let homesSent: Command[] = [];
let homesArriveNot = false;

/** As after a start of the master. */
function compose() {
  const { unit, clock, agents, settings, scheduler, scheduling, observations, pulse, verbs } = rig;
  const making = new SnapshotMaking({
    unitOfWork: unit, agents, clock, settings,
    uploads: { remove: () => Promise.resolve() },
    takeDelta: () => Promise.resolve({ manifestId: hex(String(++takes % 10)), dirtiedBytes: 8192, release: () => undefined }),
    ram: new SnapshotRam({ unitOfWork: unit, verbs, clock }),
    onFault: (error) => void rig.faults.push(error),
  });
  const snapshots = { freezeMs: 120_000, saveMs: 1_200_000, deadlineMs: 3_600_000, perStudent: 3, timeZone: settings.timeZone };
  const relocation = new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots, making });
  const slaves = new SlaveService(unit, clock, agents, observations, pulse, { lostAfterMs: 60_000 }, defaultScheduling);
  return { making, slaves, relocation, ...composeEvacuations({ unitOfWork: unit, agents, world: rig.world, lines, scheduler, scheduling, clock, slaves, relocation, verbs, settings, atOnce: 2, migrateEmulated: false, onFault: (error) => void rig.faults.push(error) }) };
}

async function host(_on: string, command: Command): Promise<CommandResult> {
  const done = (body: string | null): CommandResult => ({ commandId: newId(rig.clock.now()), outcome: { ok: true, body } });
  if (command.kind === 'freeze-disks') {
    sent.push(...command.disks.map(({ instanceId }) => instanceId));
    const disks = command.disks.map(({ instanceId, ram }): FrozenDisk => ({
      instanceId, ok: true, how: ram === true ? 'saved' : 'off', quiesced: false, base: hex('a'), sizeBytes: 64 * MiB, ...(ram === true ? { ramBytes: 24 * MiB } : {}),
    }));
    return done(JSON.stringify(disks));
  }
  if (command.kind === 'send-home') {
    homesSent.push(command);
    if (homesArriveNot) return { commandId: newId(rig.clock.now()), outcome: { ok: false, code: 'failed', message: 'The link broke.' } };
  }
  if (command.kind !== 'send-disk' && command.kind !== 'send-home') return done(null);
  await made.making.received(command.imageId);
  return done(JSON.stringify({ deltaBytes: 9000, dirtiedBytes: 8192 }));
}

beforeEach(async () => {
  rig = await openReservationRig();
  rig.agents.pushAdmission = () => undefined;
  // Nothing moves while it runs (live-migration.test): what runs is saved first.
  rig.agents.speaks = streamProtocolVersion - 1;
  rig.agents.command = host as unknown as typeof rig.agents.command;
  takes = 0;
  lines = noLines;
  [sent, homesSent, homesArriveNot] = [[], [], false];
  made = compose();
  olga = await rig.person('operator', 'olga');
  sue = await rig.person('student', 'sue');
  slaveId = await rig.slave('lab-pc-07', { cores: 8 });
});
afterEach(async () => {
  await made.making.stop();
  expect(rig.faults).toEqual([]);
  await rig.close();
});

const newImage = (): Promise<string> => rig.image(64, 'disk', 'ready', { manifestId: hex('a') });
const book = (id: string) => rig.unit.read.instances.find(id);
async function running(name: string): Promise<string> {
  const { instance } = await rig.instances.create(sue, { imageId: await newImage(), name });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  return instance.id;
}
const evacuate = async (): Promise<string> => (await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null)).operation.id;

/** One round of everything; what is to be saved on the slave is. With `anew` the master dies before it. */
async function round(ids: readonly string[], anew: boolean): Promise<void> {
  if (anew) {
    await made.making.stop();
    made = compose();
  }
  await made.evacuation.run((error) => void rig.faults.push(error));
  await made.making.run();
  for (const id of ids) {
    const instance = await book(id);
    if (instance?.slaveId === slaveId && instance.desired === 'suspended' && instance.observed === 'running') await rig.report(id, 'suspended');
  }
  await rig.scheduler.idle();
}
const ended = (operationId: string, ids: readonly string[], anew = false) =>
  eventually('the operation to end', async () => {
    await round(ids, anew);
    const operation = await rig.operations.get(olga, operationId);
    return operation.state === 'pending' ? undefined : operation;
  });

test.each([['with one master', false], ['with a master that is killed before every round', true]])('what runs goes on elsewhere with its RAM, and what is off lies in the store, %s', async (_how, anew) => {
  const [a, b, c] = [await running('a'), await running('b'), await running('c')];
  await rig.instances.operate(sue, c, { verb: 'stop' });
  await rig.report(c, 'stopped');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  expect(await ended(await evacuate(), [a, b, c], anew)).toMatchObject({ state: 'done', sentence: 'lab-pc-07 is empty: it can be switched off.' });
  await rig.scheduler.idle();
  for (const id of [a, b]) {
    const instance = await book(id);
    expect(instance).toMatchObject({ slaveId: other, desired: 'running' });
    expect(rig.agents.last(id)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { ram: { imageId: instance?.ramImageId }, diskEpoch: 2 } } });
  }
  expect(await rig.instances.get(sue, c)).toMatchObject({ observed: 'stopped', slaveId: null, inStore: true });
  expect(await rig.unit.read.instances.onSlave(slaveId)).toEqual([]);
});

/** A reserved machine that runs until 11:00 UTC on the slave; another slave is there. */
async function claimed(): Promise<{ readonly id: string; readonly reservationId: string }> {
  const course = await rig.course();
  const reserved = await rig.request(course.teacher, { start: '2026-03-02T10:00', minutes: 120, groupId: course.id, imageId: await newImage() });
  const reservationId = reserved.reservation?.id ?? '';
  await rig.until('2026-03-02T09:00:01Z');
  const { instance: { id } } = await rig.claims.claim(rig.acting(course.bob), reservationId, {});
  await rig.scheduler.idle();
  await rig.report(id, 'running');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  return { id, reservationId };
}

test('what is reserved keeps its reservation, and its slot goes where it goes on', async () => {
  const { id, reservationId } = await claimed();
  expect(await ended(await evacuate(), [id])).toMatchObject({ state: 'done' });
  await rig.scheduler.idle();
  const end = Date.parse('2026-03-02T11:00:00Z');
  expect(await book(id)).toMatchObject({ slaveId: other, desired: 'running', type: 'AR', reservationId, endsAt: end });
  expect(await rig.unit.read.bookings.ofReservations([reservationId])).toMatchObject([{ slaveId: other, instanceId: id }]);
});

test('what was reset while it was off leaves with nothing to send, stays off, and starts elsewhere from its image', async () => {
  const [a, b] = [await running('a'), await running('b')];
  for (const id of [a, b]) {
    await rig.instances.operate(sue, id, { verb: 'stop' });
    await rig.report(id, 'stopped');
    await rig.instances.reset(sue, id, { toProduction: false });
  }
  // Of one its slave has removed everything; of the other that is still to come.
  await rig.report(a, 'stopped', { diskEpoch: 2 });
  other = await rig.slave('lab-pc-08', { cores: 8 });
  expect(await ended(await evacuate(), [a, b])).toMatchObject({ state: 'done', sentence: 'lab-pc-07 is empty: it can be switched off.' });
  expect(sent).toEqual([]);
  for (const id of [a, b]) {
    expect(await rig.instances.get(sue, id)).toMatchObject({ observed: 'stopped', desired: 'stopped', slaveId: null, inStore: true });
    expect((await book(id))?.mac).not.toBeNull();
  }
  await rig.resend.run();
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'deleted' } });

  // It is as any that is off: stopped it is already, started it begins from its image, and it can be deleted.
  expect((await rig.instances.operate(sue, a, { verb: 'stop' })).operation).toMatchObject({ state: 'done' });
  await rig.instances.operate(sue, a, { verb: 'start' });
  await rig.scheduler.idle();
  const instance = await book(a);
  expect(rig.agents.last(a)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { disk: { imageId: instance?.imageId }, diskEpoch: 3 } } });
  await rig.instances.reset(sue, b, { toProduction: false });
  expect(await book(b)).toMatchObject({ slaveId: null, desired: 'stopped', observed: 'stopped' });
  await rig.instances.operate(sue, b, { verb: 'delete' });
  expect((await book(b))?.desired).toBe('deleted');
});

test('moved by its owner, what never ran leaves at once, its operation is done, and asked again it answers the same', async () => {
  const a = await running('a');
  await rig.instances.operate(sue, a, { verb: 'stop' });
  await rig.report(a, 'stopped');
  const key = newId(rig.clock.now());
  await rig.instances.reset(sue, a, { toProduction: false });
  await rig.report(a, 'stopped', { diskEpoch: 2 });
  const { operation } = await made.relocation.move({ principal: sue, clientAddress: '10.0.0.4' }, a, key);
  expect(operation).toMatchObject({ id: key, kind: 'instance.move', state: 'done', sentence: 'a left lab-pc-07, where nothing was on its disk: what it begins from is in the store, and it starts wherever there is room.' });
  expect((await made.relocation.move({ principal: sue, clientAddress: '10.0.0.4' }, a, key)).operation).toMatchObject({ id: key, state: 'done' });
  expect(await rig.operations.get(sue, key)).toMatchObject({ state: 'done' });
});

test('what was taken back to a snapshot with its RAM and waits to run goes on elsewhere with both', async () => {
  const a = await running('a');
  await rig.instances.operate(sue, a, { verb: 'stop' });
  await rig.report(a, 'stopped');
  const [diskImageId, ramImageId] = [await newImage(), await newImage()];
  // As a restore leaves one that was off, once its slave has removed what was there.
  await rig.unit.transaction(async ({ instances }) => {
    const now = await instances.lock(a);
    const ramSavedOn = savedOnOf(plainDescribe('02:00:00:00:00:01'));
    if (now !== null) await instances.change(a, now, { diskImageId, ramImageId, ramSavedOn, diskEpoch: 2, observedDiskEpoch: 2, booted: false, queuedAt: rig.clock.now(), queuedBecause: 'asked' });
  });
  other = await rig.slave('lab-pc-08', { cores: 8 });
  expect(await ended(await evacuate(), [a])).toMatchObject({ state: 'done' });
  expect(sent).toEqual([]);
  await rig.scheduler.idle();
  expect(await book(a)).toMatchObject({ slaveId: other, desired: 'running' });
  expect(rig.agents.last(a)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { disk: { imageId: diskImageId }, ram: { imageId: ramImageId }, diskEpoch: 3 } } });
});

test('RAM that no other slave goes on with stays: what is saved stays saved, what runs is not saved in vain; stopped, it leaves without', async () => {
  const [a, b] = [await running('a'), await running('b')];
  await rig.instances.operate(sue, a, { verb: 'suspend' });
  await rig.report(a, 'suspended');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  await rig.unit.transaction(async ({ slaves }) => {
    const found = await slaves.find(other);
    if (found !== null) await slaves.mergeDescribe(other, { hypervisor: { ...found.describe.hypervisor, cpu: 'Opteron_G1' } });
  });
  const why = 'of lab-pc-08, its RAM was saved on a processor qemu64, and guests have Opteron_G1 there.';
  const ofSaved = `a stays: Its RAM fits no other host: ${why} It is saved here; once it is stopped, its disk moves without the RAM, and it starts cold elsewhere.`;
  const ofRunning = `b stays: It runs on: its RAM would fit no other host: ${why} Stop it, and its disk moves without the RAM; it starts cold elsewhere.`;
  expect(await ended(await evacuate(), [a, b])).toMatchObject({ state: 'failed', sentence: `0 of 2 have left lab-pc-07. Mend this, then evacuate it again. ${ofSaved} ${ofRunning}` });
  expect(await rig.noticesOf(sue)).toEqual([]);
  expect(await book(a)).toMatchObject({ slaveId, desired: 'suspended', observed: 'suspended' });
  expect(await book(b)).toMatchObject({ slaveId, desired: 'running', observed: 'running' });

  // Stopped by their owner they leave without the RAM, and stay off: nobody asked for them to run.
  for (const id of [a, b]) {
    await rig.instances.operate(sue, id, { verb: 'stop' });
    await rig.report(id, 'stopped');
  }
  expect(await ended(await evacuate(), [a, b])).toMatchObject({ state: 'done' });
  for (const id of [a, b]) expect(await book(id)).toMatchObject({ slaveId: null, desired: 'stopped', observed: 'stopped' });
});

test('saved for it when the last slave that could go on with its RAM goes away, one stays saved, its owner is told, and put back it goes on there', async () => {
  const a = await running('a');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  const operationId = await evacuate();
  await made.evacuation.run((error) => void rig.faults.push(error));
  await rig.unit.transaction(async ({ slaves }) => {
    const found = await slaves.find(other);
    if (found !== null) await slaves.mergeDescribe(other, { hypervisor: { ...found.describe.hypervisor, cpu: 'Opteron_G1' } });
  });
  const why = 'Its RAM fits no other host: of lab-pc-08, its RAM was saved on a processor qemu64, and guests have Opteron_G1 there. It is saved here; once it is stopped, its disk moves without the RAM, and it starts cold elsewhere.';
  expect(await ended(operationId, [a])).toMatchObject({ state: 'failed', sentence: `0 of 1 has left lab-pc-07. Mend this, then evacuate it again. a stays: ${why}` });
  expect(await rig.noticesOf(sue)).toEqual([expect.stringMatching(/^instance\.moving: /), `instance.stayed: a stays on lab-pc-07, which is being emptied: ${why}`]);
  expect(await book(a)).toMatchObject({ slaveId, desired: 'suspended', observed: 'suspended' });
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  await round([a], false);
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'running' } });
});

test('what is reserved and moves while it runs takes its slot along', async () => {
  const { id, reservationId } = await claimed();
  rig.agents.speaks = streamProtocolVersion;
  lines = { openLine: () => undefined, closeLine: () => undefined };
  made = compose();
  const operationId = await evacuate();
  await round([], false);
  const slot = () => rig.unit.read.bookings.ofReservations([reservationId]);
  for (const [on, order, standing] of [[other, 'received', 'awaiting'], [other, 'received', 'arrived'], [slaveId, 'sent', 'sent']] as const) {
    const told = rig.agents.pushes.filter((push) => push.slaveId === on && push.desired.instanceId === id).at(-1)?.desired;
    if (told?.desired !== order) throw new Error(`${on} was told ${told?.desired ?? 'nothing'}.`);
    expect(await slot()).toMatchObject([{ slaveId, instanceId: id }]);
    await rig.observations.observed(on, [{ instanceId: id, generation: told.generation, state: 'running', reason: null, progressPercent: null, migration: { id: told.migration.id, standing } }]);
    await made.migrations.run((error) => void rig.faults.push(error));
  }
  expect(await slot()).toMatchObject([{ slaveId: other, instanceId: id }]);
  expect(await book(id)).toMatchObject({ slaveId: other, observed: 'running', type: 'AR', reservationId, endsAt: Date.parse('2026-03-02T11:00:00Z') });
  expect(sent).toEqual([]);
  expect((await rig.operations.get(olga, operationId)).state).toBe('pending');
});

test('one with the home volume of its owner is not saved in vain by an agent that sends no such RAM; with one that does, disk, RAM and home leave together, and go on together', async () => {
  const a = await running('a');
  const volume = newId(rig.clock.now());
  await rig.unit.transaction(({ homes }) => homes.insert({ ...newHome({ id: volume, userId: sue.userId, sizeMiB: 64, ownSize: true }, rig.clock.now()), state: 'attached', instanceId: a, slaveId, attachedMiB: 64, epoch: 1 }));
  other = await rig.slave('lab-pc-08', { cores: 8 });
  expect((await ended(await evacuate(), [a])).sentence).toBe('0 of 1 has left lab-pc-07. Mend this, then evacuate it again. a stays: It runs on. lab-pc-07 runs an agent of an earlier release (protocol 5; it takes 6), which sends no RAM that has a home volume open. Update the agent there, which touches no guest.');
  expect(await book(a)).toMatchObject({ desired: 'running', observed: 'running' });

  rig.agents.protocols.set(slaveId, streamProtocolVersion);
  expect(await ended(await evacuate(), [a])).toMatchObject({ state: 'done', sentence: 'lab-pc-07 is empty: it can be switched off.' });
  expect(homesSent).toEqual([{ kind: 'send-home', volumeId: volume, epoch: 1, imageId: expect.any(String) as string, base: emptyContent, savedWith: a }]);
  await rig.scheduler.idle();
  const [home, instance] = [await rig.unit.read.homes.ofUser(sue.userId), await book(a)];
  expect(home).toMatchObject({ state: 'attached', instanceId: a, slaveId: other, epoch: 2, openInRamId: instance?.ramImageId, imageId: expect.any(String) as string });
  expect(rig.agents.last(a)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { ram: { imageId: instance?.ramImageId }, home: { volumeId: volume, epoch: 2, disk: { imageId: home?.imageId, sizeBytes: 64 * MiB } } } } });
  expect(await rig.unit.read.homes.leftovers(10)).toEqual([{ volumeId: volume, slaveId, epoch: 1, lost: false }]);
  await rig.report(a, 'running');
  expect(await rig.unit.read.homes.ofUser(sue.userId)).toMatchObject({ state: 'attached', openInRamId: null });
  rig.agents.disconnect = () => undefined;
  await made.slaves.retire(olga, slaveId, false, '10.0.0.9');
  const { items: [retired] } = await rig.unit.read.events.page({ kind: 'slave.retired', limit: 1 });
  expect(retired?.sentence).toContain('Copies of 1 home volume, which are elsewhere by now, stay on its disk, in homes/ of its pool.');
});

test('a retirement that is not forced is refused with the home volumes that are given up too; a forced one is told with them', async () => {
  const a = await running('a');
  await running('b');
  const volume = newId(rig.clock.now());
  await rig.unit.transaction(({ homes }) => homes.insert({ ...newHome({ id: volume, userId: sue.userId, sizeMiB: 64, ownSize: true }, rig.clock.now()), state: 'attached', instanceId: a, slaveId, attachedMiB: 64, epoch: 1 }));
  await expect(made.slaves.retire(olga, slaveId, false, '10.0.0.9')).rejects.toMatchObject({
    code: 'in-use',
    message: expect.stringMatching(/^2 instances \(a, b\) live on lab-pc-07, with the home volume of sue\. Evacuate it first .* What was written there on home volumes since they were in the store last is lost\.$/) as string,
  });
  rig.agents.disconnect = () => undefined;
  await made.slaves.retire(olga, slaveId, true, '10.0.0.9');
  const { items: [retired] } = await rig.unit.read.events.page({ kind: 'slave.retired', limit: 1 });
  expect(retired?.sentence).toContain('although 2 instances (a, b) live on it; they are given up, with what was written there on the home volume of sue.');
});

test('asked for something else while it leaves, it stays with its home where both are', async () => {
  const a = await running('a');
  await rig.unit.transaction(({ homes }) => homes.insert({ ...newHome({ id: newId(rig.clock.now()), userId: sue.userId, sizeMiB: 64, ownSize: true }, rig.clock.now()), state: 'attached', instanceId: a, slaveId, attachedMiB: 64, epoch: 1 }));
  rig.agents.protocols.set(slaveId, streamProtocolVersion);
  await rig.instances.operate(sue, a, { verb: 'suspend' });
  await rig.report(a, 'suspended');
  homesArriveNot = true;
  const { operation } = await made.relocation.move({ principal: sue, clientAddress: '10.0.0.9' }, a, null);
  await eventually('the home to be sent', async () => {
    await made.making.run();
    return homesSent.length > 0 || undefined;
  });
  await rig.instances.operate(sue, a, { verb: 'resume' });
  await rig.scheduler.idle();
  homesArriveNot = false;
  expect(rig.faults.splice(0)).toMatchObject([{ message: expect.stringContaining('The link broke.') as string }]);
  await eventually('the move to end', async () => {
    await rig.clock.advance(2500);
    await made.making.run();
    return (await rig.operations.get(sue, operation.id)).state !== 'pending' || undefined;
  });
  expect(await rig.unit.read.homes.ofUser(sue.userId)).toMatchObject({ state: 'attached', instanceId: a, slaveId, epoch: 1, openInRamId: null, imageId: null });
  expect(await book(a)).toMatchObject({ slaveId, desired: 'running' });
});

/** Saved, it left with RAM and home, and was placed on the other slave, which has said nothing yet. */
async function goesOnElsewhere(): Promise<string> {
  const a = await running('a');
  await rig.unit.transaction(({ homes }) => homes.insert({ ...newHome({ id: newId(rig.clock.now()), userId: sue.userId, sizeMiB: 64, ownSize: true }, rig.clock.now()), state: 'attached', instanceId: a, slaveId, attachedMiB: 64, epoch: 1 }));
  other = await rig.slave('lab-pc-08', { cores: 8 });
  rig.agents.protocols.set(slaveId, streamProtocolVersion);
  expect(await ended(await evacuate(), [a])).toMatchObject({ state: 'done' });
  await rig.scheduler.idle();
  expect(await book(a)).toMatchObject({ slaveId: other, booted: false });
  return a;
}

test('a slave that could not go on with it, and says so only after a silence, leaves RAM and home together in the store', async () => {
  const a = await goesOnElsewhere();
  const { ramImageId } = (await book(a)) ?? {};
  rig.agents.connected.delete(other);
  await rig.unit.read.slaves.moveLiveness(other, 'online', 'lost');
  await rig.observations.fleetChanged(other);
  expect(await book(a)).toMatchObject({ observed: 'lost' });
  rig.agents.connected.add(other);
  await rig.unit.read.slaves.moveLiveness(other, 'lost', 'online');
  await rig.report(a, 'failed');
  expect(await book(a)).toMatchObject({ ramImageId, booted: false });
  expect(await rig.unit.read.homes.ofUser(sue.userId)).toMatchObject({ state: 'attached', instanceId: a, openInRamId: ramImageId, returnId: null });
  expect((await rig.database.db('events').where({ kind: 'home.lost' })).length).toBe(0);
});

test('one that was to go on at a slave which is declared dead, and was never heard to have, goes on elsewhere with its RAM and its home', async () => {
  const a = await goesOnElsewhere();
  const { ramImageId } = (await book(a)) ?? {};
  rig.agents.connected.delete(other);
  await rig.unit.transaction(async ({ slaves }) => void ((await slaves.moveLiveness(other, 'online', 'lost')) && (await slaves.declareDead(other, rig.clock.now()))));
  await rig.observations.fleetChanged(other);
  expect((await rig.instances.get(sue, a)).reason?.sentence).toContain(`Recovering it (on its page, or by “paravcl instances recover a”) has a go on elsewhere with what the store has of it: nobody has heard that it ran on lab-pc-08, where it ends should it have.`);
  const third = await rig.slave('lab-pc-09', { cores: 8 });
  await made.relocation.recover({ principal: sue, clientAddress: '10.0.0.4' }, a, undefined, null);
  expect(await rig.unit.read.placements.cleaning(other)).toMatchObject([{ instanceId: a }]);
  await rig.scheduler.idle();
  expect(await book(a)).toMatchObject({ slaveId: third, desired: 'running', ramImageId, booted: false });
  expect(await rig.unit.read.homes.ofUser(sue.userId)).toMatchObject({ state: 'attached', instanceId: a, slaveId: third, openInRamId: ramImageId });
  expect((await rig.database.db('events').where({ kind: 'home.lost' })).length).toBe(0);
});

test('one that went on, unheard, and was switched off from inside holds what its disk has, and gives its home back', async () => {
  const a = await goesOnElsewhere();
  await rig.report(a, 'resuming');
  await rig.report(a, 'stopped', { reason: { code: 'StoppedByGuest', sentence: 'It was shut down from inside.' } });
  expect(await book(a)).toMatchObject({ observed: 'stopped', desired: 'stopped', booted: true, ramImageId: null });
  expect(await rig.unit.read.homes.ofUser(sue.userId)).toMatchObject({ state: 'returning', slaveId: other, used: true });
  await expect(made.slaves.retire(olga, other, false, '10.0.0.9')).rejects.toMatchObject({ code: 'in-use' });
  await rig.instances.operate(sue, a, { verb: 'delete' });
  const { generation } = rig.agents.last(a).desired;
  for (const on of [slaveId, other]) await rig.observations.observed(on, [{ instanceId: a, generation, state: 'deleted', reason: null, progressPercent: null }]);
  await expect(made.slaves.retire(olga, other, false, '10.0.0.9')).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('the home volume of sue, on the way to the store') as string });
});

test('one that is stopped while it comes back with its RAM may have gone on: its disk counts', async () => {
  const a = await goesOnElsewhere();
  await rig.report(a, 'resuming');
  await rig.instances.operate(sue, a, { verb: 'stop' });
  expect(await book(a)).toMatchObject({ desired: 'stopped', booted: true, ramImageId: null });
});
