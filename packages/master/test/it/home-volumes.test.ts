import { setHome } from '@paravcl/shared/api/homes';
import { emptyContent } from '@paravcl/shared/chunks/delta';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Command, CommandResult } from '@paravcl/shared/protocol/commands';
import { streamProtocolVersion } from '@paravcl/shared/protocol/version';
import { isGranted } from '../../src/services/image-grants';
import { HomeReturning, type ReturnedHome } from '../../src/services/home-returning';
import { HomeService } from '../../src/services/home-service';
import { InstanceRelocation } from '../../src/services/instance-relocation';
import { eventually } from './eventually';
import { openRig, type Rig } from './instance-rig';

const MiB = 1024 * 1024;
const hex = (digit: string): string => digit.repeat(64);

let rig: Rig;
let student: Principal;
let operator: Principal;
let slaveId: string;
/** What slaves were told of home volumes, and what they do about it. */
let told: { readonly on: string; readonly command: Command }[];
let sends: 'all' | 'nothing' | 'refuses';
let refusal: string;
let takes: ReturnedHome[];
let takeFault: ParavclError | null;
let removed: string[];
let homes: HomeService;
let returning: HomeReturning;

function compose(): void {
  const { unit, clock, agents, settings } = rig;
  returning = new HomeReturning({
    unitOfWork: unit, agents, clock, settings,
    uploads: { remove: (id) => Promise.resolve(void removed.push(id)) },
    takeDelta: (home) => {
      if (takeFault !== null) return Promise.reject(takeFault);
      takes.push(home);
      return Promise.resolve({ manifestId: hex(String(takes.length % 10)), dirtiedBytes: 4096, release: () => undefined });
    },
    onFault: (error) => void rig.faults.push(error),
  });
  homes = new HomeService({ unitOfWork: unit, clock, settings });
}

async function slave(on: string, command: Command): Promise<CommandResult> {
  told.push({ on, command });
  const done = (body: string | null): CommandResult => ({ commandId: newId(rig.clock.now()), outcome: { ok: true, body } });
  if (command.kind === 'drop-home') return done(null);
  if (command.kind !== 'send-home') throw new Error(`Nobody expected the command ${command.kind}.`);
  if (sends === 'nothing') return done('null');
  if (sends === 'refuses') return { commandId: newId(rig.clock.now()), outcome: { ok: false, code: 'failed', message: refusal } };
  const home = await rig.unit.read.homes.ofReturn(command.imageId);
  expect(await returning.expected(on, command.imageId)).toEqual({ diskBytes: (home?.attachedMiB ?? 0) * MiB, isHere: false });
  expect(await returning.expected(newId(rig.clock.now()), command.imageId)).toBeNull();
  await returning.received(command.imageId);
  return done(JSON.stringify({ deltaBytes: 5000, dirtiedBytes: 4096 }));
}

async function open(homeMiB = 256): Promise<void> {
  rig = await openRig({ settings: { homeMiB } });
  [told, takes, removed] = [[], [], []];
  [sends, refusal, takeFault] = ['all', 'A guest still writes it.', null];
  compose();
  rig.agents.command = slave as unknown as typeof rig.agents.command;
  student = await rig.person('student', 'sue');
  operator = await rig.person('operator', 'olga');
  slaveId = await rig.slave('lab-pc-07');
}

beforeEach(() => open());
afterEach(async () => {
  await returning.stop();
  await rig.close();
});

const acting = (principal: Principal) => ({ principal, clientAddress: '127.0.0.1' });

async function launch(name: string, more: { readonly home?: boolean } = {}, who = student) {
  const imageId = await rig.image(64, 'disk', 'ready', { manifestId: hex('a'), contentBytes: 64 * MiB });
  const accepted = await rig.instances.create(who, { imageId, name, ...more });
  await rig.scheduler.idle();
  return accepted;
}

async function running(name: string, more: { readonly home?: boolean } = {}, who = student): Promise<string> {
  const { instance } = await launch(name, more, who);
  await rig.report(instance.id, 'running');
  return instance.id;
}

async function operate(id: string, verb: 'stop' | 'delete' | 'start' | 'suspend' | 'resume', who = student): Promise<void> {
  await rig.instances.operate(who, id, { verb });
  await rig.scheduler.idle();
}

