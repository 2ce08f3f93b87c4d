import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { streamProtocolVersion } from '@paravcl/shared/protocol/version';
import { composeEvacuations } from '../../src/compose-evacuations';
import type { Acting } from '../../src/services/acting';
import type { Relocated } from '../../src/services/instance-relocation';
import { InstanceVerbs } from '../../src/services/instance-verbs';
import { leaveSlave } from '../../src/services/leave-slave';
import { defaultScheduling } from '../../src/services/instance-settings';
import { SlaveService } from '../../src/services/slave-service';
import { noLines, openRig, type Rig } from './instance-rig';

let rig: Rig;
let [olga, sue]: [Principal, Principal] = [{} as Principal, {} as Principal];
let slaveId: string;
let store: StoreDouble;
let made: ReturnType<typeof compose>;

/** What brings instances to the store: a move is under way until a test says how it ends. */
class StoreDouble {
  readonly asked: string[] = [];
  private readonly moves = new Map<string, string>();
  /** By the instance's id: what its move is answered with. */
  readonly refusals = new Map<string, Error>();

  async move({ principal }: Acting, id: string, reservedId: string | null): Promise<Relocated> {
    this.asked.push(id);
    const refusal = this.refusals.get(id);
    if (refusal !== undefined) throw refusal;
    const { unit, clock } = rig;
    const instance = await unit.read.instances.find(id);
    if (instance === null || reservedId === null) throw new Error(`Nobody expected a move of ${id}.`);
    const earlier = await unit.read.operations.find(reservedId);
    if (earlier !== null) throw new Error(`${instance.name} was asked for twice under one id.`);
    const operation = {
      id: reservedId, kind: 'instance.move', subjectType: 'snapshot', subjectId: newId(clock.now()), generation: instance.generation, state: 'pending' as const,
      sentence: `${instance.name} is off: its disk is about to leave for the store.`, userId: principal.userId, createdAt: clock.now(), changedAt: clock.now(),
    };
    await unit.read.operations.insert(operation);
    this.moves.set(id, operation.id);
    return { instance, operation };
  }

  /** All of it is there: it leaves its slave, unless it is not as it was. */
  async arrives(id: string): Promise<void> {
    const diskImageId = await rig.image();
    await rig.unit.transaction(async (repositories) => {
      const instance = await repositories.instances.lock(id);
      const move = await repositories.operations.find(this.moves.get(id) ?? '');
      if (instance === null || move?.state !== 'pending') throw new Error(`${id} does not move.`);
      const isAsItWas = move.generation === instance.generation && instance.queuedAt === null;
      if (isAsItWas) await leaveSlave(repositories, instance, diskImageId, { observed: instance.observed, reason: null }, { by: 'master', now: rig.clock.now(), slaveName: 'lab-pc-07', settings: rig.settings });
      await repositories.operations.progressOf(move.id, isAsItWas ? 'done' : 'failed', isAsItWas ? 'It left.' : 'It was asked for something else, so it stays.', rig.clock.now());
    });
  }

  async breaks(id: string, sentence: string): Promise<void> {
    await rig.unit.read.operations.progressOf(this.moves.get(id) ?? '', 'failed', sentence, rig.clock.now());
  }
}

/** As after a start of the master: nothing in memory, everything in the database. */
function compose() {
  const { unit, clock, agents, settings, scheduler, pulse, world, scheduling, priority, quotas, observations } = rig;
  const onFault = (error: unknown): void => void rig.faults.push(error);
  const verbs = new InstanceVerbs({ unitOfWork: unit, agents, scheduler, figures: pulse, clock, settings, scheduling, priority, quotas, onFault });
  const slaves = new SlaveService(unit, clock, agents, observations, pulse, { lostAfterMs: 60_000 }, defaultScheduling);
  return { slaves, ...composeEvacuations({ unitOfWork: unit, agents, world, lines: noLines, scheduler, scheduling, clock, slaves, relocation: store, verbs, settings, atOnce: 2, migrateEmulated: false, onFault }) };
}

beforeEach(async () => {
  rig = await openRig();
  rig.agents.pushAdmission = () => undefined;
  // Nothing moves while it runs (live-migration.test): what runs is saved first.
  rig.agents.speaks = streamProtocolVersion - 1;
  store = new StoreDouble();
  made = compose();
  olga = await rig.person('operator', 'olga');
  sue = await rig.person('student', 'sue');
  slaveId = await rig.slave('lab-pc-07', { cores: 8 });
});
afterEach(() => rig.close());

