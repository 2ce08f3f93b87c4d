import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { MysqlUnitOfWork } from '../../src/db/mysql-unit-of-work';
import { connectForGroups } from '../../src/db/connection';
import { insertRows } from '../../src/repositories/insert-rows';
import { instanceToRow } from '../../src/repositories/instance-rows';
import { MemoryWasWrong, type LaunchRows, type PromisedByMemory } from '../../src/repositories/launch-ledger';
import { calendarSetting } from '../../src/repositories/setting-repository';
import type { Change } from '../../src/repositories/committed-changes';
import { eventually } from './eventually';
import { openRig, type Rig } from './instance-rig';
import { sampleInstance, sampleTime } from './sample-records';

/** What is written of launches that were decided in memory: over a real database. */
let rig: Rig;
let slaveIds: readonly string[];
let told: Change[];

beforeEach(async () => {
  rig = await openRig();
  slaveIds = [await rig.slave('lab-1'), await rig.slave('lab-2')].sort();
  await rig.scheduler.idle();
  told = [];
  rig.database.changes.hear((changes) => void told.push(...changes));
});
afterEach(() => rig.close());

const [first, second] = [0, 1].map((at) => () => slaveIds[at] ?? '') as [() => string, () => string];
const promised = async (facts: Partial<PromisedByMemory> = {}): Promise<PromisedByMemory> => ({ calendar: await rig.unit.read.settings.find(calendarSetting), from: await rig.unit.read.fleet.promises(slaveIds), stamp: 77, ...facts });
const instance = () => sampleInstance({ slaveId: first(), observed: 'preparing' });
const rowsOf = (...instances: readonly ReturnType<typeof sampleInstance>[]): LaunchRows => ({
  at: sampleTime, instances, placements: instances.map(({ id }) => ({ instanceId: id, slaveId: first(), generation: 1, state: 'active' })), decisions: [], transitions: [], operations: [], events: [],
});
const stamps = async (): Promise<readonly number[]> => [...(await rig.unit.read.fleet.promises(slaveIds)).values()];
const nothingWritten = async (): Promise<void> => {
  expect(await stamps()).not.toContain(77);
  expect(await rig.unit.read.instances.queue()).toEqual([]);
  expect(await rig.database.db('instances').count({ n: '*' }).first()).toEqual({ n: 0 });
  expect(await rig.database.db('decision_inputs').where({ hash: 'f'.repeat(64) })).toEqual([]);
};
const inputs = { hash: 'f'.repeat(64), body: Buffer.from([0x1f, 0, 0xff, 0x27]), keptAt: sampleTime };

test('everything of a launch is there once it is answered, with its inputs and the stamp on its slaves, and is told', async () => {
  const launched = instance();
  await rig.unit.launches.write(await promised(), inputs, rowsOf(launched));
  expect(await stamps()).toEqual([77, 77]);
  expect(await rig.unit.read.instances.find(launched.id)).toEqual(launched);
  expect(await rig.unit.read.placements.ofInstance(launched.id)).toHaveLength(1);
  expect(await rig.unit.read.decisions.inputs(inputs.hash)).toEqual(inputs.body);
  expect(told).toContainEqual({ topic: 'instances', id: launched.id });
});

describe('nothing is written, and memory is said to be wrong, where', () => {
  afterEach(nothingWritten);
  const expectWrong = async (memory: PromisedByMemory): Promise<void> => { await expect(rig.unit.launches.write(memory, inputs, rowsOf(instance()))).rejects.toBeInstanceOf(MemoryWasWrong); };

  it('somebody else promised room of one of the slaves', async () => {
    const memory = await promised();
    await rig.database.db('slaves').where({ id: second() }).update({ promises: 5 });
    await expectWrong(memory);
  });
  it('one of the slaves is drained', async () => {
    await rig.database.db('slaves').where({ id: second() }).update({ admission: 'draining' });
    await expectWrong(await promised());
  });
  it('the calendar is another one', async () => {
    const memory = await promised();
    await rig.unit.read.settings.put(calendarSetting, 'another');
    await expectWrong(memory);
  });
  it('a calendar is kept by now, and none was', async () => {
    await rig.database.db('settings').where({ name: calendarSetting }).delete();
    const memory = await promised();
    expect(memory.calendar).toBeNull();
    await rig.unit.read.settings.put(calendarSetting, 'the first');
    await expectWrong(memory);
  });
});