async function stopped(id: string): Promise<void> {
  await operate(id, 'stop');
  await rig.report(id, 'stopped');
}

const specOf = (id: string) => rig.agents.last(id).desired.spec;
const home = (who = student) => homes.get(who, who.userId);
const relocation = () => {
  const { unit: unitOfWork, agents, scheduler, clock, settings } = rig;
  return new InstanceRelocation({ unitOfWork, agents, scheduler, clock, settings, snapshots: { freezeMs: 1000, deadlineMs: 1000 }, making: { wake: () => undefined } });
};
const settle = (what: string, holds: () => Promise<boolean>) =>
  eventually(what, async () => {
    await returning.run();
    await rig.clock.advance(2500);
    return (await holds()) || undefined;
  });
/** What is promised of the slave’s disk. */
const diskMiB = async (on = slaveId): Promise<number> => (await rig.unit.read.placements.usage([on])).get(on)?.diskMiB ?? 0;
const isStored = () => settle('the home to be in the store', async () => (await home()).state === 'stored');

test('a person’s first launch gets a blank home of the site’s size; stopped, what was written comes to the store, and the next one gets it, elsewhere too', async () => {
  expect(await home()).toMatchObject({ sizeMiB: 256, state: 'stored', blank: true });
  const first = await running('one');
  const spec = specOf(first);
  expect(spec?.home).toEqual({ volumeId: expect.any(String) as string, epoch: 1, sizeMiB: 256, disk: null });
  expect(await rig.instances.get(student, first)).toMatchObject({ home: true });
  expect(await home()).toMatchObject({ state: 'attached', instanceId: first, sentence: 'It is attached to one until that is stopped or deleted.' });

  await operate(first, 'stop');
  expect(specOf(first)).not.toHaveProperty('home');
  await returning.run();
  // Its guest may still write.
  expect(told).toEqual([]);
  await rig.report(first, 'stopped');
  await isStored();
  expect(takes).toMatchObject([{ base: emptyContent, sizeBytes: 256 * MiB }]);
  expect(await home()).toMatchObject({ state: 'stored', blank: false, instanceId: null });
  expect(await rig.instances.get(student, first)).toMatchObject({ home: false });
  expect(told[0]).toMatchObject({ on: slaveId, command: { kind: 'send-home', epoch: 1, base: emptyContent } });
  await settle('the host to have removed its copy', async () => (await rig.unit.read.homes.leftovers(10)).length === 0);
  expect(told.at(-1)).toMatchObject({ on: slaveId, command: { kind: 'drop-home', volumeId: spec?.home?.volumeId, epoch: 1 } });

  const second = await running('two');
  const image = (await rig.unit.read.homes.ofUser(student.userId))?.imageId;
  expect(specOf(second)?.home).toMatchObject({ volumeId: spec?.home?.volumeId, epoch: 2, sizeMiB: 256, disk: { imageId: image, manifest: hex('1'), sizeBytes: 256 * MiB } });
  // Nobody else's, and no image of anybody's.
  expect(specOf(await running('other', {}, operator))?.home?.volumeId).not.toBe(spec?.home?.volumeId);
  const { items } = await rig.unit.read.images.list('disk', {}, { limit: 50 });
  expect(items.map(({ id }) => id)).not.toContain(image);
  expect(rig.faults).toEqual([]);
});

test('while one instance has it another runs without and says so; who asks for it by name is refused with the way out', async () => {
  const first = await running('one');
  const { instance, warnings } = await launch('two');
  expect(warnings.join()).toContain('It runs without your home volume. Your home is attached to one until that is stopped or deleted.');
  expect(instance.home).toBe(false);
  expect(specOf(instance.id)).not.toHaveProperty('home');
  await expect(launch('three', { home: true })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('attached to one') as string });
  const { instance: without } = await launch('four', { home: false });
  await stopped(first);
  await expect(launch('five', { home: true })).rejects.toMatchObject({ message: expect.stringContaining('on its way to the store from one') as string });
  await isStored();
  // What runs gets nothing in the middle of its run.
  expect(await rig.instances.get(student, instance.id)).toMatchObject({ home: false });
  expect(specOf(without.id)).not.toHaveProperty('home');
  await rig.report(instance.id, 'running');
  await stopped(instance.id);
  await operate(instance.id, 'start');
  expect(specOf(instance.id)?.home).toMatchObject({ epoch: 2 });
});

