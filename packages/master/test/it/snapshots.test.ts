import { newId } from '@paravcl/shared/ids';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Command, CommandResult, FrozenDisk } from '@paravcl/shared/protocol/commands';
import { ParavclError } from '@paravcl/shared/errors';
import { InstanceRelocation } from '../../src/services/instance-relocation';
import { SnapshotMaking } from '../../src/services/snapshot-making';
import { defaultQuotas } from '../../src/services/instance-settings';
import { SnapshotRam } from '../../src/services/snapshot-ram';
import { SnapshotRestore } from '../../src/services/snapshot-restore';
import { SnapshotService } from '../../src/services/snapshot-service';
import { eventually } from './eventually';
import { openRig, type Rig } from './instance-rig';

const MiB = 1024 * 1024;
/** Of what a guest is saved with. */
const ramMiB = 24;
const hex = (digit: string): string => digit.repeat(64);

let rig: Rig;
let student: Principal;
let slaveId: string;
/** What the hosts were told, and what they do about it. */
let told: Command[];
let frozenDisk: (instanceId: string) => FrozenDisk;
let takes: string[];
let takeFault: unknown;
let made: ReturnType<typeof compose>;

function compose() {
  const { unit, clock, agents, settings, scheduler } = rig;
  const making = new SnapshotMaking({
    unitOfWork: unit, agents, clock, settings,
    uploads: { remove: () => Promise.resolve() },
    takeDelta: ({ imageId }) => {
      takes.push(imageId);
      if (takeFault !== null) return Promise.reject(takeFault as Error);
      return Promise.resolve({ manifestId: hex(String(takes.length % 10)), dirtiedBytes: 8192, release: () => undefined });
    },
    ram: new SnapshotRam({ unitOfWork: unit, verbs: rig.verbs, clock }),
    onFault: (error) => void rig.faults.push(error),
  });
  const limits = { freezeMs: 120_000, saveMs: 1_200_000, deadlineMs: 3_600_000, perStudent: 3, timeZone: settings.timeZone };
  return {
    making,
    snapshots: new SnapshotService({ unitOfWork: unit, agents, clock, settings: limits, making, mirrors: { gone: () => undefined } }),
    relocation: new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots: limits, making }),
    restore: new SnapshotRestore({ unitOfWork: unit, agents, scheduler, clock, settings, quotas: defaultQuotas, onFault: (error) => void rig.faults.push(error) }),
  };
}

/** A host that does what it is told; what it sends has arrived before it says so. */
async function host(on: string, command: Command): Promise<CommandResult> {
  told.push(command);
  const done = (body: string | null): CommandResult => ({ commandId: newId(rig.clock.now()), outcome: { ok: true, body } });
  switch (command.kind) {
    case 'freeze-disks':
      return done(JSON.stringify(command.disks.map(({ instanceId }) => frozenDisk(instanceId))));
    case 'send-disk':
      expect(await made.making.expected(on, command.imageId)).toEqual({ diskBytes: (command.what === 'ram' ? ramMiB : 64) * MiB, isHere: false });
      await made.making.received(command.imageId);
      return done(JSON.stringify({ deltaBytes: 9000, dirtiedBytes: 8192 }));
    default:
      return done(null);
  }
}

beforeEach(async () => {
  rig = await openRig();
  told = [];
  takes = [];
  takeFault = null;
  frozenDisk = (instanceId) => ({ instanceId, ok: true, how: 'running', quiesced: false, base: hex('a'), sizeBytes: 64 * MiB });
  made = compose();
  rig.agents.command = host as unknown as typeof rig.agents.command;
  student = await rig.person('student', 'sue');
  slaveId = await rig.slave('lab-pc-07');
});
afterEach(async () => {
  await made.making.stop();
  await rig.close();
});

async function running(name: string, who: Principal = student): Promise<string> {
  const imageId = await rig.image(64, 'disk', 'ready', { manifestId: hex('a') });
  const { instance } = await rig.instances.create(who, { imageId, name });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  return instance.id;
}

const acting = (principal: Principal) => ({ principal, clientAddress: '127.0.0.1' });
const ask = (body: Partial<Parameters<typeof made.snapshots.create>[1]>, who = student) => made.snapshots.create(acting(who), { production: false, ram: false, ...body }, null);
const ended = (id: string, who = student) =>
  eventually('the snapshot to end', async () => {
    await made.making.run();
    const snapshot = await made.snapshots.get(who, id);
    return snapshot.state === 'pending' ? undefined : snapshot;
  });
const intakeBegun = (before = 0) =>
  eventually('the intake to be begun', async () => {
    await made.making.run();
    return takes.length > before || undefined;
  });
const hostsTold = (id: string) => eventually('hosts to be told', async () => {
  await made.making.run();
  return (await rig.unit.read.snapshots.parts([id])).every(({ hostTold }) => hostTold) || undefined;
});

test('a snapshot of two instances becomes two image versions of their own, seen by who asked, and their host hears of it', async () => {
  const [a, b] = [await running('one'), await running('two')];
  const { snapshot, operation } = await ask({ instanceIds: [a, b], name: 'before the exam' });
  expect(snapshot).toMatchObject({ state: 'pending', name: 'before the exam', sentence: '2 disks are being frozen.' });
  const after = await ended(snapshot.id);
  expect(after).toMatchObject({ state: 'ready', sentence: 'All 2 disks are images now, whole and by themselves.' });
  expect(after.parts.map(({ instanceName, state, how, dirtiedBytes }) => [instanceName, state, how, dirtiedBytes])).toEqual([['one', 'kept', 'running', 8192], ['two', 'kept', 'running', 8192]]);
  expect(await rig.operations.get(student, operation.id)).toMatchObject({ state: 'done', kind: 'snapshot.create' });

  const [image] = [...(await rig.unit.read.images.findAll(after.parts.map(({ imageId }) => imageId))).values()].filter(({ familyName }) => familyName === 'one snapshots');
  expect(image).toMatchObject({ state: 'ready', visibility: 'private', version: 1, createdByUserId: student.userId, virtualSizeMiB: 64, contentBytes: 64 * MiB, format: 'raw' });
  await hostsTold(snapshot.id);
  const freezes = told.filter(({ kind }) => kind === 'freeze-disks');
  expect(freezes).toMatchObject([{ disks: [{ instanceId: a, bases: [hex('a')] }, { instanceId: b, bases: [hex('a')] }] }]);
  expect(told.filter(({ kind }) => kind === 'end-snapshot')).toHaveLength(2);

  // The next one is a version of the same family, and may be sent against the one before.
  const next = await ended((await ask({ instanceIds: [a] })).snapshot.id);
  const [second] = (await rig.unit.read.images.findAll([next.parts[0]?.imageId ?? ''])).values();
  expect(second).toMatchObject({ version: 2, familyName: 'one snapshots' });
  expect(told.filter(({ kind }) => kind === 'freeze-disks').at(-1)).toMatchObject({ disks: [{ bases: [hex('a'), expect.not.stringMatching(hex('a')) as string] }] });
  expect(rig.faults).toEqual([]);
});