async function running(name: string): Promise<string> {
  const { instance } = await rig.instances.create(sue, { imageId: await rig.image(), name });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  return instance.id;
}
async function now(name: string, verb: 'suspend' | 'stop', state: 'suspended' | 'stopped'): Promise<string> {
  const id = await running(name);
  await rig.instances.operate(sue, id, { verb });
  await rig.report(id, state);
  return id;
}
const saved = (name: string): Promise<string> => now(name, 'suspend', 'suspended');
const off = (name: string): Promise<string> => now(name, 'stop', 'stopped');

const acting = (principal: Principal): Acting => ({ principal, clientAddress: '10.0.0.9' });
const evacuate = (who = olga, key: string | null = null) => made.evacuations.begin(acting(who), slaveId, key);
/** One round of the job, and what the scheduler makes of it. */
async function round(): Promise<void> {
  await made.evacuation.run((error) => void rig.faults.push(error));
  await rig.scheduler.idle();
}
const standing = async (id: string) => {
  const { state, sentence } = await rig.operations.get(olga, id);
  return `${state}: ${sentence}`;
};
const look = async (id: string) => {
  const { desired, observed, slaveId: on, queuedAt } = (await rig.unit.read.instances.find(id)) ?? {};
  return { desired, observed, on, queued: queuedAt !== null };
};
const notices = async () => (await rig.unit.read.notices.page({ userId: sue.userId, limit: 50, unread: false })).items.map(({ kind, sentence }) => `${kind}: ${sentence}`).reverse();
const eventKinds = async () => (await rig.unit.read.events.page({ limit: 200, subjectId: slaveId })).items.map(({ kind }) => kind).reverse();

test('a slave is emptied: what is saved or off moves, what runs is saved, moves and goes on elsewhere by itself, two at a time', async () => {
  const [a, b, c, d] = [await running('a'), await running('b'), await saved('c'), await off('d')];
  const other = await rig.slave('lab-pc-08', { cores: 8 });
  const { slave, operation } = await evacuate();
  expect(slave).toMatchObject({ id: slaveId, admission: 'draining' });
  expect(operation).toMatchObject({ kind: 'slave.evacuate', subject: { type: 'slave', id: slaveId }, state: 'pending', sentence: '0 of 4 have left lab-pc-07.' });

  await round();
  expect(store.asked).toEqual([c, d]);
  await round();
  expect(await standing(operation.id)).toBe('pending: 0 of 4 have left lab-pc-07; c moves to the store, d moves to the store, and 2 more.');
  expect(await look(a)).toMatchObject({ desired: 'running', observed: 'running' });

  await store.arrives(c);
  await round();
  expect((await made.slaves.get(olga, slaveId)).evacuation).toEqual({ left: 1, of: 4, sentence: '1 of 4 have left lab-pc-07; d moves to the store, and 2 more.' });
  expect(await standing(operation.id)).toBe('pending: 1 of 4 have left lab-pc-07; d moves to the store, and 2 more.');
  // Who lent the machine learns how far it is, and nothing of what others have there.
  await rig.database.db('slaves').where({ id: slaveId }).update({ kind: 'volunteer', owner_user_id: sue.userId });
  expect((await made.slaves.list(sue, { limit: 5 })).items.map(({ evacuation }) => evacuation)).toEqual([{ left: 1, of: 4, sentence: '1 of 4 have left lab-pc-07.' }]);
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'suspended' } });
  expect(await look(b)).toMatchObject({ desired: 'running' });
  await store.arrives(d);
  await rig.report(a, 'suspended');
  await round();
  await round();
  expect(await standing(operation.id)).toBe('pending: 2 of 4 have left lab-pc-07; a moves to the store, b is being saved.');
  await store.arrives(a);
  await rig.report(b, 'suspended');
  await round();
  expect(rig.agents.last(a)).toMatchObject({ slaveId: other, desired: { desired: 'running' } });
  await store.arrives(b);
  await round();
  await round();
  expect(await standing(operation.id)).toBe('done: lab-pc-07 is empty: it can be switched off.');

  for (const id of [a, b]) expect(await look(id)).toMatchObject({ desired: 'running', on: other });
  expect(await look(c)).toEqual({ desired: 'suspended', observed: 'suspended', on: null, queued: false });
  expect(await look(d)).toEqual({ desired: 'stopped', observed: 'stopped', on: null, queued: false });
  expect(await notices()).toEqual(['a', 'b'].map((name) => `instance.moving: lab-pc-07 is being emptied for maintenance: ${name} is saved with everything open, moves, and goes on elsewhere by itself.`));
  expect(await eventKinds()).toEqual(['slave.draining', 'slave.evacuating', 'slave.evacuated']);
  const [begun] = await rig.database.db('events').where({ kind: 'slave.evacuating' });
  expect(begun).toMatchObject({ actor: 'user olga', actor_user_id: olga.userId, client_address: '10.0.0.9', sentence: 'olga has everything leave lab-pc-07.' });
  expect(rig.faults).toEqual([]);
});