test('one that is deleted loses nothing: its home comes to the store after it', async () => {
  const id = await running('one');
  await operate(id, 'delete');
  await rig.report(id, 'deleted');
  expect(await home()).toMatchObject({ state: 'returning' });
  await isStored();
  expect(await home()).toMatchObject({ blank: false });
});

test('on its way it is told from which host, by the name that its owner gave the instance, and which host has what is in the way', async () => {
  const id = await running('one');
  [sends, refusal] = ['refuses', 'The mirror of this host does not answer (connect ENOENT). Look at it with "systemctl status paravcl-mirror".'];
  await operate(id, 'delete');
  expect((await home()).sentence).toBe('It is on its way to the store from lab-pc-07, where one had it.');
  await rig.report(id, 'deleted');
  expect((await rig.unit.read.instances.find(id))?.name).not.toBe('one');
  const said = `It is on its way to the store from lab-pc-07, where one had it. lab-pc-07 cannot send it yet: ${refusal}`;
  await settle('the refusal to be said', async () => (await home()).sentence === said);
  sends = 'all';
  await isStored();
});

test('saved, an instance keeps it under the same epoch, and has it when it goes on', async () => {
  const id = await running('one');
  await operate(id, 'suspend');
  expect(specOf(id)?.home).toMatchObject({ epoch: 1 });
  await rig.report(id, 'suspended');
  await returning.run();
  expect(told).toEqual([]);
  await operate(id, 'resume');
  expect(specOf(id)?.home).toMatchObject({ epoch: 1 });
  await operate(id, 'suspend');
  await rig.report(id, 'suspended');
  await operate(id, 'stop');
  await rig.report(id, 'stopped');
  await isStored();
});

test('started again before it is back, it goes on with what lies there, and what was on the way counts for nothing', async () => {
  const id = await running('one');
  sends = 'refuses';
  await stopped(id);
  await settle('the host to have refused', async () => (await home()).sentence.includes('A guest still writes it.'));
  expect(await home()).toMatchObject({ state: 'returning', sentence: expect.stringContaining('A guest still writes it.') as string });
  const first = (await rig.unit.read.homes.ofUser(student.userId))?.returnId ?? '';
  await operate(id, 'start');
  expect(specOf(id)?.home).toMatchObject({ epoch: 1, disk: null });
  // What comes late is nobody's.
  expect(await returning.expected(slaveId, first)).toBeNull();
  await returning.received(first);
  expect(await home()).toMatchObject({ state: 'attached' });
  await rig.report(id, 'running');
  sends = 'all';
  await stopped(id);
  await isStored();
  expect(takes.map(({ returnId }) => returnId)).not.toContain(first);
});

test('a launch that fails on one slave takes the home to the next one, under a higher epoch, and the first is told to remove its own', async () => {
  const other = await rig.slave('lab-pc-08');
  const { instance } = await launch('one');
  const from = rig.agents.last(instance.id).slaveId;
  await rig.report(instance.id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'No.' } });
  const { slaveId: to, desired } = rig.agents.last(instance.id);
  expect(new Set([from, to])).toEqual(new Set([slaveId, other]));
  expect(desired.spec?.home).toMatchObject({ epoch: 2 });
  await settle('the copy there to be gone', async () => (await rig.unit.read.homes.leftovers(10)).length === 0);
  expect(told).toMatchObject([{ on: from, command: { kind: 'drop-home', epoch: 1 } }]);
});

test('with no slave left to try, it is free again', async () => {
  const { instance } = await launch('one');
  await rig.report(instance.id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'No.' } });
  expect(await rig.instances.get(student, instance.id)).toMatchObject({ observed: 'failed' });
  expect(await home()).toMatchObject({ state: 'stored' });
});