test('one of a deployment names in the end, too, which of its machines are not in it', async () => {
  for (const [ids, said] of [[[await running('one')], 'One disk is an image now, whole and by itself.'], [[await running('two'), await running('three')], '2 disks are images now, whole and by themselves.']] as const) {
    const { snapshot } = await ask({ instanceIds: [...ids] });
    await rig.database.db('snapshots').where({ id: snapshot.id }).update({ left_out: 'Without four: it is off.' });
    expect((await ended(snapshot.id)).sentence).toBe(`${said} Without four: it is off.`);
  }
});

test('one disk that cannot be frozen fails all of it, with its reason, and no image is there', async () => {
  const [a, b] = [await running('one'), await running('two')];
  frozenDisk = (instanceId) => (instanceId === b ? { instanceId, ok: false, message: 'its pool has 3 MiB left.' } : { instanceId, ok: true, how: 'running', quiesced: true, base: hex('a'), sizeBytes: 64 * MiB });
  const { snapshot, operation } = await ask({ instanceIds: [a, b] });
  const after = await ended(snapshot.id);
  expect(after).toMatchObject({ state: 'failed', sentence: 'two: its pool has 3 MiB left. Nothing of the snapshot is kept.' });
  expect(await rig.operations.get(student, operation.id)).toMatchObject({ state: 'failed' });
  expect((await rig.unit.read.images.findAll(after.parts.map(({ imageId }) => imageId))).size).toBe(0);
  expect(takes).toEqual([]);
  await hostsTold(snapshot.id);
  expect(told.filter(({ kind }) => kind === 'end-snapshot')).toMatchObject([{ manifest: null }, { manifest: null }]);
});

test('a store that is full fails the snapshot and says so', async () => {
  takeFault = new ParavclError('storage-full', 'The store has no room.');
  const { snapshot } = await ask({ instanceIds: [await running('one')] });
  expect(await ended(snapshot.id)).toMatchObject({ state: 'failed', sentence: 'one: The store has no room. Nothing of the snapshot is kept.' });
});

test('a master that has no room for what a host sends fails the snapshot at once and says so', async () => {
  const a = await running('one');
  rig.agents.command = (async (on: string, command: Command): Promise<CommandResult> => {
    if (command.kind !== 'send-disk') return host(on, command);
    await made.making.refused(command.imageId, 'There is no room on the master.');
    return { commandId: newId(rig.clock.now()), outcome: { ok: false, code: 'failed', message: 'There is no room on the master.' } };
  }) as unknown as typeof rig.agents.command;
  const { snapshot } = await ask({ instanceIds: [a] });
  expect(await ended(snapshot.id)).toMatchObject({ state: 'failed', sentence: 'one: There is no room on the master. Nothing of the snapshot is kept.' });
  await hostsTold(snapshot.id);
});

test('a master that is killed in between goes on from its books, whatever was under way', async () => {
  const a = await running('one');
  // It answers no freeze: the master dies with it under way.
  rig.agents.command = ((_: string, command: Command) => {
    told.push(command);
    return new Promise(() => undefined);
  }) as unknown as typeof rig.agents.command;
  const { snapshot } = await ask({ instanceIds: [a] });
  await eventually('the freeze to be asked for', () => Promise.resolve(told.length > 0 || undefined));
  made = compose();
  rig.agents.command = host as unknown as typeof rig.agents.command;
  takeFault = new Error('killed in the midst of it');
  await intakeBegun();
  expect((await made.snapshots.get(student, snapshot.id)).state).toBe('pending');
  made = compose();
  takeFault = null;
  expect(await ended(snapshot.id)).toMatchObject({ state: 'ready' });
  expect(await rig.unit.read.snapshots.manifestIds()).toEqual([]);
});

test('a host that names a base nobody offered, or a disk larger than it can be, fails the snapshot', async () => {
  for (const wrong of [{ base: hex('e') }, { sizeBytes: 65 * MiB }]) {
    const id = await running(`with-${Object.keys(wrong).join('')}`.toLowerCase());
    frozenDisk = (instanceId) => ({ instanceId, ok: true, how: 'running', quiesced: false, base: hex('a'), sizeBytes: 64 * MiB, ...wrong });
    expect(await ended((await ask({ instanceIds: [id] })).snapshot.id)).toMatchObject({ state: 'failed', sentence: expect.stringContaining('what cannot be') as string });
  }
  expect(takes).toEqual([]);
});

test('a disk that began anew before it was sent fails the snapshot at once, with the words of its host', async () => {
  const id = await running('one');
  rig.agents.command = (async (on: string, command: Command): Promise<CommandResult> => {
    if (command.kind !== 'send-disk') return host(on, command);
    return { commandId: newId(rig.clock.now()), outcome: { ok: false, code: 'stale', message: 'The disk began anew. Take it again.' } };
  }) as unknown as typeof rig.agents.command;
  expect(await ended((await ask({ instanceIds: [id] })).snapshot.id)).toMatchObject({ state: 'failed', sentence: 'one: The disk began anew. Take it again. Nothing of the snapshot is kept.' });
});

test('while it is pending the store keeps what its deltas are against', async () => {
  takeFault = new Error('not yet');
  const { snapshot } = await ask({ instanceIds: [await running('one')] });
  await intakeBegun();
  expect(await rig.unit.read.snapshots.manifestIds()).toEqual([hex('a')]);
  expect(await rig.unit.read.snapshots.pendingImageIds()).toHaveLength(1);
  await made.snapshots.delete(acting(student), snapshot.id);
  expect(await made.snapshots.get(student, snapshot.id)).toMatchObject({ state: 'failed', sentence: 'sue gave it up before it was there.' });
  expect(await rig.unit.read.snapshots.manifestIds()).toEqual([]);
});

