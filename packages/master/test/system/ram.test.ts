/**
 * RAM that leaves its host, with real guests: one goes on elsewhere with everything open, and two that talk to each other are kept
 * together and taken back to that moment.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createInstance, deleteInstance, getInstance, moveInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot, getSnapshot, restoreSnapshot } from '@paravcl/shared/api/snapshots';
import { drainSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
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
let one: LabHost;
let two: LabHost;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  site = new LabSite({
    stateDir: await mkdtemp('/var/tmp/pvr-'),
    hosts: [{ name: 'host-1', offerRamMiB: 640 }, { name: 'host-2', offerRamMiB: 640 }],
    masterConfig: { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 6 }, placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } },
  });
  await site.up();
  [one, two] = [site.host('host-1'), site.host('host-2')];
  admin = await site.master.firstAdmin('admin', password);
  imageId = (await registerDemoGuest(admin, guest)).id;
  await site.enrolAll(admin);
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const params = ({ id }: Instance) => ({ instanceId: id });
const pageOf = (host: LabHost, { address, name }: Instance): Promise<GuestPage> => eventually(`the page of ${name}`, patienceMs, () => host.evidence.guestPage(address ?? ''));
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
const launch = async (): Promise<Instance> => isRunning((await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null } })).instance);
const done = async (asked: Promise<{ readonly operation: Parameters<typeof followOperation>[1] }>): Promise<void> => followOperation(admin, (await asked).operation);
const slaveIdOf = async (host: LabHost): Promise<string> => (await admin.call(listSlaves)).items.find(({ name }) => name === host.name)?.id ?? '';
const hostOf = async (instance: Instance): Promise<LabHost> => ((await admin.call(getInstance, { params: params(instance) })).slaveId === (await slaveIdOf(one)) ? one : two);
const drained = async (host: LabHost, does: () => Promise<void>): Promise<void> => {
  const of = { params: { slaveId: await slaveIdOf(host) } };
  await admin.call(drainSlave, of);
  await does();
  await admin.call(undrainSlave, of);
};
/** What a guest counts up in its RAM, and the boot that does. */
const later = (page: GuestPage, than: GuestPage): void => {
  expect(page.bootId).toBe(than.bootId);
  expect(page.counter).toBeGreaterThanOrEqual(than.counter);
};

test('a saved guest leaves its host and goes on elsewhere with everything open, and its next stop and start boot it from its own disk', async () => {
  const instance = await launch();
  const [from, to] = (await hostOf(instance)) === one ? [one, two] : [two, one];
  const before = await pageOf(from, instance);
  await done(admin.call(suspendInstance, { params: params(instance) }));
  await done(admin.call(moveInstance, { params: params(instance) }));
  expect(await admin.call(getInstance, { params: params(instance) })).toMatchObject({ observed: 'suspended', inStore: true, slaveId: null });
  await eventually('nothing of it to be left', patienceMs, async () => ((await from.evidence.leftovers({ instanceId: instance.id, name: instance.name, mac: instance.mac ?? '' })).length === 0 ? true : undefined));

  await drained(from, () => done(admin.call(resumeInstance, { params: params(instance), body: {} })));
  const moved = await isRunning(instance);
  expect(await hostOf(moved)).toBe(to);
  expect(moved).toMatchObject({ name: instance.name, mac: instance.mac, address: instance.address });
  const page = await pageOf(to, moved);
  later(page, before);

  // Saved and resumed where it is now it is an instance as any other; and no RAM comes back once it has booted.
  await done(admin.call(suspendInstance, { params: params(instance) }));
  await done(admin.call(resumeInstance, { params: params(instance), body: {} }));
  later(await pageOf(to, moved), page);
  await done(admin.call(stopInstance, { params: params(instance), body: {} }));
  await done(admin.call(startInstance, { params: params(instance), body: {} }));
  expect((await pageOf(await hostOf(moved), moved)).bootId).not.toBe(before.bootId);
  await done(admin.call(deleteInstance, { params: params(instance) }));
});

test('two guests are kept together with their RAM, go on by themselves, and go back to that moment when they are asked to', async () => {
  const [first, second] = [await launch(), await launch()];
  const all = [first, second];
  const hosts = await Promise.all(all.map(hostOf));
  const before = await Promise.all(all.map((instance, at) => pageOf(hosts[at] ?? one, instance)));
  const { snapshot, operation } = await admin.call(createSnapshot, { body: { instanceIds: all.map(({ id }) => id), ram: true } });
  await followOperation(admin, operation);
  expect(await admin.call(getSnapshot, { params: { snapshotId: snapshot.id } })).toMatchObject({ state: 'ready', parts: [{ ram: true, how: 'saved' }, { ram: true, how: 'saved' }] });
  await Promise.all(all.map(isRunning));
  const kept = await Promise.all(all.map((instance, at) => pageOf(hosts[at] ?? one, instance)));
  kept.forEach((page, at) => later(page, before[at] ?? page));

  // One boots anew meanwhile, the other runs on.
  await done(admin.call(stopInstance, { params: params(first), body: {} }));
  await done(admin.call(startInstance, { params: params(first), body: {} }));
  expect((await pageOf(await hostOf(first), first)).bootId).not.toBe(before[0]?.bootId);

  const { restored, refused } = await admin.call(restoreSnapshot, { params: { snapshotId: snapshot.id }, body: {} });
  expect(refused).toEqual([]);
  for (const each of restored) await followOperation(admin, each.operation);
  const back = await Promise.all(all.map(async (instance) => pageOf(await hostOf(instance), await isRunning(instance))));
  back.forEach((page, at) => expect(page.bootId).toBe(before[at]?.bootId));
  for (const instance of all) await done(admin.call(deleteInstance, { params: params(instance) }));
});