test('a master that is killed anywhere in the middle goes on from its books, and asks for nothing twice', async () => {
  const a = await running('a');
  const other = await rig.slave('lab-pc-08');
  const { operation } = await evacuate();
  const again = async (): Promise<void> => {
    made = compose();
    await round();
    made = compose();
  };
  await again();
  const { generation } = rig.agents.last(a).desired;
  await again();
  expect(rig.agents.last(a).desired.generation).toBe(generation);
  await rig.report(a, 'suspended');
  // It dies between keeping the move's id and asking for it.
  store.refusals.set(a, new Error('killed'));
  await again();
  const [first] = await rig.unit.read.evacuations.parts([operation.id]);
  store.refusals.clear();
  await again();
  const [second] = await rig.unit.read.evacuations.parts([operation.id]);
  expect(second).toMatchObject({ moveId: first?.moveId, tries: 1, resumes: 'suspended' });
  await again();
  expect(store.asked).toEqual([a, a]);
  await store.arrives(a);
  await again();
  await again();
  expect(await look(a)).toMatchObject({ desired: 'running', on: other });
  expect(await standing(operation.id)).toBe('done: lab-pc-07 is empty: it can be switched off.');
  expect(rig.faults).toEqual([new Error('killed')]);
});

test('undrain in the middle: what left stays where it is, what moves goes on elsewhere, what was only saved goes on here', async () => {
  const [a, b, c, d] = [await running('a'), await running('b'), await running('c'), await running('d')];
  const other = await rig.slave('lab-pc-08', { cores: 8 });
  const { operation } = await evacuate();
  await round();
  await rig.report(a, 'suspended');
  await round();
  await store.arrives(a);
  await rig.report(b, 'suspended');
  await round();
  await round();
  expect(await standing(operation.id)).toBe('pending: 1 of 4 have left lab-pc-07; b moves to the store, c is being saved, and 1 more.');
  await rig.report(c, 'suspended');

  expect(await made.slaves.undrain(olga, slaveId, '10.0.0.9')).toMatchObject({ admission: 'approved', evacuation: null });
  expect(await standing(operation.id)).toBe('superseded: lab-pc-07 was put back by olga; 1 had left, it stays where it is. What was saved for it goes on.');
  await round();
  expect(store.asked).toEqual([a, b]);
  expect(rig.agents.last(c)).toMatchObject({ slaveId, desired: { desired: 'running' } });
  expect(await look(d)).toEqual({ desired: 'running', observed: 'running', on: slaveId, queued: false });
  await store.arrives(b);
  await round();
  expect(await look(a)).toMatchObject({ desired: 'running', on: other });
  expect(await look(b)).toMatchObject({ desired: 'running' });
  await round();
  expect(await rig.unit.read.evacuations.unfinished()).toEqual([]);
  const [event] = await rig.database.db('events').where({ kind: 'slave.undrained' });
  expect(event).toMatchObject({ sentence: 'olga put back lab-pc-07 before it was empty: 1 had left, it stays where it is.' });
});

test('one that is refused stays saved, its owner is told, and the operation says what to do; put back, it goes on there', async () => {
  const [a, b] = [await running('a'), await off('b')];
  await rig.slave('lab-pc-08');
  const { operation } = await evacuate();
  store.refusals.set(a, new ParavclError('conflict', 'lab-pc-07 runs an agent of an earlier release. Update it.'));
  await round();
  await rig.report(a, 'suspended');
  await round();
  expect(await standing(operation.id)).toContain('pending: 0 of 2 have left lab-pc-07;');
  await store.arrives(b);
  await round();
  await round();
  const why = 'lab-pc-07 runs an agent of an earlier release. Update it.';
  expect(await standing(operation.id)).toBe(`failed: 1 of 2 have left lab-pc-07. Mend this, then evacuate it again. a stays: ${why}`);
  expect((await notices()).at(-1)).toBe(`instance.stayed: a stays on lab-pc-07, which is being emptied: ${why}`);
  expect(await look(a)).toEqual({ desired: 'suspended', observed: 'suspended', on: slaveId, queued: false });
  expect(await eventKinds()).toEqual(['slave.draining', 'slave.evacuating', 'slave.not-evacuated']);

  // Once it is mended the next one takes up what the first owes.
  store.refusals.clear();
  const next = await evacuate();
  expect(next.operation.id).not.toBe(operation.id);
  await round();
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  await store.breaks(a, 'Its host is busy.');
  await round();
  await round();
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'running' } });
  expect(rig.faults).toEqual([]);
});