test('deleting a snapshot takes its images, unless somebody runs one: then all of it stays', async () => {
  const a = await running('one');
  const first = await ended((await ask({ instanceIds: [a] })).snapshot.id);
  const second = await ended((await ask({ instanceIds: [a] })).snapshot.id);
  const imageId = first.parts[0]?.imageId ?? '';
  const { instance } = await rig.instances.create(student, { imageId, name: 'again' });
  await expect(made.snapshots.delete(acting(student), first.id)).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('instance again runs it') as string });
  expect(await rig.unit.read.images.find(imageId)).not.toBeNull();
  await made.snapshots.delete(acting(student), second.id);
  expect(await rig.unit.read.images.find(second.parts[0]?.imageId ?? '')).toBeNull();
  await expect(made.snapshots.get(student, second.id)).rejects.toMatchObject({ code: 'not-found' });
  expect(instance.imageId).toBe(imageId);
});

test('a snapshot that is deleted while its host is away is nobody’s to see, and its host hears how it ended all the same', async () => {
  const a = await running('one');
  const { id } = await ended((await ask({ instanceIds: [a] })).snapshot.id);
  await hostsTold(id);
  const second = (await ask({ instanceIds: [a] })).snapshot.id;
  rig.agents.connected.delete(slaveId);
  await made.snapshots.delete(acting(student), second);
  await made.snapshots.delete(acting(student), second);
  expect((await made.snapshots.list(student, { limit: 10 })).items.map((snapshot) => snapshot.id)).toEqual([id]);
  await expect(made.snapshots.get(student, second)).rejects.toMatchObject({ code: 'not-found' });
  told = [];
  rig.agents.connected.add(slaveId);
  await eventually('the host to hear', async () => {
    rig.clock.advance(3000);
    await made.making.run();
    return (await rig.unit.read.snapshots.find(second)) === null || undefined;
  });
  expect(told).toMatchObject([{ kind: 'end-snapshot', snapshotId: second, manifest: null }]);
});

test('a snapshot that is deleted in the moment in which its host hears how it ended is forgotten', async () => {
  const a = await running('one');
  const { id } = (await ask({ instanceIds: [a] })).snapshot;
  rig.agents.command = (async (on: string, command: Command): Promise<CommandResult> => {
    if (command.kind === 'end-snapshot') await made.snapshots.delete(acting(student), id);
    return host(on, command);
  }) as unknown as typeof rig.agents.command;
  await made.snapshots.delete(acting(student), id);
  await eventually('it to be forgotten', async () => {
    rig.clock.advance(3000);
    await made.making.run();
    return (await rig.unit.read.snapshots.find(id)) === null || undefined;
  });
});

test('an operator saves an instance as the next version of a family and puts it into production; a student may not', async () => {
  const operator = await rig.person('operator', 'otto');
  const a = await running('one');
  const source = await rig.unit.read.instances.find(a);
  const family = (await rig.unit.read.images.find(source?.imageId ?? ''))?.familyId ?? '';
  await expect(ask({ instanceIds: [a], familyId: family })).rejects.toMatchObject({ code: 'forbidden' });
  const { snapshot } = await ask({ instanceIds: [a], familyId: family, production: true }, operator);
  const after = await ended(snapshot.id, operator);
  expect(after.sentence).toMatch(/Launches of Ubuntu \d+ get it from now on\.$/);
  const image = await rig.unit.read.images.find(after.parts[0]?.imageId ?? '');
  expect(image).toMatchObject({ familyId: family, version: 2, production: true, visibility: 'public' });

  // Deleting what looks like one's own would take it from everybody who launches the family.
  await expect(made.snapshots.delete(acting(operator), snapshot.id)).rejects.toMatchObject({
    code: 'in-use',
    message: `${image?.name ?? ''} (${image?.friendlyId ?? ''}) is version 2 of ${image?.familyName ?? ''} now, which others launch. Delete that version first: paravcl images delete ${image?.friendlyId ?? ''}. Then delete the snapshot.`,
  });
  expect(await rig.unit.read.images.find(image?.id ?? '')).not.toBeNull();
  await rig.unit.read.imageFamilies.edit(family, { productionImageId: null });
  await rig.unit.read.images.remove(image?.id ?? '');
  await made.snapshots.delete(acting(operator), snapshot.id);
});

test('who may not operate an instance does not learn of it; one without a disk, a host that is away and a share that is used up are named', async () => {
  const other = await rig.person('student', 'ole');
  const a = await running('one');
  await expect(ask({ instanceIds: [a] }, other)).rejects.toMatchObject({ code: 'not-found' });
  await ended((await ask({ instanceIds: [a] })).snapshot.id);
  await ended((await ask({ instanceIds: [a] })).snapshot.id);
  await ended((await ask({ instanceIds: [a] })).snapshot.id);
  await expect(ask({ instanceIds: [a] })).rejects.toMatchObject({ code: 'quota-exceeded', message: expect.stringContaining('at most 3 disks') as string });
  const b = await running('theirs', other);
  rig.agents.connected.delete(slaveId);
  await expect(ask({ instanceIds: [b] }, other)).rejects.toMatchObject({ code: 'slave-offline', message: expect.stringContaining('lab-pc-07') as string });
  rig.agents.connected.add(slaveId);
  await rig.instances.operate(other, b, { verb: 'delete' });
  await expect(ask({ instanceIds: [b] }, other)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('it is deleted') as string });
  await expect(made.snapshots.get(other, (await made.snapshots.list(student, { limit: 10 })).items[0]?.id ?? '')).rejects.toMatchObject({ code: 'not-found' });
});

async function stopped(name: string): Promise<string> {
  const id = await running(name);
  await rig.instances.operate(student, id, { verb: 'stop' });
  await rig.report(id, 'stopped');
  return id;
}
const book = (id: string) => rig.unit.read.instances.find(id);
const moved = (operationId: string) =>
  eventually('the move to end', async () => {
    await made.making.run();
    const operation = await rig.operations.get(student, operationId);
    return operation.state === 'pending' ? undefined : operation;
  });

