/** A slave is emptied of a guest that runs, with real libvirt and QEMU on both hosts: it moves while it runs, and its owner sees nothing of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createInstance, deleteInstance, getInstanceHistory, suspendInstance } from '@paravcl/shared/api/instances';
import { getOperation } from '@paravcl/shared/api/operations';
import { drainSlave, evacuateSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
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

let site: LabSite;
let admin: ApiClient;
let imageId: string;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  site = new LabSite({
    stateDir: await mkdtemp('/var/tmp/pvl-'),
    hosts: [{ name: 'host-1', offerRamMiB: 640 }, { name: 'host-2', offerRamMiB: 640 }],
    masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } },
  });
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
  imageId = (await registerDemoGuest(admin, guest)).id;
  await site.enrolAll(admin);
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const params = ({ id }: Instance) => ({ instanceId: id });
const slaveOf = async ({ name }: LabHost) => ({ params: { slaveId: (await admin.call(listSlaves)).items.find((slave) => slave.name === name)?.id ?? '' } });
const pageOf = (host: LabHost, { address, name }: Instance): Promise<GuestPage> => eventually(`the page of ${name}`, patienceMs, () => host.evidence.guestPage(address ?? ''));
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');

test('a guest moves to another slave while it runs, and back, and is never anything but running', async () => {
  const [one, other] = [site.host('host-1'), site.host('host-2')];
  await admin.call(drainSlave, await slaveOf(other));
  const instance = await isRunning((await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null } })).instance);
  const before = await pageOf(one, instance);

  for (const [from, to] of [[one, other], [other, one]] as const) {
    await admin.call(undrainSlave, await slaveOf(to));
    const { operation } = await admin.call(evacuateSlave, await slaveOf(from));
    await followOperation(admin, operation);
    expect((await admin.call(getOperation, { params: { operationId: operation.id } })).sentence).toBe(`${from.name} is empty: it can be switched off.`);
    const moved = await isRunning(instance);
    expect(moved).toMatchObject({ slaveId: (await slaveOf(to)).params.slaveId, mac: instance.mac, address: instance.address });
    const page = await pageOf(to, moved);
    expect(page.bootId).toBe(before.bootId);
    expect(page.counter).toBeGreaterThan(before.counter);
    await eventually(`nothing of ${instance.name} to be left on ${from.name}`, patienceMs, async () => ((await from.evidence.leftovers({ instanceId: instance.id, name: instance.name, mac: instance.mac ?? '' })).length === 0 ? true : undefined));
  }

  const { items } = await admin.call(getInstanceHistory, { params: params(instance) });
  // Newest first: what was before it ran comes last.
  const began = items.findIndex(({ to }) => to !== 'running');
  expect(items.slice(began).map(({ to }) => to)).toEqual(['booting', 'preparing', 'requested']);

  // What it is made of at its new place is what a save, a start and a deletion need.
  await followOperation(admin, (await admin.call(suspendInstance, { params: params(instance) })).operation);
  await followOperation(admin, (await admin.call(deleteInstance, { params: params(instance) })).operation);
  for (const host of [one, other]) expect(await host.evidence.leftovers({ instanceId: instance.id, name: instance.name, mac: instance.mac ?? '' })).toEqual([]);
});
