import { newId } from '@paravcl/shared/ids';
import { observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { openRig, type Rig } from './instance-rig';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig.close());

/** A slave with one instance in every state, and one that owes a tombstone. */
async function full(name: string): Promise<string> {
  const slaveId = await rig.slave(name);
  const now = new Date(rig.clock.now());
  for (const observed of observedStateSchema.options) {
    const id = newId(rig.clock.now());
    await rig.database.db('instances').insert({
      id, name: `i-${name}-${observed}`, type: 'BE', user_id: newId(1), image_id: newId(1), kernel_arguments: '', vcpus: 1, ram_mib: 64, disk_mib: 64,
      ssh_public_keys: '[]', slave_id: slaveId, desired: 'running', observed, generation: 1, created_at: now, changed_at: now,
    });
    await rig.unit.transaction((repositories) =>
      repositories.placements.insert({ instanceId: id, slaveId, generation: 1, state: observed === 'deleted' ? 'cleaning' : 'active' }, rig.clock.now()),
    );
  }
  return slaveId;
}
const untold = () => rig.unit.read.slaves.withUntoldLoss();

test('a slave in its place is not asked about; after its loss, and after its retirement, one call is enough', async () => {
  const slaveId = await full('falls');
  expect(await untold()).toEqual([]);

  await rig.database.db('slaves').where({ id: slaveId }).update({ liveness: 'lost' });
  expect(await untold()).toEqual([slaveId]);
  await rig.observations.fleetChanged(slaveId);
  expect(await untold()).toEqual([]);

  await rig.database.db('slaves').where({ id: slaveId }).update({ admission: 'retired' });
  expect(await untold()).toEqual([slaveId]);
  await rig.observations.fleetChanged(slaveId);
  expect(await untold()).toEqual([]);
});