test('an instance that is off leaves its slave for the store and starts on another one with name, MAC, address and disk', async () => {
  const id = await stopped('mine');
  const before = await book(id);
  const { operation } = await made.relocation.move(acting(student), id, null);
  expect(await moved(operation.id)).toMatchObject({ state: 'done', sentence: 'mine left lab-pc-07: its disk is in the store, and it starts wherever there is room.' });
  const off = await rig.instances.get(student, id);
  expect(off).toMatchObject({ slaveId: null, inStore: true, observed: 'stopped', desired: 'stopped', mac: before?.mac, address: before?.address });
  expect((await book(id))?.generation).toBeGreaterThan(before?.generation ?? 0);
  // Its old slave owes the proof that nothing is left.
  await rig.resend.run();
  expect(rig.agents.last(id)).toMatchObject({ slaveId, desired: { desired: 'deleted', spec: null } });
  const tombstone = rig.agents.last(id).desired;

  const other = await rig.slave('lab-pc-08');
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
  await rig.instances.operate(student, id, { verb: 'start' });
  await rig.scheduler.idle();
  const { slaveId: on, desired } = rig.agents.last(id);
  expect(on).toBe(other);
  const diskImageId = (await book(id))?.diskImageId ?? '';
  expect(desired).toMatchObject({ desired: 'running', spec: { name: 'mine', mac: before?.mac, address: before?.address, disk: { imageId: diskImageId }, diskEpoch: 2 } });
  expect(desired.generation).toBeGreaterThan(tombstone.generation);
  // The disk is nobody else's: it is in no list, in use, and not to be launched.
  await expect(rig.instances.create(await rig.person('admin', 'ada'), { imageId: diskImageId })).rejects.toMatchObject({ code: 'not-found' });
  expect((await rig.unit.read.images.list('disk', {}, { limit: 50 })).items.map((image) => image.id)).not.toContain(diskImageId);
  expect(await rig.unit.read.instances.usingImage(diskImageId)).toHaveLength(1);
});

test('an instance that is started while its disk is on the way stays where it is', async () => {
  const id = await stopped('mine');
  takeFault = new Error('slow');
  const { operation } = await made.relocation.move(acting(student), id, null);
  await intakeBegun();
  await rig.instances.operate(student, id, { verb: 'start' });
  await rig.scheduler.idle();
  await rig.report(id, 'running');
  takeFault = null;
  rig.clock.advance(10_000);
  expect(await moved(operation.id)).toMatchObject({ state: 'failed', sentence: 'mine was asked for something else meanwhile, so it stays on lab-pc-07.' });
  expect(await book(id)).toMatchObject({ slaveId, observed: 'running', diskImageId: null });
});

test('an instance that waits to start on its slave while its disk is on the way stays there and goes on waiting; one whose slave fell silent leaves it', async () => {
  const id = await stopped('mine');
  takeFault = new Error('slow');
  const { operation } = await made.relocation.move(acting(student), id, null);
  await intakeBegun();
  await rig.unit.transaction(async ({ instances }) => {
    const now = await instances.lock(id);
    if (now !== null) await instances.change(id, now, { queuedAt: rig.clock.now(), queuedBecause: 'asked' });
  });
  takeFault = null;
  rig.clock.advance(10_000);
  expect(await moved(operation.id)).toMatchObject({ state: 'failed' });
  expect(await book(id)).toMatchObject({ slaveId, diskImageId: null });

  const other = await stopped('other');
  takeFault = new Error('slow');
  const second = await made.relocation.move(acting(student), other, null);
  await intakeBegun(takes.length);
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
  await rig.observations.fleetChanged(slaveId);
  takeFault = null;
  rig.clock.advance(10_000);
  expect(await moved(second.operation.id)).toMatchObject({ state: 'done' });
  expect(await book(other)).toMatchObject({ slaveId: null, observed: 'stopped', desired: 'stopped', diskImageId: expect.any(String) as string });
});

test('a moved instance that finds no room is stopped as it was, its disk safe in the store', async () => {
  const id = await stopped('mine');
  await moved((await made.relocation.move(acting(student), id, null)).operation.id);
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
  await rig.instances.operate(student, id, { verb: 'start' });
  await rig.scheduler.idle();
  expect(await book(id)).toMatchObject({ observed: 'queued', desired: 'running' });
  const { operation } = await rig.instances.operate(student, id, { verb: 'stop' });
  expect(operation).toMatchObject({ state: 'done', sentence: 'mine is off, and its disk is in the store. Start it, and it goes on wherever there is room.' });
  expect(await rig.instances.get(student, id)).toMatchObject({ observed: 'stopped', desired: 'stopped', inStore: true });
});

test('what runs or is saved is told what has to come first; what was reset begins from its image again, and its kept disk goes', async () => {
  const id = await running('mine');
  await expect(made.relocation.move(acting(student), id, null)).rejects.toMatchObject({ code: 'conflict', message: 'mine is running. Suspend it first, and it moves with its RAM, or stop it.' });
  await rig.instances.operate(student, id, { verb: 'stop' });
  await rig.report(id, 'stopped');
  await moved((await made.relocation.move(acting(student), id, null)).operation.id);
  const diskImageId = (await book(id))?.diskImageId ?? '';
  expect(await rig.unit.read.imageContents.removeUnusedOfInstances(10)).toMatchObject({ removed: 0 });
  await rig.instances.reset(student, id, { toProduction: false });
  expect(await book(id)).toMatchObject({ diskImageId: null, slaveId: null, observed: 'stopped' });
  expect(await rig.unit.read.imageContents.removeUnusedOfInstances(10)).toMatchObject({ removed: 1 });
  expect(await rig.unit.read.images.find(diskImageId)).toBeNull();
});

test('what is lost with a silent slave starts elsewhere only once an administrator declared that slave dead; when it comes back it hears that nothing of it may remain', async () => {
  const id = await running('exam');
  const snapshot = await ended((await ask({ instanceIds: [id], name: 'at noon' })).snapshot.id);
  const before = await book(id);
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
  await rig.observations.fleetChanged(slaveId);
  const other = await rig.slave('lab-pc-08');
  await expect(made.relocation.recover(acting(student), id, undefined, null)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('may still run there') as string });
  expect(await rig.unit.transaction(({ slaves }) => slaves.declareDead(slaveId, rig.clock.now()))).toBe(true);
  const { operation } = await made.relocation.recover(acting(student), id, undefined, null);
  await rig.scheduler.idle();
  expect(rig.agents.last(id)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { mac: before?.mac, disk: { imageId: snapshot.parts[0]?.imageId } } } });
  await rig.report(id, 'running', { diskEpoch: 2 });
  expect(await rig.operations.get(student, operation.id)).toMatchObject({ state: 'done' });

  // The dead one is back, and still runs what it had.
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'lost', 'online'));
  rig.agents.connected.add(slaveId);
  const told = await rig.observations.connected(slaveId, [{ instanceId: id, generation: before?.generation ?? 0, state: 'running', reason: null, progressPercent: null }], true);
  expect(told).toMatchObject([{ instanceId: id, desired: 'deleted' }]);
  expect(told[0]?.generation).toBeGreaterThan(before?.generation ?? 0);
  expect(await book(id)).toMatchObject({ slaveId: other, observed: 'running' });
});