describe('a slave that is gone', () => {
  const declareDead = (id: string) => rig.unit.transaction(async ({ slaves }) => void ((await slaves.moveLiveness(id, 'online', 'lost')) && (await slaves.declareDead(id, rig.clock.now()))));

  test('keeps it locked while it is silent; declared dead, what was stored last counts, and what it has is dropped when it is back, and told', async () => {
    const id = await running('one');
    await stopped(id);
    await isStored();
    await operate(id, 'start');
    await rig.report(id, 'running');
    const before = (await rig.unit.read.homes.ofUser(student.userId))?.imageId;
    const { generation } = rig.agents.last(id).desired;
    rig.agents.connected.delete(slaveId);
    await returning.run();
    expect(await home()).toMatchObject({ state: 'attached' });
    await declareDead(slaveId);
    await isStored();
    expect(await rig.unit.read.homes.ofUser(student.userId)).toMatchObject({ imageId: before, instanceId: null, epoch: 2 });
    const { items } = await rig.unit.read.events.page({ kind: 'home.lost', limit: 5 });
    expect(items[0]?.sentence).toBe('lab-pc-07 was declared dead, or left the pool, and what was written on the home volume of sue there since it was attached is lost with it. What it held when it was in the store last counts.');
    expect((await rig.unit.read.instances.find(id))?.generation).toBeGreaterThan(generation);

    const other = await rig.slave('lab-pc-08');
    const next = await running('two');
    expect(rig.agents.last(next)).toMatchObject({ slaveId: other, desired: { spec: { home: { epoch: 3, disk: { imageId: before } } } } });
    rig.agents.connected.add(slaveId);
    // As long as the one that had it there is there with it, nothing is taken from under its guest, or its saved RAM.
    await returning.run();
    expect(told.at(-1)?.command).not.toMatchObject({ kind: 'drop-home', epoch: 2 });
    await rig.report(id, 'running');
    await operate(id, 'suspend');
    await rig.report(id, 'suspended');
    await returning.run();
    expect(told.at(-1)?.command).not.toMatchObject({ kind: 'drop-home', epoch: 2 });
    await expect(relocation().move(acting(student), id, null)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('The RAM of one has a home volume open that was given up when lab-pc-07 was declared dead') as string });
    await stopped(id);
    await settle('the copy there to be dropped', async () => (await rig.unit.read.homes.leftovers(10)).length === 0);
    expect(told.at(-1)).toMatchObject({ on: slaveId, command: { kind: 'drop-home', epoch: 2 } });
    expect((await rig.unit.read.events.page({ kind: 'home.dropped', limit: 5 })).items.map(({ sentence }) => sentence)).toEqual(['lab-pc-07 is back and removed what it had of the home volume of sue, which was given up while lab-pc-07 was away.']);
  });

  test.each(['running', 'suspended', 'stopped'] as const)('declared dead and back before anybody has had the volume since, it has lost nothing: its instance is %s', async (was) => {
    const id = await running('one');
    if (was === 'suspended') await operate(id, 'suspend');
    if (was === 'suspended') await rig.report(id, 'suspended');
    const { generation } = rig.agents.last(id).desired;
    rig.agents.connected.delete(slaveId);
    await declareDead(slaveId);
    await isStored();
    if (was === 'stopped') await operate(id, 'stop');
    rig.agents.connected.add(slaveId);
    await rig.unit.read.slaves.moveLiveness(slaveId, 'lost', 'online');
    if (was === 'stopped') await rig.observations.observed(slaveId, [{ instanceId: id, generation: (await rig.unit.read.instances.find(id))?.generation ?? 0, state: 'stopped', reason: null, progressPercent: null }]);
    await settle('it to be taken up', async () => (await rig.unit.read.homes.leftovers(10)).every(({ givenUp }) => givenUp === undefined));
    const [notice] = await rig.database.db('notices').where({ kind: 'home.found', user_id: student.userId });
    expect((notice as { sentence: string }).sentence).toMatch(/^lab-pc-07 is back with the home volume of sue, and nobody has had it since: nothing that was written on it is lost\./);
    if (was === 'stopped') {
      await isStored();
      expect(takes).toHaveLength(1);
      expect(await home()).toMatchObject({ blank: false });
      return;
    }
    expect(await home()).toMatchObject({ state: 'attached', instanceId: id });
    expect((await rig.unit.read.instances.find(id))?.generation).toBeGreaterThan(generation + 1);
    expect(told.map(({ command }) => command.kind)).not.toContain('drop-home');
    await rig.report(id, was);
    await stopped(id);
    await isStored();
    expect(await home()).toMatchObject({ blank: false });
  });

  test.each(['before', 'while'] as const)('given up before its guest began, it is not thought to be open in that guest, which begins without it %s its host is found', async (when) => {
    const { instance: { id } } = await launch('one');
    rig.agents.connected.delete(slaveId);
    await declareDead(slaveId);
    await isStored();
    expect(await rig.unit.read.homes.leftovers(10)).toMatchObject([{ slaveId, givenUp: { instanceId: id } }]);
    rig.agents.connected.add(slaveId);
    await rig.unit.read.slaves.moveLiveness(slaveId, 'lost', 'online');
    // As its newest order says, which names no volume.
    const generation = (await rig.unit.read.instances.find(id))?.generation ?? 0;
    const begins = () => rig.observations.observed(slaveId, [{ instanceId: id, generation, state: 'running', reason: null, progressPercent: null }]);
    if (when === 'before') await begins();
    else {
      // What is left there has been read, and is not acted on yet.
      const among = rig.unit.read.instances.among.bind(rig.unit.read.instances);
      let asked = 0;
      jest.spyOn(rig.unit.read.instances, 'among').mockImplementation(async (ids) => {
        const found = await among(ids);
        if (ids.includes(id) && (asked += 1) === 1) await begins();
        return found;
      });
    }
    await settle('it to be found', async () => (await rig.unit.read.homes.leftovers(10)).every(({ givenUp }) => givenUp === undefined));
    expect(await home()).not.toMatchObject({ state: 'attached' });
    await isStored();
    jest.restoreAllMocks();
    expect(await rig.instances.get(student, id)).toMatchObject({ home: false });
  });

  test('of one that has nothing of it any more though a guest wrote, people are told', async () => {
    const id = await running('one');
    sends = 'nothing';
    await stopped(id);
    await isStored();
    expect(await home()).toMatchObject({ blank: true });
    expect((await rig.unit.read.events.page({ kind: 'home.lost', limit: 5 })).items).toHaveLength(1);
    expect(await rig.database.db('notices').where({ kind: 'home.lost', user_id: student.userId })).toHaveLength(1);
  });

  test('an agent of an earlier release keeps it until it is updated', async () => {
    const id = await running('one');
    rig.agents.protocols.set(slaveId, 4);
    await stopped(id);
    await settle('it to be said', async () => (await home()).sentence.includes('Update it'));
    expect(told).toEqual([]);
  });
});

