import type { Principal } from '@paravcl/shared/domain/people';
import { configSchema } from '../../src/config';
import { HousekeepingJob } from '../../src/jobs/housekeeping-job';
import { settingsFromConfig } from '../../src/settings-from-config';
import { openRig, type Rig } from './instance-rig';

let rig: Rig;
let alice: Principal;
let imageId: string;
beforeEach(async () => {
  rig = await openRig();
  alice = await rig.person('student', 'alice');
  imageId = await rig.image();
});
afterEach(() => rig.close());

async function running(): Promise<string> {
  const { instance } = await rig.instances.create(alice, { imageId });
  await rig.scheduler.idle();
  for (const state of ['preparing', 'booting', 'running'] as const) await rig.report(instance.id, state);
  return instance.id;
}
const remove = (id: string) => rig.instances.operate(alice, id, { verb: 'delete' });
const retire = (slaveId: string) => rig.database.db('slaves').where({ id: slaveId }).update({ admission: 'retired' });
const untold = () => rig.unit.read.slaves.withUntoldLoss();
const state = async (id: string): Promise<string | undefined> => (await rig.unit.read.instances.find(id))?.observed;
const addressOf = (id: string): Promise<unknown[]> => rig.database.db('addresses').where({ instance_id: id }).pluck('address');
const housekeeping = () => new HousekeepingJob(rig.unit, rig.clock, settingsFromConfig(configSchema.parse({})).housekeeping).run((error) => rig.faults.push(error));

/** The transaction with this number, counted from 1, fails at its commit. Answers whether there was one. */
async function failingAt(number: number, work: () => Promise<void>): Promise<boolean> {
  const transaction = rig.unit.transaction.bind(rig.unit);
  let seen = 0;
  const spy = jest.spyOn(rig.unit, 'transaction').mockImplementation((what) =>
    transaction(async (repositories) => {
      const answer = await what(repositories);
      if (++seen === number) throw new Error('the database is away');
      return answer;
    }),
  );
  await work().catch(() => undefined);
  spy.mockRestore();
  return seen >= number;
}

test('whichever write of a retirement fails, the next round finishes every deletion that the slave owed', async () => {
  let failed = true;
  for (let at = 1; failed; at++) {
    const lab = await rig.slave(`lab-${at}`);
    const [first, second, kept] = [await running(), await running(), await running()];
    for (const id of [first, second]) await remove(id);
    await retire(lab);
    failed = await failingAt(at, () => rig.observations.fleetChanged(lab));
    for (const slaveId of await untold()) await rig.observations.fleetChanged(slaveId);
    expect([at, await state(first), await state(second), await state(kept)]).toEqual([at, 'deleted', 'deleted', 'lost']);
    for (const id of [first, second]) expect(await addressOf(id)).toEqual([]);
    expect(await untold()).toEqual([]);
    await remove(kept);
    expect(at).toBeLessThan(10);
  }
});

test('one deletion that cannot be written keeps no other instance of the slave waiting', async () => {
  const lab = await rig.slave('lab-1');
  const [stuck, owed, kept] = [await running(), await running(), await running()];
  for (const id of [stuck, owed]) await remove(id);
  await retire(lab);
  expect(await failingAt(1, () => rig.observations.fleetChanged(lab))).toBe(true);
  expect([await state(stuck), await state(owed), await state(kept)]).toEqual(['running', 'deleted', 'lost']);
  expect(rig.faults).toEqual([new Error('the database is away')]);
  expect(await untold()).toEqual([lab]);
});

test('a deletion whose other slave still owes its proof is told once, and ends with that proof', async () => {
  const first = await rig.slave('lab-1');
  const { instance } = await rig.instances.create(alice, { imageId });
  const { id } = instance;
  await rig.scheduler.idle();
  const second = await rig.slave('lab-2');
  await rig.report(id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'QEMU would not start.' } });
  expect(rig.agents.last(id).slaveId).toBe(second);
  for (const passed of ['preparing', 'booting', 'running'] as const) await rig.report(id, passed);
  const { operation } = await remove(id);
  await retire(second);
  await rig.observations.fleetChanged(second);
  expect(await rig.unit.read.instances.find(id)).toMatchObject({ observed: 'lost', reason: { sentence: expect.stringContaining('Nothing is left to do for you') as string } });
  expect(await untold()).toEqual([]);

  const [owed] = await rig.unit.read.placements.cleaning(first);
  await rig.observations.observed(first, [{ instanceId: id, generation: owed?.generation ?? 0, state: 'deleted', reason: null, progressPercent: null }]);
  expect(await state(id)).toBe('deleted');
  expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'done', sentence: `${instance.name} is deleted here. lab-2 left the pool with what it had of it: whoever runs that machine ends it there by hand.` });
  expect(await addressOf(id)).toEqual([]);
});

test('the end of a deletion names the slave that left the pool with what it had, not one that had proved before', async () => {
  const lab = await rig.slave('lab-1');
  const owed = await running();
  const [lost, proved] = [await running(), await running()];
  const name = (await rig.unit.read.instances.find(owed))?.name ?? '';
  const lostName = (await rig.unit.read.instances.find(lost))?.name ?? '';
  const { operation: before } = await remove(proved);
  await rig.report(proved, 'deleted');
  const { operation: under } = await remove(owed);
  await retire(lab);
  await rig.observations.fleetChanged(lab);
  const sentence = async (id: string) => (await rig.operations.get(alice, id)).sentence;
  expect(await sentence(under.id)).toBe(`${name} is deleted here. lab-1 left the pool with what it had of it: whoever runs that machine ends it there by hand.`);
  expect(await sentence(before.id)).toMatch(/ is gone, and nothing of it is left\.$/);
  const { operation: after } = await remove(lost);
  expect(after).toMatchObject({ state: 'done', sentence: `${lostName} is deleted here. lab-1 left the pool with what it had of it: whoever runs that machine ends it there by hand.` });
  expect(await sentence(after.id)).toBe(after.sentence);
  // Its proof is not asked for again.
  expect(await rig.unit.read.placements.unclean(owed)).toEqual([]);
});

test('what an older master left clean everywhere but not deleted is finished, also after it was called lost', async () => {
  const lab = await rig.slave('lab-1');
  const [unfinished, lost, unplaced, owed] = [await running(), await running(), await running(), await running()];
  for (const id of [unfinished, lost, unplaced, owed]) await remove(id);
  await rig.database.db('placements').whereIn('instance_id', [unfinished, lost, unplaced]).update({ state: 'clean', ended_at: new Date() });
  await rig.database.db('instances').where({ id: lost }).update({ observed: 'lost', reason_code: 'DomainLost', reason_sentence: 'gone' });
  await rig.database.db('instances').where({ id: unplaced }).update({ observed: 'queued', slave_id: null });
  await housekeeping();
  expect([await state(unfinished), await state(lost), await state(unplaced), await state(owed)]).toEqual(['deleted', 'deleted', 'deleted', 'running']);
  for (const id of [unfinished, lost, unplaced]) expect(await addressOf(id)).toEqual([]);

  const again = await running();
  await remove(again);
  await rig.database.db('placements').where({ instance_id: again }).update({ state: 'clean', ended_at: new Date() });
  await retire(lab);
  await rig.observations.fleetChanged(lab);
  expect([await state(again), await state(owed)]).toEqual(['deleted', 'deleted']);
  expect(rig.faults).toEqual([]);
});