test('of what is lost it is said which of the two it is: its slave is silent, or has nothing of it any more', async () => {
  const id = await running('mine');
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
  await rig.observations.fleetChanged(slaveId);
  await expect(ask({ instanceIds: [id] })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/^mine cannot be taken now, for it is lost\. lab-pc-07 is offline since \w+ [\d:]+\. mine waits for it; nothing is started elsewhere\.$/) as string,
  });
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'lost', 'online'));
  rig.agents.connected.add(slaveId);
  await rig.observations.connected(slaveId, [], true);
  await expect(ask({ instanceIds: [id] })).rejects.toMatchObject({
    message: 'mine cannot be taken now, for it is lost. lab-pc-07 came back without mine. Start it to make it anew from what its disk there still holds, or delete it.',
  });
  await rig.instances.operate(student, id, { verb: 'start' });
  await expect(ask({ instanceIds: [id] })).rejects.toMatchObject({ message: 'mine cannot be taken now: it is lost, and was asked to go on. Wait until it runs, and ask again.' });
});

test('of one whose slave was declared dead its owner reads what it can start from elsewhere, or that there is nothing', async () => {
  const [kept, bare, off] = [await running('exam'), await running('bare'), await stopped('off')];
  await ended((await ask({ instanceIds: [kept, off], name: 'at noon' })).snapshot.id);
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
  await rig.observations.fleetChanged(slaveId);
  const said = async (id: string) => (await rig.instances.get(student, id)).reason?.sentence;
  expect(await said(kept)).toMatch(/^lab-pc-07 is offline since \w+ [\d:]+\. exam goes on there as soon as it is back; nothing is started elsewhere\.$/);

  await rig.unit.transaction(({ slaves }) => slaves.declareDead(slaveId, rig.clock.now()));
  const recover = (name: string) => `Recovering it (on its page, or by “paravcl instances recover ${name}”)`;
  const ends = 'what it did since is lost, and ends on lab-pc-07 should that come back.';
  expect(await said(kept)).toContain(`It was declared dead. ${recover('exam')} starts exam elsewhere from its last snapshot: ${ends} Without that, exam goes on there as soon as it is back; nothing is started elsewhere.`);
  expect(await said(off)).toContain(`It was declared dead. ${recover('off')} lets off be started elsewhere from its last snapshot: ${ends} Without that, off is stopped as soon as it is back.`);
  expect(await said(bare)).toContain('It was declared dead. There is no snapshot of bare to start it from elsewhere: delete it and launch a new one. Without that, bare goes on there as soon as it is back; nothing is started elsewhere.');
  const { items } = await rig.instances.list(student, { limit: 10 });
  for (const { id, reason } of items) expect(reason?.sentence).toBe(await said(id));
});

describe('of a slave that left the pool', () => {
  /** By force, while its guests run: it stays "online" for ever. */
  async function retire(): Promise<void> {
    rig.agents.connected.delete(slaveId);
    await rig.unit.transaction(({ slaves }) => slaves.moveAdmission(slaveId, 'approved', 'retired', null));
    await rig.observations.fleetChanged(slaveId);
  }
  const recover = (name: string) => `Recovering it (on its page, or by “paravcl instances recover ${name}”)`;
  const lost = 'what it did since is lost. If its guest still runs on lab-pc-07, have that ended there first: both would have one address.';

  test.each(['online', 'lost'] as const)('what is kept of an instance starts elsewhere, and its owner reads so; of one that is not kept it is said that it can only be deleted (%s)', async (liveness) => {
    const [kept, bare, off] = [await running('exam'), await running('bare'), await stopped('off')];
    const snapshot = await ended((await ask({ instanceIds: [kept, off], name: 'at noon' })).snapshot.id);
    const other = await rig.slave('lab-pc-08');
    await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', liveness));
    await retire();
    const said = async (id: string) => (await rig.instances.get(student, id)).reason;
    expect(await said(kept)).toEqual({ code: 'DomainLost', sentence: `lab-pc-07 has left the pool with the disk of exam. ${recover('exam')} starts exam elsewhere from its last snapshot: ${lost}` });
    expect(await said(off)).toMatchObject({ sentence: `lab-pc-07 has left the pool with the disk of off. ${recover('off')} lets off be started elsewhere from its last snapshot: ${lost}` });
    expect(await said(bare)).toMatchObject({ sentence: 'lab-pc-07 has left the pool with the disk of bare. Delete it and launch a new one.' });
    const { items } = await rig.instances.list(student, { limit: 10 });
    for (const { id, reason } of items) expect(reason).toEqual(await said(id));

    await expect(made.relocation.recover(acting(student), bare, undefined, null)).rejects.toMatchObject({ code: 'conflict', message: 'There is no snapshot of bare, so there is nothing to start it from. Delete the instance.' });
    const before = await book(kept);
    const { operation } = await made.relocation.recover(acting(student), kept, undefined, null);
    await rig.scheduler.idle();
    expect(rig.agents.last(kept)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { mac: before?.mac, disk: { imageId: snapshot.parts[0]?.imageId } } } });
    await rig.report(kept, 'running', { diskEpoch: 2 });
    expect(await rig.operations.get(student, operation.id)).toMatchObject({ state: 'done' });
    await made.relocation.recover(acting(student), off, undefined, null);
    expect(await book(off)).toMatchObject({ slaveId: null, observed: 'stopped', desired: 'stopped' });
    expect((await rig.instances.operate(student, off, { verb: 'delete' })).operation).toMatchObject({ state: 'done', sentence: expect.stringContaining('off is deleted here. lab-pc-07 left the pool with what it had of it') as string });
    // Nobody waits for a proof of it.
    expect(await rig.unit.read.slaves.withUntoldLoss()).toEqual([]);
    const { items: [event] } = await rig.unit.read.events.page({ kind: 'instance.recovered', limit: 1 });
    expect(event?.sentence).toMatch(/: lab-pc-07 has left the pool\. What it did since is lost\.$/);
  });

  test('an instance is taken back to a snapshot elsewhere', async () => {
    const id = await running('exam');
    const { id: snapshotId } = (await ended((await ask({ instanceIds: [id], name: 'at noon' })).snapshot.id));
    const other = await rig.slave('lab-pc-08');
    await retire();
    expect((await made.restore.carryOut(acting(student), snapshotId, [id], null)).refused).toEqual([]);
    await rig.scheduler.idle();
    expect(rig.agents.last(id)).toMatchObject({ slaveId: other });
  });

  test('nothing is asked of an instance but its deletion: what was under way has failed, and every verb and a reset are refused with the way out', async () => {
    const [kept, bare] = [await running('exam'), await running('bare')];
    await ended((await ask({ instanceIds: [kept], name: 'at noon' })).snapshot.id);
    const { operation } = await rig.instances.operate(student, bare, { verb: 'stop' });
    await retire();
    expect(await rig.operations.get(student, operation.id)).toMatchObject({ state: 'failed', sentence: 'lab-pc-07 has left the pool with the disk of bare. Delete it and launch a new one.' });
    for (const [id, words] of [[kept, `${recover('exam')} starts exam elsewhere`], [bare, 'Delete it and launch a new one.']] as const) {
      await expect(made.relocation.move(acting(student), id, null)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(words) as string });
      const before = await book(id);
      const refusal = { code: 'conflict', message: expect.stringContaining(words) as string };
      for (const verb of ['start', 'stop', 'suspend', 'resume'] as const) await expect(rig.instances.operate(student, id, { verb })).rejects.toMatchObject(refusal);
      await expect(rig.instances.reset(student, id, { toProduction: false })).rejects.toMatchObject(refusal);
      expect(await book(id)).toEqual(before);
      await rig.instances.operate(student, id, { verb: 'delete' });
      expect(await book(id)).toMatchObject({ observed: 'deleted' });
    }
  });
});