test('a store that is full is told, and taken into when it has room; what is no such delta is sent anew under another name', async () => {
  const id = await running('one');
  takeFault = new ParavclError('storage-full', 'The store has no room.');
  await stopped(id);
  await settle('it to be said', async () => (await home()).sentence.includes('The store has no room.'));
  takeFault = new ParavclError('invalid-input', 'The delta is cut off.');
  const first = (await rig.unit.read.homes.ofUser(student.userId))?.returnId;
  await settle('it to be asked for anew', async () => (await rig.unit.read.homes.ofUser(student.userId))?.returnId !== first);
  takeFault = null;
  await isStored();
});

test('a master that starts anew goes on from the books', async () => {
  const id = await running('one');
  takeFault = new ParavclError('storage-full', 'The store has no room.');
  await stopped(id);
  await settle('it to be said', async () => (await home()).sentence.includes('The store has no room.'));
  await returning.stop();
  expect(await rig.unit.read.homes.returnIds()).toHaveLength(1);
  takeFault = null;
  compose();
  await isStored();
  expect(told.filter(({ command }) => command.kind === 'send-home')).toHaveLength(1);
});

test('operators choose sizes, which grow only, and delete what a home holds by the name of its user, never while something has it', async () => {
  await expect(homes.get(student, operator.userId)).rejects.toMatchObject({ code: 'not-found' });
  expect(await homes.set(acting(operator), student.userId, 512)).toMatchObject({ sizeMiB: 512 });
  const id = await running('one');
  expect(specOf(id)?.home).toMatchObject({ sizeMiB: 512 });
  // What is attached stays as it is.
  await homes.set(acting(operator), student.userId, 1024);
  for (const less of [100, -1]) {
    await expect(homes.set(acting(operator), student.userId, less)).rejects.toMatchObject({
      code: 'invalid-input',
      message: 'The home volume of sue has 512 MiB, and a disk does not shrink. Choose at least that, or 0 for none, or delete it first.',
      detail: { field: 'sizeMiB', limit: 'at least 512, or 0' },
    });
  }
  await expect(homes.set(acting(operator), operator.userId, -1)).rejects.toMatchObject({ code: 'invalid-input', message: 'A home volume has at least 1 MiB. Choose at least that, or 0 for none.' });
  await expect(homes.remove(acting(operator), student.userId, 'sue')).rejects.toMatchObject({ code: 'conflict' });
  await stopped(id);
  await isStored();
  expect(takes.at(-1)).toMatchObject({ sizeBytes: 512 * MiB });
  await homes.set(acting(operator), student.userId, 0);
  const without = await launch('two');
  expect(without.warnings.join()).not.toContain('home');
  expect(specOf(without.instance.id)).not.toHaveProperty('home');
  await expect(launch('three', { home: true })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('no home volume') as string });
  await expect(homes.remove(acting(operator), student.userId, undefined)).rejects.toMatchObject({ message: expect.stringContaining('?confirm=sue') as string });
  await homes.remove(acting(operator), student.userId, 'sue');
  expect(await home()).toMatchObject({ sizeMiB: 256, blank: true });
  expect(await rig.unit.read.imageContents.removeUnusedHomes(10)).toMatchObject({ removed: 1 });
});

