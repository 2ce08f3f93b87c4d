import { newId } from '@paravcl/shared/ids';
import type { InstanceRecord, PlacementState } from '../../src/core/instance-record';
import { sampleInstance, sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
beforeEach(async () => {
  await database.db('placements').delete();
  await database.db('instances').delete();
});
afterAll(() => database.close());

async function placed(slaveId: string, facts: Partial<InstanceRecord>, state: PlacementState = 'active'): Promise<void> {
  const instance = sampleInstance({ slaveId, vcpus: 1, ramMiB: 100, diskMiB: 10, bandwidthMbps: 5, ...facts });
  await database.unit.read.instances.insert(instance);
  await database.unit.read.placements.insert({ instanceId: instance.id, slaveId, generation: 1, state }, now);
}

test('bandwidth is promised as cores and RAM are, and an instance without a limit is promised none', async () => {
  const slaveId = newId(now);
  await placed(slaveId, { observed: 'running' });
  await placed(slaveId, { observed: 'running', bandwidthMbps: null });
  await placed(slaveId, { observed: 'suspended', desired: 'suspended' });
  const usage = await database.unit.read.placements.usage([slaveId]);
  expect(usage.get(slaveId)).toEqual({ vcpus: 2, ramMiB: 200, diskMiB: 30, bandwidthMbps: 5, saveMiB: 300, instances: 3 });
});

test('what was given up at its deadline still holds its cores, because its guest may run; what failed else holds its disk only', async () => {
  const [slow, broken] = [newId(now), newId(now)];
  await placed(slow, { observed: 'failed', desired: 'stopped', reason: { code: 'DeadlinePassed', sentence: 'It did not stop in time.' } });
  await placed(broken, { observed: 'failed', desired: 'stopped', reason: { code: 'DiskError', sentence: 'Its disk is broken.' } });
  const usage = await database.unit.read.placements.usage();
  expect(usage.get(slow)).toMatchObject({ vcpus: 1, ramMiB: 100, bandwidthMbps: 5 });
  expect(usage.get(broken)).toMatchObject({ vcpus: 0, ramMiB: 0, bandwidthMbps: 0, diskMiB: 10 });
});

test('where the newest placement went is known, whatever became of it', async () => {
  const { placements } = database.unit.read;
  expect(await placements.newestSlaveId()).toBeNull();
  const slaves = [newId(now), newId(now)];
  for (const slaveId of slaves) await placed(slaveId, { observed: 'queued', slaveId: null }, 'clean');
  expect(await placements.newestSlaveId()).toBe(slaves[1]);
});
