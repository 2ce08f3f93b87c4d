/**
 * A home volume on two real hosts with real guests: what a guest wrote on it is read by the next one, wherever that runs; and what
 * is on the hosts in between is asked of their files. Moves, and what happens when something dies: home-volumes.faults.test.ts.
 */
import { getMyHome } from '@paravcl/shared/api/homes';
import { resumeInstance, startInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot } from '@paravcl/shared/api/snapshots';
import { drainSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { HomesOnTwoHosts } from './homes-on-two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new HomesOnTwoHosts('pvh-');

beforeAll(() => lab.up());
afterAll(() => lab.down());

const params = ({ id }: Instance) => ({ params: { instanceId: id } });

test('what a guest wrote on its home is read by another guest on another host, after the first was deleted; and nothing is left on the first', async () => {
  const first = await lab.launch();
  const from = await lab.hostOf(first);
  const written = await lab.saysOfHome(first);
  expect(written.held).toBe('');
  expect((await lab.instanceOf(first)).home).toBe(true);
  const xml = await from.evidence.virsh('dumpxml', '--', first.id);
  expect(xml).toContain("<target dev='vdc' bus='virtio'/>");
  expect(xml).toContain('<serial>home</serial>');
  expect(await lab.homesOn(from)).toHaveLength(1);

  await lab.remove(first);
  await lab.isStored();
  await lab.isEmptyOfHomes(from);
  await lab.admin.call(drainSlave, { params: { slaveId: (await lab.slaveOf(from)).id } });
  const second = await lab.launch();
  expect(await lab.hostOf(second)).not.toBe(from);
  expect((await lab.saysOfHome(second)).held).toBe(written.wrote);
  await lab.admin.call(undrainSlave, { params: { slaveId: (await lab.slaveOf(from)).id } });
  await lab.remove(second);
  await lab.isStored();
});

test('it goes through a snapshot, a save and a stop of its instance, and is there at the next start', async () => {
  const instance = await lab.launch();
  const before = await lab.saysOfHome(instance);
  // Two disks of the guest, one of which is not in a snapshot: it is taken, and the guest goes on.
  await lab.done(lab.admin.call(createSnapshot, { body: { instanceIds: [instance.id] } }));
  await lab.done(lab.admin.call(suspendInstance, params(instance)));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
  await lab.done(lab.admin.call(resumeInstance, { ...params(instance), body: {} }));
  await lab.stop(instance);
  await lab.isStored();
  await lab.done(lab.admin.call(startInstance, { ...params(instance), body: {} }));
  expect((await lab.saysOfHome(instance, 2)).held).toBe(before.wrote);
  // At once again: what lies there still is taken back.
  const last = await lab.saysOfHome(instance, 2);
  await lab.stop(instance);
  await lab.done(lab.admin.call(startInstance, { ...params(instance), body: {} }));
  expect((await lab.saysOfHome(instance, 3)).held).toBe(last.wrote);
  await lab.remove(instance);
  await lab.isStored();
});