test('what its owner asked for meanwhile holds: stopped it stays off, asked to run it goes on elsewhere', async () => {
  const [a, b] = [await running('a'), await off('b')];
  const other = await rig.slave('lab-pc-08');
  const { operation } = await evacuate();
  await round();
  await rig.report(a, 'suspended');
  await rig.instances.operate(sue, a, { verb: 'stop' });
  await rig.report(a, 'stopped');
  await rig.instances.operate(sue, b, { verb: 'start' });
  await round();
  expect(await look(b)).toMatchObject({ desired: 'stopped', queued: false });
  await store.arrives(b);
  await round();
  await store.arrives(a);
  await round();
  await round();
  expect(await standing(operation.id)).toBe('done: lab-pc-07 is empty: it can be switched off.');
  expect(await look(a)).toEqual({ desired: 'stopped', observed: 'stopped', on: null, queued: false });
  expect(await look(b)).toMatchObject({ desired: 'running', on: other });
});

test('one that cannot be saved runs on when the evacuation ends: it is not saved an hour later, and put back nothing is done to it', async () => {
  const a = await running('a');
  const b = await running('b');
  await rig.slave('lab-pc-08');
  await rig.instances.operate(sue, b, { verb: 'suspend' });
  await rig.report(b, 'running', { reason: { code: 'NotEnoughDisk', sentence: 'The pool has no room.' } });
  const { operation } = await evacuate();
  await round();
  await rig.report(a, 'running', { reason: { code: 'NotEnoughDisk', sentence: 'The pool has no room.' } });
  await round();
  expect(await standing(operation.id)).toBe('failed: 0 of 2 have left lab-pc-07. Mend this, then evacuate it again. a stays: It cannot be saved now: The pool has no room. b stays: It cannot be saved now: The pool has no room.');
  expect(await look(a)).toEqual({ desired: 'running', observed: 'running', on: slaveId, queued: false });
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'running' } });
  expect((await notices()).at(-1)).toBe('instance.stayed: a stays on lab-pc-07, which is being emptied: It cannot be saved now: The pool has no room. It runs on.');
  // What its owner wants saved is still to be saved.
  expect(await look(b)).toMatchObject({ desired: 'suspended' });
  await rig.report(a, 'running');
  const { generation } = rig.agents.last(a).desired;
  // Saved by its owner later it is theirs: put back, the slave wakes nothing.
  await rig.instances.operate(sue, a, { verb: 'suspend' });
  await rig.report(a, 'suspended');
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  await round();
  await round();
  expect(await look(a)).toEqual({ desired: 'suspended', observed: 'suspended', on: slaveId, queued: false });
  expect(rig.agents.last(a).desired.generation).toBe(generation + 1);
  expect(rig.faults).toEqual([]);
});

test('put back while it cannot be saved, one runs on at once: it neither is saved for nothing nor waits for room', async () => {
  const a = await running('a');
  await evacuate();
  await round();
  await rig.report(a, 'running', { reason: { code: 'NotEnoughDisk', sentence: 'The pool has no room.' } });
  await made.slaves.undrain(olga, slaveId, '10.0.0.9');
  await round();
  await round();
  expect(await look(a)).toEqual({ desired: 'running', observed: 'running', on: slaveId, queued: false });
  expect(rig.agents.last(a)).toMatchObject({ slaveId, desired: { desired: 'running' } });
  expect(await rig.unit.read.evacuations.unfinished()).toEqual([]);
});

