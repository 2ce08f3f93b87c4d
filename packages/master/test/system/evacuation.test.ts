/** A host is emptied with real guests, its master killed in the middle: what ran goes on elsewhere with everything open, what was off is in the store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createInstance, deleteInstance, getInstance, startInstance, stopInstance } from '@paravcl/shared/api/instances';
import { drainSlave, evacuateSlave, getSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';

jest.setTimeout(2 * patienceMs);

const password = randomPassword();
let site: LabSite;
let admin: ApiClient;
let imageId: string;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  site = new LabSite({
    stateDir: await mkdtemp('/var/tmp/pve-'),
    hosts: [{ name: 'host-1', offerRamMiB: 640 }, { name: 'host-2', offerRamMiB: 640 }],
    masterConfig: { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 6 }, placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } },
  });
  await site.up();
  admin = await site.master.firstAdmin('admin', password);
  imageId = (await registerDemoGuest(admin, guest)).id;
  await site.enrolAll(admin);
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const params = ({ id }: Instance) => ({ instanceId: id });
const idOf = async ({ name }: LabHost): Promise<string> => (await admin.call(listSlaves)).items.find((slave) => slave.name === name)?.id ?? '';
const pageOf = (host: LabHost, { address, name }: Instance): Promise<GuestPage> => eventually(`the page of ${name}`, patienceMs, () => host.evidence.guestPage(address ?? ''));
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
const launch = async (): Promise<Instance> => isRunning((await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null } })).instance);

test('a host is emptied while its master is killed; what ran goes on on the other one with everything open, nothing is left, and it can be put back', async () => {
  const [from, to] = [site.host('host-1'), site.host('host-2')];
  const of = { params: { slaveId: await idOf(from) } };
  await admin.call(drainSlave, { params: { slaveId: await idOf(to) } });
  const [one, two, off] = [await launch(), await launch(), await launch()];
  await followOperation(admin, (await admin.call(stopInstance, { params: params(off), body: {} })).operation);
  const before = [await pageOf(from, one), await pageOf(from, two)];
  await admin.call(undrainSlave, { params: { slaveId: await idOf(to) } });

  const { slave, operation } = await admin.call(evacuateSlave, of);
  expect([slave.admission, operation.sentence]).toEqual(['draining', '0 of 3 have left host-1.']);
  await eventually('something to have left', patienceMs, async () => ((await admin.call(getSlave, of)).evacuation?.left === 0 ? undefined : true));
  site.master.process.kill('SIGKILL');
  await eventually('the master to be gone', patienceMs, () => (site.master.process.isRunning() ? undefined : true));
  await site.master.start();
  admin = await site.master.loginAs('admin', password);
  await followOperation(admin, operation);

  for (const [at, instance] of [one, two].entries()) {
    const moved = await isRunning(instance);
    expect(moved).toMatchObject({ slaveId: await idOf(to), name: instance.name, mac: instance.mac, address: instance.address });
    const page = await pageOf(to, moved);
    expect(page.bootId).toBe(before[at]?.bootId);
    expect(page.counter).toBeGreaterThanOrEqual(before[at]?.counter ?? Infinity);
  }
  expect(await admin.call(getInstance, { params: params(off) })).toMatchObject({ observed: 'stopped', slaveId: null, inStore: true });
  for (const { id, name, mac } of [one, two, off]) {
    await eventually(`nothing of ${name} to be left`, patienceMs, async () => ((await from.evidence.leftovers({ instanceId: id, name, mac: mac ?? '' })).length === 0 ? true : undefined));
  }
  expect(await admin.call(getSlave, of)).toMatchObject({ admission: 'draining', used: { instances: 0 }, evacuation: null });

  expect(await admin.call(undrainSlave, of)).toMatchObject({ admission: 'approved' });
  await followOperation(admin, (await admin.call(startInstance, { params: params(off), body: {} })).operation);
  for (const instance of [one, two, off]) await followOperation(admin, (await admin.call(deleteInstance, { params: params(instance) })).operation);
});