const savedDisk = (instanceId: string): FrozenDisk => ({ instanceId, ok: true, how: 'saved', quiesced: false, base: hex('a'), sizeBytes: 64 * MiB, ramBytes: ramMiB * MiB });
async function saved(name: string): Promise<string> {
  const id = await running(name);
  await rig.instances.operate(student, id, { verb: 'suspend' });
  await rig.report(id, 'suspended');
  return id;
}
const silence = async (): Promise<void> => {
  rig.agents.connected.delete(slaveId);
  await rig.unit.transaction(({ slaves }) => slaves.moveLiveness(slaveId, 'online', 'lost'));
};

test('an instance that is saved leaves its slave with its RAM, and goes on with it on another one', async () => {
  const id = await saved('mine');
  frozenDisk = savedDisk;
  const { operation } = await made.relocation.move(acting(student), id, null);
  expect(operation.sentence).toBe('mine is saved: its disk and its RAM are about to leave for the store.');
  expect(await moved(operation.id)).toMatchObject({ state: 'done', sentence: expect.stringContaining('its disk and its RAM are in the store') as string });
  expect(told.filter(({ kind }) => kind === 'freeze-disks')).toMatchObject([{ disks: [{ instanceId: id, ram: true }] }]);
  expect(await rig.instances.get(student, id)).toMatchObject({ observed: 'suspended', desired: 'suspended', slaveId: null, inStore: true });
  expect(await rig.unit.read.imageContents.removeUnusedOfInstances(10)).toMatchObject({ removed: 0 });

  const other = await rig.slave('lab-pc-08');
  await silence();
  await rig.instances.operate(student, id, { verb: 'resume' });
  await rig.scheduler.idle();
  const { ramImageId } = (await book(id)) ?? {};
  expect(rig.agents.last(id)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { ram: { imageId: ramImageId, sizeBytes: ramMiB * MiB }, diskEpoch: 2 } } });
  // Until it runs the RAM is told again and kept; what ran since is never given it.
  await rig.report(id, 'resuming', { diskEpoch: 2 });
  expect(await book(id)).toMatchObject({ ramImageId });
  await rig.report(id, 'running', { diskEpoch: 2 });
  expect(await book(id)).toMatchObject({ observed: 'running', ramImageId: null, ramSavedOn: null });
  expect(await rig.unit.read.imageContents.removeUnusedOfInstances(10)).toMatchObject({ removed: 1 });
});

test('RAM goes to no slave whose guests are others: the reason says why and how to boot without it', async () => {
  const id = await saved('mine');
  frozenDisk = savedDisk;
  await moved((await made.relocation.move(acting(student), id, null)).operation.id);
  await rig.resend.run();
  await rig.report(id, 'deleted');
  const other = await rig.slave('lab-pc-08');
  const old = await rig.slave('lab-pc-09');
  rig.agents.protocols.set(old, 4);
  await rig.unit.transaction(async ({ slaves }) => {
    const found = await slaves.find(other);
    if (found !== null) await slaves.mergeDescribe(other, { hypervisor: { ...found.describe.hypervisor, cpu: 'Opteron_G1' } });
  });
  await silence();
  await rig.instances.operate(student, id, { verb: 'resume' });
  await rig.scheduler.idle();
  const waiting = await rig.instances.get(student, id);
  expect(waiting).toMatchObject({ observed: 'queued', reason: { code: 'OtherHypervisor', sentence: expect.stringContaining('stop it and start it') as string } });
  // Suspended again it is as it was; stopped its RAM is given up, and it boots anywhere.
  await rig.instances.operate(student, id, { verb: 'suspend' });
  expect(await book(id)).toMatchObject({ observed: 'suspended', desired: 'suspended', ramImageId: expect.any(String) as string });
  await rig.instances.operate(student, id, { verb: 'stop' });
  expect(await book(id)).toMatchObject({ observed: 'stopped', desired: 'stopped', ramImageId: null, diskImageId: expect.any(String) as string });
  await rig.instances.operate(student, id, { verb: 'start' });
  await rig.scheduler.idle();
  expect(rig.agents.last(id).desired.spec).not.toHaveProperty('ram');
});

