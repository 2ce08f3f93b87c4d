/** A slave is emptied of a guest that runs, with real libvirt and QEMU on both hosts: it moves while it runs, and its owner sees nothing of it. */
import { deleteInstance, getInstanceHistory, suspendInstance } from '@paravcl/shared/api/instances';
import { getOperation } from '@paravcl/shared/api/operations';
import { drainSlave, evacuateSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pvl-');

beforeAll(() => lab.up());
afterAll(() => lab.down());

const params = ({ id }: Instance) => ({ instanceId: id });
const slaveOf = async (host: LabHost) => ({ params: { slaveId: (await lab.slaveOf(host)).id } });

test('a guest moves to another slave while it runs, and back, and is never anything but running', async () => {
  const { one, two: other } = lab;
  await lab.admin.call(drainSlave, await slaveOf(other));
  const instance = await lab.launch();
  const before = await lab.pageOf(one, instance);

  for (const [from, to] of [[one, other], [other, one]] as const) {
    await lab.admin.call(undrainSlave, await slaveOf(to));
    const { operation } = await lab.admin.call(evacuateSlave, await slaveOf(from));
    await followOperation(lab.admin, operation);
    expect((await lab.admin.call(getOperation, { params: { operationId: operation.id } })).sentence).toBe(`${from.name} is empty: it can be switched off.`);
    const moved = await lab.isRunning(instance);
    expect(moved).toMatchObject({ slaveId: (await slaveOf(to)).params.slaveId, mac: instance.mac, address: instance.address });
    const page = await lab.pageOf(to, moved);
    expect(page.bootId).toBe(before.bootId);
    expect(page.counter).toBeGreaterThan(before.counter);
    await lab.nothingIsLeft(from, instance);
  }

  const { items } = await lab.admin.call(getInstanceHistory, { params: params(instance) });
  // Newest first: what was before it ran comes last.
  const began = items.findIndex(({ to }) => to !== 'running');
  expect(items.slice(began).map(({ to }) => to)).toEqual(['booting', 'preparing', 'requested']);

  // What it is made of at its new place is what a save, a start and a deletion need.
  await lab.done(lab.admin.call(suspendInstance, { params: params(instance) }));
  await lab.done(lab.admin.call(deleteInstance, { params: params(instance) }));
  for (const host of [one, other]) expect(await host.evidence.leftovers({ instanceId: instance.id, name: instance.name, mac: instance.mac ?? '' })).toEqual([]);
});