test('a size that no volume can have reaches who knows how large this one is at least', () => {
  const { body } = setHome;
  expect([-1, 0, 524_288].map((sizeMiB) => body?.safeParse({ sizeMiB }).success)).toEqual([true, true, true]);
  expect([524_289, 1.5].map((sizeMiB) => body?.safeParse({ sizeMiB }).success)).toEqual([false, false]);
});

test('a teacher who sees a person and not their home is told so; of whom a teacher does not see, nobody says anything', async () => {
  const teacher = await rig.person('teacher', 'tess');
  const groupId = newId(rig.clock.now());
  await rig.unit.transaction(async ({ groups }) => {
    await groups.insert({ id: groupId, name: 'CL II', description: '', ownerUserId: teacher.userId }, rig.clock.now());
    await groups.addMember(groupId, student.userId, rig.clock.now());
  });
  await expect(homes.get(teacher, student.userId)).rejects.toMatchObject({ code: 'not-found', message: `There is no user ${student.userId}, or it is not yours to see.` });
  const tess = { ...teacher, ownedGroupIds: [groupId] };
  await expect(homes.get(tess, student.userId)).rejects.toMatchObject({
    code: 'forbidden',
    message: 'The home volume of sue is not yours to see: a teacher sees those of people whose primary group is the teacher’s. Ask sue, or an operator.',
  });
  await rig.database.db('users').where({ id: student.userId }).update({ primary_group_id: groupId });
  expect(await homes.get(tess, student.userId)).toMatchObject({ userId: student.userId });
});