/** Brings a snapshot with RAM so far that its guests are asked to be saved, and their slave has been told, which follows the books: what a report answers is what was told. */
const asked = (ids: readonly string[]) => eventually('the guests to be asked to be saved', async () => {
  await made.making.run();
  return ids.every((id) => rig.agents.last(id).desired.desired === 'suspended') || undefined;
});

test('guests are saved together, kept with their RAM, and go on; taken back to it they have what they had', async () => {
  const [a, b] = [await running('one'), await running('two')];
  const { snapshot } = await ask({ instanceIds: [a, b], ram: true });
  await asked([a, b]);
  expect(await made.snapshots.get(student, snapshot.id)).toMatchObject({ sentence: '2 guests are being saved, and go on when all are kept.' });
  // Nothing is frozen before the last one is saved.
  await rig.report(a, 'suspended');
  await made.making.run();
  expect(told).toEqual([]);
  frozenDisk = savedDisk;
  await rig.report(b, 'suspended');
  await eventually('both to go on', async () => {
    await made.making.run();
    await rig.scheduler.idle();
    return [a, b].every((id) => rig.agents.last(id).desired.desired === 'running') || undefined;
  });
  await rig.report(a, 'running');
  await rig.report(b, 'running');
  const after = await ended(snapshot.id);
  expect(after).toMatchObject({ state: 'ready', parts: [{ ram: true, how: 'saved' }, { ram: true, how: 'saved' }], sentence: expect.stringContaining('The RAM of 2 guests is kept with them.') as string });
  expect(await rig.unit.read.imageContents.removeUnusedOfInstances(10)).toMatchObject({ removed: 0 });

  const before = await book(a);
  const { restored, refused } = await made.restore.carryOut(acting(student), snapshot.id, undefined, null);
  expect(refused).toEqual([]);
  expect(restored).toHaveLength(2);
  const imageId = after.parts.find(({ instanceId }) => instanceId === a)?.imageId;
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'running', spec: { disk: { imageId }, ram: { sizeBytes: ramMiB * MiB }, diskEpoch: 2, mac: before?.mac } } });
  await rig.report(a, 'running', { diskEpoch: 2 });
  expect(await rig.operations.get(student, restored.find(({ instanceId }) => instanceId === a)?.operation.id ?? '')).toMatchObject({ state: 'done' });
});

test('when one of them cannot be saved nothing is kept, and the others go on', async () => {
  const [a, b] = [await running('one'), await running('two')];
  const { snapshot } = await ask({ instanceIds: [a, b], ram: true });
  await asked([a, b]);
  await rig.report(a, 'suspended');
  // Its guest was switched off from inside.
  await rig.report(b, 'stopped');
  expect(await ended(snapshot.id)).toMatchObject({ state: 'failed', sentence: 'two was not saved: it is off, or its host is away. Nothing of the snapshot is kept.' });
  await eventually('the other one to go on', async () => {
    await made.making.run();
    await rig.scheduler.idle();
    return rig.agents.last(a).desired.desired === 'running' || undefined;
  });
  expect(await book(b)).toMatchObject({ observed: 'stopped', desired: 'stopped' });
});

test('a snapshot of which an image was deleted says whose, and takes nobody back as a whole: the others by name', async () => {
  const [a, b] = [await running('one'), await running('two')];
  const { snapshot } = await ask({ instanceIds: [a, b], name: 'the class' });
  const { parts } = await ended(snapshot.id);
  await rig.unit.read.images.remove(parts.find(({ instanceId }) => instanceId === a)?.imageId ?? '');

  const shown = await made.snapshots.get(student, snapshot.id);
  expect(shown).toMatchObject({ state: 'ready', sentence: expect.stringMatching(/^What 1 of 2 held was deleted since: one\. /) as string });
  expect(shown.parts.map(({ instanceId, state }) => [instanceId, state])).toEqual(expect.arrayContaining([[a, 'deleted'], [b, 'kept']]));
  expect((await made.snapshots.list(student, { limit: 10 })).items.find(({ id }) => id === snapshot.id)?.sentence).toBe(shown.sentence);

  const before = [await book(a), await book(b)];
  await expect(made.restore.carryOut(acting(student), snapshot.id, undefined, null)).rejects.toMatchObject({
    code: 'conflict',
    message: 'The snapshot the class is not whole any more, and nothing was changed. What 1 of 2 held was deleted since: one. To take the others back, name them in instanceIds.',
  });
  expect([await book(a), await book(b)]).toEqual(before);
  expect((await made.restore.carryOut(acting(student), snapshot.id, [b], null)).restored).toMatchObject([{ instanceId: b }]);
});

test('one that is deleted before it is saved fails the snapshot, which says so', async () => {
  const [a, b] = [await running('one'), await running('two')];
  const { snapshot } = await ask({ instanceIds: [a, b], ram: true });
  await asked([a, b]);
  await rig.instances.operate(student, b, { verb: 'delete' });
  expect(await ended(snapshot.id)).toMatchObject({ state: 'failed', sentence: 'two was deleted before it was saved. Nothing of the snapshot is kept; ask again without it.' });
});

test('a master that is killed after it had guests saved has them go on all the same, once', async () => {
  const a = await running('one');
  const { snapshot } = await ask({ instanceIds: [a], ram: true });
  await asked([a]);
  await made.making.stop();
  made = compose();
  frozenDisk = savedDisk;
  await rig.report(a, 'suspended');
  await ended(snapshot.id);
  await rig.scheduler.idle();
  expect(rig.agents.last(a).desired.desired).toBe('running');
  await rig.report(a, 'running');
  await rig.instances.operate(student, a, { verb: 'suspend' });
  await rig.report(a, 'suspended');
  await made.making.run();
  await rig.scheduler.idle();
  expect(await book(a)).toMatchObject({ desired: 'suspended', queuedAt: null });
});