test.each([['while it is being saved', 0], ['while it moves', 1], ['once it has left', 2]])('suspended by its owner %s it stays saved elsewhere, as it is already', async (_when, at) => {
  const a = await running('a');
  await rig.slave('lab-pc-08');
  const { operation } = await evacuate();
  const suspend = async (when: number): Promise<void> => {
    if (when === at) expect((await rig.instances.operate(sue, a, { verb: 'suspend' })).instance.desired).toBe('suspended');
  };
  await round();
  await suspend(0);
  await rig.report(a, 'suspended');
  await round();
  await suspend(1);
  await store.arrives(a);
  await rig.database.db('instances').where({ id: a }).update({ ram_image_id: await rig.image() });
  await suspend(2);
  await round();
  await round();
  expect(await standing(operation.id)).toBe('done: lab-pc-07 is empty: it can be switched off.');
  expect(await look(a)).toEqual({ desired: 'suspended', observed: 'suspended', on: null, queued: false });
});

test('stopped by its owner, which it is already, what was taken from the queue stays off; a verb of the master itself is no such wish', async () => {
  const [a, b] = [await off('a'), await off('b')];
  await rig.slave('lab-pc-08');
  const { operation } = await evacuate();
  for (const id of [a, b]) await rig.instances.operate(sue, id, { verb: 'start' });
  await round();
  for (const id of [a, b]) expect(await look(id)).toMatchObject({ desired: 'stopped', queued: false });
  expect((await rig.instances.operate(sue, a, { verb: 'stop' })).operation.state).toBe('done');
  await rig.verbs.carryOut(sue, b, { verb: 'stop', followed: false });
  await round();
  for (const id of [a, b]) await store.arrives(id);
  await round();
  await round();
  expect(await standing(operation.id)).toContain('done: lab-pc-07 is empty');
  expect(await look(a)).toEqual({ desired: 'stopped', observed: 'stopped', on: null, queued: false });
  expect(await look(b)).toMatchObject({ desired: 'running' });
});

test('a move that failed is begun again, three times at most; where there is no room elsewhere what left waits for it', async () => {
  const [a, b] = [await running('a'), await off('b')];
  const { operation } = await evacuate();
  await round();
  await rig.report(a, 'suspended');
  for (let tries = 1; tries <= 3; tries += 1) {
    await round();
    await store.breaks(b, 'The store is full.');
  }
  await store.arrives(a);
  await round();
  await round();
  expect(await look(a)).toEqual({ desired: 'running', observed: 'queued', on: null, queued: false });
  expect(await standing(operation.id)).toBe('failed: 1 of 2 have left lab-pc-07. Mend this, then evacuate it again. b stays: Its move failed 3 times. The store is full.');
  expect(store.asked.filter((id) => id === b)).toHaveLength(3);
  const again = await evacuate();
  await round();
  await store.arrives(b);
  await round();
  await round();
  expect(await standing(again.operation.id)).toBe('done: lab-pc-07 is empty: it can be switched off.');
});

test('it is asked for by who runs the lab, and once: again it answers the same operation', async () => {
  await off('a');
  await expect(evacuate(sue)).rejects.toMatchObject({ code: 'not-found' });
  const key = newId(rig.clock.now());
  const { operation } = await evacuate(olga, key);
  expect(operation.id).toBe(key);
  expect((await evacuate(olga, key)).operation.id).toBe(key);
  expect((await evacuate()).operation.id).toBe(key);
  expect(await eventKinds()).toEqual(['slave.draining', 'slave.evacuating']);
  const waiting = await rig.slave('lab-pc-09', { admission: 'pending' });
  await expect(made.evacuations.begin(acting(olga), waiting, null)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('lab-pc-09 is pending') as string });
});

test('a slave that was quarantined meanwhile, or whose operator is gone, is emptied no further, and it says so', async () => {
  await off('a');
  const { operation } = await evacuate();
  await rig.unit.read.slaves.moveAdmission(slaveId, 'draining', 'quarantined', 'It came back with another identity.');
  await round();
  await round();
  expect(await standing(operation.id)).toBe('failed: lab-pc-07 is quarantined now, so nothing more of it is moved.');
  expect(store.asked).toEqual([]);
  await rig.unit.read.slaves.moveAdmission(slaveId, 'quarantined', 'approved', null);
  const { operation: next } = await evacuate();
  await rig.database.db('users').where({ id: olga.userId }).update({ disabled: 1 });
  await round();
  expect(await rig.unit.read.operations.find(next.id)).toMatchObject({ state: 'failed', sentence: 'Whoever asked for it has no account any more, so nothing more is moved in that name. Evacuate it again.' });
  await round();
  await round();
  expect(await rig.unit.read.evacuations.unfinished()).toEqual([]);
});