describe('in a group of a teacher whom the home is closed to', () => {
  let tess: Principal;
  let groupId: string;
  beforeEach(async () => {
    const teacher = await rig.person('teacher', 'tess');
    groupId = newId(rig.clock.now());
    await rig.unit.transaction(async ({ groups }) => {
      await groups.insert({ id: groupId, name: 'CL II', description: '', ownerUserId: teacher.userId }, rig.clock.now());
      await groups.addMember(groupId, student.userId, rig.clock.now());
    });
    tess = { ...teacher, ownedGroupIds: [groupId] };
    student = { ...student, groupIds: [groupId] };
  });

  async function offThere(more: { readonly home?: boolean } = {}): Promise<string> {
    const imageId = await rig.image(64, 'disk', 'ready', { manifestId: hex('a'), contentBytes: 64 * MiB });
    const { instance } = await rig.instances.create(student, { imageId, name: 'one', groupId, ...more });
    await rig.scheduler.idle();
    await rig.report(instance.id, 'running');
    expect(await rig.instances.get(student, instance.id)).toMatchObject({ home: true });
    await stopped(instance.id);
    await isStored();
    return instance.id;
  }

  test('a machine that the teacher starts runs without it, and says so; started by its owner again, it has it', async () => {
    const id = await offThere();
    await operate(id, 'start', tess);
    expect(specOf(id)).not.toHaveProperty('home');
    expect(await home()).toMatchObject({ state: 'stored' });
    const { items: [event] } = await rig.unit.read.events.page({ kind: 'instance.without-home', limit: 1 });
    expect(event?.sentence).toBe('one runs without the home volume of its owner. tess started it, whom that home is not open to: stopped and started by its owner, it has it.');
    await rig.report(id, 'running');
    await operate(id, 'stop', tess);
    await rig.report(id, 'stopped');
    await operate(id, 'start');
    expect(specOf(id)).toHaveProperty('home');
  });

  test('it is not had later either by one that the teacher started while something else had it', async () => {
    const { instance: { id } } = await launch('one');
    await rig.database.db('instances').where({ id }).update({ group_id: groupId });
    await rig.report(id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'No.' } });
    const other = await running('two');
    await operate(id, 'start', tess);
    await stopped(other);
    await isStored();
    // Where it failed nobody has cleaned up yet.
    const next = await rig.slave('lab-pc-08');
    rig.scheduler.wake();
    await rig.scheduler.idle();
    expect(await rig.instances.get(student, id)).toMatchObject({ slaveId: next, home: false });
    expect(specOf(id)).not.toHaveProperty('home');
  });

  test('one that never runs without it is not started by the teacher', async () => {
    const id = await offThere({ home: true });
    await expect(rig.instances.operate(tess, id, { verb: 'start' })).rejects.toMatchObject({ code: 'forbidden', message: 'one never runs without the home volume of its owner, which is not open to you. Ask sue to start it.' });
    await operate(id, 'start');
    expect(specOf(id)).toHaveProperty('home');
  });

  test('saved with it, it goes on with it, whoever resumes it: its RAM has it open', async () => {
    const id = await running('three');
    await rig.database.db('instances').where({ id }).update({ group_id: groupId });
    await operate(id, 'suspend');
    await rig.report(id, 'suspended');
    await operate(id, 'resume', tess);
    expect(specOf(id)).toHaveProperty('home');
  });

  test('who runs the site, and the teacher of the primary group, start it with it', async () => {
    const id = await offThere();
    await operate(id, 'start', operator);
    expect(specOf(id)).toHaveProperty('home');
    await rig.report(id, 'running');
    await stopped(id);
    await isStored();
    await rig.database.db('users').where({ id: student.userId }).update({ primary_group_id: groupId });
    await operate(id, 'start', tess);
    expect(specOf(id)).toHaveProperty('home');
  });
});

test('what it held before goes with the housekeeping, what it holds never', async () => {
  for (const name of ['one', 'two']) {
    await stopped(await running(name));
    await isStored();
  }
  expect(await rig.unit.read.imageContents.removeUnusedHomes(10)).toEqual({ removed: 1, manifestIds: [hex('1')] });
  expect(await rig.unit.read.imageContents.removeUnusedHomes(10)).toMatchObject({ removed: 0 });
});

test('a site without homes asks for none', async () => {
  await returning.stop();
  await rig.close();
  await open(0);
  const id = await running('one');
  expect(specOf(id)).not.toHaveProperty('home');
  expect(await home()).toMatchObject({ sizeMiB: 0, sentence: 'There is no home volume. An operator can give one.' });
});

test('a volunteer is given what a home holds for as long as a guest of its own has it, and nobody else’s', async () => {
  await stopped(await running('one'));
  await isStored();
  const id = (await rig.unit.read.homes.ofUser(student.userId))?.imageId ?? '';
  const image = await rig.unit.read.images.find(id);
  if (image === null) throw new Error('It is in the store.');
  const granted = (slave = slaveId) => isGranted(rig.unit.read, { id: slave, kind: 'volunteer' }, [image]);
  expect(await granted()).toBe(false);
  await running('two');
  expect(await granted()).toBe(true);
  expect(await granted(newId(1))).toBe(false);
});