test('what was saved or off in a snapshot goes back to that; elsewhere when its slave is being drained', async () => {
  const id = await stopped('mine');
  frozenDisk = (instanceId) => ({ instanceId, ok: true, how: 'off', quiesced: false, base: hex('a'), sizeBytes: 64 * MiB });
  await expect(ask({ instanceIds: [id], ram: true })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('there is no RAM to keep') as string });
  const { id: snapshotId } = await ended((await ask({ instanceIds: [id] })).snapshot.id);
  await made.restore.carryOut(acting(student), snapshotId, [id], null);
  expect(rig.agents.last(id)).toMatchObject({ slaveId, desired: { desired: 'stopped', spec: { diskEpoch: 2 } } });
  await rig.report(id, 'stopped', { diskEpoch: 2 });
  await rig.unit.transaction(({ slaves }) => slaves.moveAdmission(slaveId, 'approved', 'draining', null));
  await made.restore.carryOut(acting(student), snapshotId, [id], null);
  expect(await book(id)).toMatchObject({ slaveId: null, observed: 'stopped', desired: 'stopped' });
  const stranger = await rig.person('student', 'ole');
  await expect(made.restore.carryOut(acting(stranger), snapshotId, undefined, null)).rejects.toMatchObject({ code: 'not-found' });
});

test('nothing is taken back elsewhere while it may run where it is; asked twice under one key it is taken back once', async () => {
  const id = await running('mine');
  const { id: snapshotId } = await ended((await ask({ instanceIds: [id] })).snapshot.id);
  const back = (key: string | null = null) => made.restore.carryOut(acting(student), snapshotId, undefined, key);
  await rig.unit.transaction(({ slaves }) => slaves.moveAdmission(slaveId, 'approved', 'draining', null));
  expect(await back()).toMatchObject({ restored: [], refused: [{ instanceId: id, sentence: 'mine has to leave lab-pc-07 for it (lab-pc-07 is draining), and is running there. Stop it first, and ask again.' }] });
  await rig.unit.transaction(({ slaves }) => slaves.moveAdmission(slaveId, 'draining', 'approved', null));
  rig.agents.connected.delete(slaveId);
  expect(await back()).toMatchObject({ restored: [], refused: [{ sentence: expect.stringContaining('is not connected') as string }] });
  rig.agents.connected.add(slaveId);

  const key = newId(rig.clock.now());
  const first = await back(key);
  const epoch = (await book(id))?.diskEpoch;
  expect(await back(key)).toEqual(first);
  expect(await book(id)).toMatchObject({ diskEpoch: epoch, desired: 'running', observed: 'preparing' });
  await rig.report(id, 'running', { diskEpoch: 2 });

  // One whose slave has nothing of it any more, and one whose slave was declared dead.
  await rig.observations.connected(slaveId, [], true);
  expect(await book(id)).toMatchObject({ observed: 'lost', reason: { code: 'DomainLost' } });
  expect(await back()).toMatchObject({ refused: [] });
  await rig.report(id, 'running', { diskEpoch: 3 });
  await silence();
  await rig.observations.fleetChanged(slaveId);
  expect(await back()).toMatchObject({ restored: [], refused: [{ sentence: expect.stringContaining('may still run there') as string }] });
  expect(await rig.unit.transaction(({ slaves }) => slaves.declareDead(slaveId, rig.clock.now()))).toBe(true);
  expect(await back()).toMatchObject({ refused: [] });
  expect(await book(id)).toMatchObject({ slaveId: null, observed: 'queued', desired: 'running' });
});

test('one that is deleted is called by the name it had, and is deleted, not being deleted for ever', async () => {
  const id = await running('mine');
  const { id: snapshotId, parts: [part] } = await ended((await ask({ instanceIds: [id] })).snapshot.id);
  const back = () => made.restore.carryOut(acting(student), snapshotId, undefined, null);
  const launch = `Launch a new one from the image of the snapshot (imageId ${part?.imageId ?? ''}).`;
  await rig.instances.operate(student, id, { verb: 'delete' });
  expect(await back()).toMatchObject({ restored: [], refused: [{ instanceName: 'mine', sentence: `mine is being deleted. ${launch}` }] });
  await rig.report(id, 'deleted');
  expect(await book(id)).toMatchObject({ observed: 'deleted', name: expect.not.stringMatching(/^mine$/) as string });
  expect(await back()).toMatchObject({ restored: [], refused: [{ instanceName: 'mine', sentence: `mine was deleted. ${launch}` }] });
});

test('one in the recycle bin is restored from there before it is snapshotted', async () => {
  const id = await stopped('one');
  await rig.instances.recycle(student, id, {});
  await expect(ask({ instanceIds: [id] })).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^one is in the recycle bin until .*; restore it first: on its page, /) as string });
  await rig.instances.restore(student, id, {});
  expect((await ask({ instanceIds: [id] })).snapshot.parts).toHaveLength(1);
});

test('a guest that its host cannot save fails the snapshot at once with the reason, and the others go on', async () => {
  const [a, b] = [await running('one'), await running('two')];
  const { snapshot } = await ask({ instanceIds: [a, b], ram: true });
  await asked([a, b]);
  await rig.report(a, 'suspended');
  await rig.report(b, 'running', { reason: { code: 'NotEnoughDisk', sentence: 'There is no room for its RAM.' } });
  expect(await ended(snapshot.id)).toMatchObject({ state: 'failed', sentence: 'two cannot be saved: There is no room for its RAM. Nothing of the snapshot is kept.' });
  await eventually('both to be wanted running', async () => {
    await made.making.run();
    await rig.scheduler.idle();
    return [a, b].every((id) => rig.agents.last(id).desired.desired === 'running') || undefined;
  });
});

test('RAM that a slave takes and cannot go on with is tried on another one, and none is asked for where nothing goes on', async () => {
  const id = await saved('mine');
  frozenDisk = savedDisk;
  await moved((await made.relocation.move(acting(student), id, null)).operation.id);
  const other = await rig.slave('lab-pc-08');
  await silence();
  await rig.instances.operate(student, id, { verb: 'resume' });
  await rig.scheduler.idle();
  expect(rig.agents.last(id).slaveId).toBe(other);
  await rig.report(id, 'resuming', { diskEpoch: 2 });
  expect(await book(id)).toMatchObject({ booted: false });
  const third = await rig.slave('lab-pc-09');
  await rig.report(id, 'failed', { diskEpoch: 2, reason: { code: 'LaunchFailed', sentence: 'load of migration failed' } });
  expect(rig.agents.last(id)).toMatchObject({ slaveId: third, desired: { desired: 'running', spec: { ram: { sizeBytes: ramMiB * MiB } } } });

  const drained = await running('elsewhere');
  const on = (await book(drained))?.slaveId ?? '';
  await rig.unit.transaction(({ slaves }) => slaves.moveAdmission(on, 'approved', 'draining', null));
  await expect(ask({ instanceIds: [drained], ram: true })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('would not go on there') as string });
});
