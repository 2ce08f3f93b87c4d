/**
 * A home volume on two real hosts with real guests: what a guest wrote on it is read by the next one, wherever that runs; and what
 * is on the hosts in between is asked of their files.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { getMyHome } from '@paravcl/shared/api/homes';
import { createInstance, deleteInstance, getInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot } from '@paravcl/shared/api/snapshots';
import { declareSlaveDead, drainSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { randomPassword } from '@paravcl/workbench/lab/lab';
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
    stateDir: await mkdtemp('/var/tmp/pvh-'),
    hosts: [{ name: 'host-1', offerRamMiB: 640 }, { name: 'host-2', offerRamMiB: 640 }],
    masterConfig: { homes: { sizeMiB: 32 }, fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 6 }, placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } },
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

const instanceOf = ({ id }: Instance): Promise<Instance> => admin.call(getInstance, { params: { instanceId: id } });
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
const launch = async (): Promise<Instance> => isRunning((await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null } })).instance);
const params = ({ id }: Instance) => ({ params: { instanceId: id } });
const remove = async (instance: Instance): Promise<void> => followOperation(admin, (await admin.call(deleteInstance, params(instance))).operation);
const stop = async (instance: Instance): Promise<void> => followOperation(admin, (await admin.call(stopInstance, { ...params(instance), body: {} })).operation);

async function slaveOf(host: LabHost): Promise<Slave> {
  const slave = (await admin.call(listSlaves)).items.find(({ name }) => name === host.name);
  if (slave === undefined) throw new Error(`There is no slave ${host.name}.`);
  return slave;
}

async function hostOf(instance: Instance): Promise<LabHost> {
  const { slaveId } = await instanceOf(instance);
  return (await slaveOf(one)).id === slaveId ? one : two;
}

/** What its guest said of the home at each of its boots. */
async function saidOfHome(instance: Instance): Promise<readonly { readonly held: string; readonly wrote: string }[]> {
  const log = await (await hostOf(instance)).evidence.serialLog(instance.id);
  return [...log.matchAll(/paravcl-guest home held=(\S*) wrote=(\S+)/g)].map(([, held = '', wrote = '']) => ({ held, wrote }));
}
const saysOfHome = (instance: Instance, boots = 1) =>
  eventually(`the guest of ${instance.name} to tell of its home`, patienceMs, async () => {
    const said = await saidOfHome(instance);
    return said.length >= boots ? said.at(-1) : undefined;
  });

const homesOn = async (host: LabHost): Promise<readonly string[]> => (existsSync(join(host.pool, 'homes')) ? readdir(join(host.pool, 'homes')) : []);
const isStored = (): Promise<unknown> => eventually('the home to be in the store', patienceMs, async () => ((await admin.call(getMyHome)).state === 'stored' ? true : undefined));

test('what a guest wrote on its home is read by another guest on another host, after the first was deleted; and nothing is left on the first', async () => {
  const first = await launch();
  const from = await hostOf(first);
  const written = await saysOfHome(first);
  expect(written.held).toBe('');
  expect((await instanceOf(first)).home).toBe(true);
  const xml = await from.evidence.virsh('dumpxml', '--', first.id);
  expect(xml).toContain("<target dev='vdc' bus='virtio'/>");
  expect(xml).toContain('<serial>home</serial>');
  expect(await homesOn(from)).toHaveLength(1);

  await remove(first);
  await isStored();
  await eventually('the copy there to be gone', patienceMs, async () => ((await homesOn(from)).length === 0 ? true : undefined));
  await admin.call(drainSlave, { params: { slaveId: (await slaveOf(from)).id } });
  const second = await launch();
  expect(await hostOf(second)).not.toBe(from);
  expect((await saysOfHome(second)).held).toBe(written.wrote);
  await admin.call(undrainSlave, { params: { slaveId: (await slaveOf(from)).id } });
  await remove(second);
  await isStored();
});

test('it goes through a snapshot, a save and a stop of its instance, and is there at the next start', async () => {
  const instance = await launch();
  const before = await saysOfHome(instance);
  // Two disks of the guest, one of which is not in a snapshot: it is taken, and the guest goes on.
  await followOperation(admin, (await admin.call(createSnapshot, { body: { instanceIds: [instance.id] } })).operation);
  await followOperation(admin, (await admin.call(suspendInstance, params(instance))).operation);
  expect(await admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
  await followOperation(admin, (await admin.call(resumeInstance, { ...params(instance), body: {} })).operation);
  await stop(instance);
  await isStored();
  await followOperation(admin, (await admin.call(startInstance, { ...params(instance), body: {} })).operation);
  expect((await saysOfHome(instance, 2)).held).toBe(before.wrote);
  // At once again: what lies there still is taken back.
  const last = await saysOfHome(instance, 2);
  await stop(instance);
  await followOperation(admin, (await admin.call(startInstance, { ...params(instance), body: {} })).operation);
  expect((await saysOfHome(instance, 3)).held).toBe(last.wrote);
  await remove(instance);
  await isStored();
});

test('its return survives the death of master and agent in the midst of it', async () => {
  const first = await launch();
  const host = await hostOf(first);
  const written = await saysOfHome(first);
  await stop(first);
  site.master.process.kill('SIGKILL');
  host.agent.kill('SIGKILL');
  await eventually('both to be dead', patienceMs, () => (site.master.process.isRunning() || host.agent.isRunning() ? undefined : true));
  await site.master.start();
  await host.startAgent();
  admin = await site.master.loginAs('admin', password);
  await isStored();
  const second = await launch();
  expect((await saysOfHome(second)).held).toBe(written.wrote);
  await remove(second);
  await remove(first);
});

test('with a host that is declared dead goes what was written there alone: what was stored counts, and the host that comes back drops its own once its guest is off', async () => {
  const first = await launch();
  const stored = await saysOfHome(first);
  await remove(first);
  await isStored();
  const second = await launch();
  const dead = await hostOf(second);
  expect((await saysOfHome(second)).held).toBe(stored.wrote);
  // Silent, not dead: its guest runs on, with the home.
  dead.agent.kill('SIGKILL');
  await eventually(`${dead.name} to be lost`, patienceMs, async () => ((await slaveOf(dead)).liveness === 'lost' ? true : undefined));
  expect(await admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: second.id });
  await admin.call(declareSlaveDead, { params: { slaveId: (await slaveOf(dead)).id } });
  await isStored();
  const third = await launch();
  expect(await hostOf(third)).not.toBe(dead);
  expect((await saysOfHome(third)).held).toBe(stored.wrote);

  await dead.startAgent();
  await eventually(`${dead.name} to be back`, patienceMs, async () => ((await slaveOf(dead)).liveness === 'online' ? true : undefined));
  expect((await isRunning(second)).home).toBe(false);
  expect(await homesOn(dead)).toHaveLength(1);
  await remove(second);
  await eventually('the copy there to be dropped', patienceMs, async () => ((await homesOn(dead)).length === 0 ? true : undefined));
  expect(await admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: third.id });
  await remove(third);
  await isStored();
});