test('RAM that has a home open leaves with it, and not from an agent of an earlier release; without the home it may', async () => {
  const { unit, clock, agents, scheduler, settings } = rig;
  const limits = { freezeMs: 1000, saveMs: 1000, deadlineMs: 1000, perStudent: 9, timeZone: settings.timeZone };
  const relocation = new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots: limits, making: { wake: () => undefined } });
  const [first, second] = [await running('one'), await running('two')];
  for (const id of [first, second]) {
    await operate(id, 'suspend');
    await rig.report(id, 'suspended');
  }
  agents.protocols.set(slaveId, streamProtocolVersion - 1);
  await expect(relocation.move(acting(student), first, null)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('cannot take the RAM of one together with the home volume that it has open. Update the agent there') as string });
  const whats = async (id: string) => {
    const { operation } = await relocation.move(acting(student), id, null);
    return (await unit.read.snapshots.parts([operation.subjectId])).map(({ what, state }) => `${what} ${state}`).sort();
  };
  expect(await whats(second)).toEqual(['disk wanted', 'ram wanted']);
  agents.protocols.set(slaveId, streamProtocolVersion);
  expect(await whats(first)).toEqual(['disk wanted', 'home frozen', 'ram wanted']);
});

describe('the room that it takes', () => {
  test('is promised where it lies, until it is in the store again, also when its instance is gone; and stands in what the slave is used for', async () => {
    const first = await running('one');
    expect(await diskMiB()).toBe(64 + 256);
    expect((await rig.unit.read.slaves.used([slaveId]))(slaveId).diskMiB).toBe(64 + 256);
    await operate(first, 'delete');
    await rig.report(first, 'deleted');
    expect(await diskMiB()).toBe(256);
    expect((await rig.unit.read.slaves.used([slaveId]))(slaveId)).toMatchObject({ diskMiB: 256, instances: 0 });
    await isStored();
    expect(await diskMiB()).toBe(0);
  });

  test('is needed beside that of its instance: one that it is too large for on every slave waits and says so, before the launch too; without it there is room', async () => {
    await homes.set(acting(operator), student.userId, 2_000_000);
    const sentence = 'No host is large enough for 1 core, 256 MiB of RAM and 2000320 MiB of disk with saved RAM (2000000 MiB of them for the home volume); the largest have 4 cores, 8192 MiB and 1000000 MiB.';
    const imageId = await rig.image(64, 'disk', 'ready', { manifestId: hex('a'), contentBytes: 64 * MiB });
    expect(await rig.forecast.options(student, { imageId })).toMatchObject({ fitsNow: false, sentence: `${sentence} Launch with “home”: false, or ask an operator for a smaller home volume.` });
    const { instance } = await launch('one');
    expect(await rig.instances.get(student, instance.id)).toMatchObject({ observed: 'queued', reason: { code: 'NoSlaveFits', sentence: `${sentence} Delete it and launch with “home”: false, or ask an operator for a smaller home volume.` } });
    await running('two', { home: false });
    // A larger slave is there: nothing else was in the way.
    const large = await rig.slave('lab-pc-08', { poolTotalMiB: 3_000_000 });
    rig.scheduler.wake();
    await rig.scheduler.idle();
    expect((await rig.instances.get(student, instance.id)).slaveId).toBe(large);
    expect(await diskMiB(large)).toBe(2_000_064);
  });

  test('is what one waits for that gets it with its place, and one that is started where its disk is', async () => {
    const first = await running('one');
    const { instance: second } = await launch('two', { home: false });
    await rig.report(second.id, 'running');
    await homes.set(acting(operator), student.userId, 999_500);
    await stopped(first);
    await isStored();
    // Two disks of 64 MiB are there, with the 256 MiB of RAM that may be saved beside each.
    await operate(first, 'start');
    expect(await rig.instances.get(student, first)).toMatchObject({ observed: 'stopped', home: true, reason: { code: 'NotEnoughDisk', sentence: '1st in the queue. lab-pc-07 has 999360 MiB of disk free, and the home volume of its owner needs 999500 MiB. It starts by itself when somebody deletes an instance, or gives a home volume back.' } });
    await operate(second.id, 'delete');
    await rig.report(second.id, 'deleted');
    expect(rig.agents.last(first).desired).toMatchObject({ desired: 'running', spec: { home: { sizeMiB: 999_500 } } });
  });
});
