/** A host is emptied with real guests, its master killed in the middle: what ran goes on elsewhere with everything open, what was off is in the store. */
import { deleteInstance, getInstance, startInstance, stopInstance } from '@paravcl/shared/api/instances';
import { drainSlave, evacuateSlave, getSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pve-');
const { site } = lab;

beforeAll(() => lab.up());
afterAll(() => lab.down());

const params = ({ id }: Instance) => ({ instanceId: id });
const idOf = async (host: LabHost): Promise<string> => (await lab.slaveOf(host)).id;

test('a host is emptied while its master is killed; what ran goes on on the other one with everything open, nothing is left, and it can be put back', async () => {
  const [from, to] = [site.host('host-1'), site.host('host-2')];
  const of = { params: { slaveId: await idOf(from) } };
  await lab.admin.call(drainSlave, { params: { slaveId: await idOf(to) } });
  const [one, two, off] = [await lab.launch(), await lab.launch(), await lab.launch()];
  await lab.done(lab.admin.call(stopInstance, { params: params(off), body: {} }));
  const before = [await lab.pageOf(from, one), await lab.pageOf(from, two)];
  await lab.admin.call(undrainSlave, { params: { slaveId: await idOf(to) } });

  const { slave, operation } = await lab.admin.call(evacuateSlave, of);
  expect([slave.admission, operation.sentence]).toEqual(['draining', '0 of 3 have left host-1.']);
  await eventually('something to have left', patienceMs, async () => ((await lab.admin.call(getSlave, of)).evacuation?.left === 0 ? undefined : true));
  site.master.process.kill('SIGKILL');
  await eventually('the master to be gone', patienceMs, () => (site.master.process.isRunning() ? undefined : true));
  await site.master.start();
  await lab.logIn();
  await followOperation(lab.admin, operation);

  for (const [at, instance] of [one, two].entries()) {
    const moved = await lab.isRunning(instance);
    expect(moved).toMatchObject({ slaveId: await idOf(to), name: instance.name, mac: instance.mac, address: instance.address });
    const page = await lab.pageOf(to, moved);
    expect(page.bootId).toBe(before[at]?.bootId);
    expect(page.counter).toBeGreaterThanOrEqual(before[at]?.counter ?? Infinity);
  }
  expect(await lab.admin.call(getInstance, { params: params(off) })).toMatchObject({ observed: 'stopped', slaveId: null, inStore: true });
  for (const instance of [one, two, off]) await lab.nothingIsLeft(from, instance);
  expect(await lab.admin.call(getSlave, of)).toMatchObject({ admission: 'draining', used: { instances: 0 }, evacuation: null });

  expect(await lab.admin.call(undrainSlave, of)).toMatchObject({ admission: 'approved' });
  await lab.done(lab.admin.call(startInstance, { params: params(off), body: {} }));
  for (const instance of [one, two, off]) await lab.done(lab.admin.call(deleteInstance, { params: params(instance) }));
});