test('whoever promises room of the same slave waits until it is known whether the first one has it', async () => {
  const [memory, other] = [await promised(), await promised({ stamp: 88 })];
  const both = await Promise.allSettled([rig.unit.launches.write(memory, null, rowsOf(instance())), rig.unit.launches.write(other, null, rowsOf(instance()))]);
  const statuses = both.map(({ status }) => status).sort();
  expect(statuses).toEqual(['fulfilled', 'rejected']);
  expect(both.find((one) => one.status === 'rejected')?.reason).toBeInstanceOf(MemoryWasWrong);
  expect(await rig.database.db('instances').count({ n: '*' }).first()).toEqual({ n: 1 });
});

test('a name that is taken is said as such, and nothing is left', async () => {
  const taken = instance();
  await expect(rig.unit.launches.write(await promised(), inputs, rowsOf(taken, { ...instance(), name: taken.name }))).rejects.toMatchObject({ errno: 1062 });
  await nothingWritten();
});

test("a deadlock's victim is written all the same, once", async () => {
  const launched = instance();
  const rival = await rig.database.db.transaction();
  // Heavier than a launch, so that it is not the victim; it holds the name, and wants a slave that the launch has by then.
  await insertRows(rival, 'settings', Array.from({ length: 400 }, (_, number) => ({ name: `rival-${String(number)}`, value: '' })));
  await insertRows(rival, 'instances', [instanceToRow({ ...instance(), name: launched.name })]);
  const written = rig.unit.launches.write(await promised(), inputs, rowsOf(launched));
  await eventually('the launch waits for the name', async () => {
    // The server looks anew only when nobody has asked for a tenth of a second.
    await pause(150);
    return (await rig.database.db('information_schema.innodb_trx').where({ trx_state: 'LOCK WAIT' })).length > 0;
  });
  await rival('slaves').where({ id: first() }).forUpdate().select('id');
  await rival.rollback();
  await written;
  expect(await rig.database.db('instances').count({ n: '*' }).first()).toEqual({ n: 1 });
  expect(await rig.database.db('placements').where({ instance_id: launched.id })).toHaveLength(1);
});

test('a commit of which no answer came is an error, and is told, for it may be there', async () => {
  const { address, changes, db } = rig.database;
  if (!('socketPath' in address)) throw new Error('The test database listens on a socket.');
  const links: Socket[] = [];
  const door = createServer((near) => {
    const far = createConnection(address.socketPath);
    links.push(near, far);
    let commits = false;
    near.on('data', (bytes) => { if (bytes.includes('; COMMIT')) commits = true; far.write(bytes); });
    far.on('data', (bytes) => { if (commits) near.destroy(); else near.write(bytes); });
    for (const link of [near, far]) link.on('error', () => undefined);
  });
  const socketPath = join(tmpdir(), `paravcl-door-${newId(systemClock.now()).slice(-12)}`);
  door.listen(socketPath);
  await once(door, 'listening');
  const behind = connectForGroups({ ...address, socketPath });
  try {
    const launched = instance();
    await expect(new MysqlUnitOfWork(db, systemClock, null, changes, behind).launches.write(await promised(), inputs, rowsOf(launched))).rejects.toThrow();
    await eventually('it is in the books', async () => await rig.unit.read.instances.find(launched.id));
    expect(told).toContainEqual({ topic: 'instances', id: launched.id });
  } finally {
    await behind.destroy();
    for (const link of links) link.destroy();
    door.close();
  }
});
