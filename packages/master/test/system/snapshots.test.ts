/**
 * Snapshots and moves on two real hosts with real guests: what a snapshot holds is read out of its bytes, what moved is asked of
 * the guest that starts from it, what is left of it of the host that it left.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { getImage, getImageContent } from '@paravcl/shared/api/images';
import { createInstance, deleteInstance, getInstance, moveInstance, recoverInstance, resumeInstance, startInstance, stopInstance, suspendInstance, type CreateInstanceBody } from '@paravcl/shared/api/instances';
import { createSnapshot, deleteSnapshot, getSnapshot } from '@paravcl/shared/api/snapshots';
import { declareSlaveDead, drainSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { Snapshot } from '@paravcl/shared/domain/snapshot';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { randomPassword } from '@paravcl/workbench/lab/lab';
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
    stateDir: await mkdtemp('/var/tmp/pvs-'),
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

const pageOf = (host: LabHost, { address, name }: Instance): Promise<GuestPage> => eventually(`the page of ${name}`, patienceMs, () => host.evidence.guestPage(address ?? ''));
const instanceOf = ({ id }: Instance): Promise<Instance> => admin.call(getInstance, { params: { instanceId: id } });
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
const launch = async (wish: Partial<CreateInstanceBody> = {}): Promise<Instance> => isRunning((await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null, ...wish } })).instance);
const remove = async ({ id }: Instance): Promise<void> => followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: id } })).operation);
const traceOf = ({ id, name, mac }: Instance) => ({ instanceId: id, name, mac: mac ?? 'without a MAC' });

async function slaveOf(host: LabHost): Promise<Slave> {
  const slave = (await admin.call(listSlaves)).items.find(({ name }) => name === host.name);
  if (slave === undefined) throw new Error(`There is no slave ${host.name}.`);
  return slave;
}

async function hostOf(instance: Instance): Promise<LabHost> {
  const { slaveId } = await instanceOf(instance);
  return (await slaveOf(one)).id === slaveId ? one : two;
}

const isLiveness = (host: LabHost, wanted: Slave['liveness']): Promise<unknown> =>
  eventually(`${host.name} to be ${wanted}`, patienceMs, async () => ((await slaveOf(host)).liveness === wanted ? true : undefined));

async function snapshotOf(instances: readonly Instance[], client = admin): Promise<Snapshot> {
  const { snapshot, operation } = await client.call(createSnapshot, { body: { instanceIds: instances.map(({ id }) => id) } });
  await followOperation(client, operation);
  return client.call(getSnapshot, { params: { snapshotId: snapshot.id } });
}

/** The whole disk of a version, as it is given out. */
const contentOf = (id: string): Promise<Buffer> => admin.call(getImageContent, { params: { imageId: id } });
const imageOf = (snapshot: Snapshot, { id }: Instance): string => snapshot.parts.find(({ instanceId }) => instanceId === id)?.imageId ?? '';

/** Layers of an instance on its host, as libvirt has them, the top first. */
async function layersOf(host: LabHost, { id }: Instance): Promise<readonly string[]> {
  const xml = await host.evidence.virsh('dumpxml', '--', id);
  const disk = xml.slice(xml.indexOf("<disk type='file' device='disk'"), xml.indexOf("<target dev='vda'"));
  return [...disk.matchAll(/<source file='([^']*)'/g)].map((found) => found[1] ?? '').filter((path) => path.includes(id));
}

test('guests on two hosts are snapshotted together while they run; each image is whole, boots elsewhere, and holds what its disk held', async () => {
  const first = await launch();
  await admin.call(drainSlave, { params: { slaveId: (await slaveOf(await hostOf(first))).id } });
  const second = await launch();
  for (const host of [one, two]) await admin.call(undrainSlave, { params: { slaveId: (await slaveOf(host)).id } }).catch(() => undefined);
  expect(new Set([await hostOf(first), await hostOf(second)]).size).toBe(2);
  const pages = [await pageOf(await hostOf(first), first), await pageOf(await hostOf(second), second)];

  const snapshot = await snapshotOf([first, second]);
  expect(snapshot).toMatchObject({ state: 'ready', sentence: 'All 2 disks are images now, whole and by themselves.' });
  // The guests were not stopped for it.
  for (const [index, instance] of [first, second].entries()) {
    const now = await pageOf(await hostOf(instance), instance);
    expect(now.bootId).toBe(pages[index]?.bootId);
    expect(now.counter).toBeGreaterThan(pages[index]?.counter ?? 0);
    const content = await contentOf(imageOf(snapshot, instance));
    // The guest wrote the id of its boot on its disk.
    expect(content.includes(pages[index]?.bootId ?? '')).toBe(true);
    expect(content.includes(pages[1 - index]?.bootId ?? '')).toBe(false);
    const part = snapshot.parts.find(({ instanceId }) => instanceId === instance.id);
    // Far less than the disk of 64 MiB was sent.
    expect(part).toMatchObject({ how: 'running', state: 'kept' });
    expect(part?.dirtiedBytes).toBeGreaterThan(0);
    expect(part?.dirtiedBytes).toBeLessThan(8 * 1024 * 1024);
  }

  const again = await launch({ imageId: imageOf(snapshot, first) });
  const page = await pageOf(await hostOf(again), again);
  expect(page.bootId).not.toBe(pages[0]?.bootId);
  await Promise.all([first, second, again].map(remove));
});

test('snapshots one after the other leave two layers at most, each is small, and the guest goes on through a save and a stop', async () => {
  const instance = await launch();
  const host = await hostOf(instance);
  const before = await pageOf(host, instance);
  const sizes: number[] = [];
  let last: Snapshot | undefined;
  for (let taken = 0; taken < 5; taken += 1) {
    last = await snapshotOf([instance]);
    sizes.push(last.parts[0]?.dirtiedBytes ?? -1);
  }
  // Nothing was written in between but what the file system does by itself.
  for (const size of sizes) expect(size).toBeLessThan(1024 * 1024);
  await eventually('the layers to be merged', patienceMs, async () => ((await layersOf(host, instance)).length <= 2 ? true : undefined));

  await followOperation(admin, (await admin.call(suspendInstance, { params: { instanceId: instance.id } })).operation);
  const saved = await snapshotOf([instance]);
  expect(saved.parts[0]).toMatchObject({ how: 'saved' });
  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: instance.id }, body: {} })).operation);
  expect((await pageOf(host, instance)).bootId).toBe(before.bootId);
  await followOperation(admin, (await admin.call(stopInstance, { params: { instanceId: instance.id }, body: {} })).operation);
  const off = await snapshotOf([instance]);
  expect(off.parts[0]).toMatchObject({ how: 'off' });
  await followOperation(admin, (await admin.call(startInstance, { params: { instanceId: instance.id }, body: {} })).operation);
  const after = await pageOf(host, instance);
  expect(after.bootId).not.toBe(before.bootId);

  // One of them goes, and takes nothing from the others.
  await admin.call(deleteSnapshot, { params: { snapshotId: last?.id ?? '' } });
  await expect(admin.call(getImage, { params: { imageId: imageOf(last ?? off, instance) } })).rejects.toMatchObject({ code: 'not-found' });
  expect((await contentOf(imageOf(off, instance))).includes(before.bootId)).toBe(true);
  const next = await snapshotOf([instance]);
  expect((await contentOf(imageOf(next, instance))).includes(after.bootId)).toBe(true);
  await remove(instance);
});

test('a snapshot survives the death of the master, of the agent and of the mirror in the midst of it, whole', async () => {
  const instance = await launch();
  const host = await hostOf(instance);
  const page = await pageOf(host, instance);
  const { snapshot, operation } = await admin.call(createSnapshot, { body: { instanceIds: [instance.id] } });
  site.master.process.kill('SIGKILL');
  host.agent.kill('SIGKILL');
  await eventually('both to be dead', patienceMs, () => (site.master.process.isRunning() || host.agent.isRunning() ? undefined : true));
  await site.master.start();
  await host.startAgent();
  admin = await site.master.loginAs('admin', password);
  await followOperation(admin, operation);
  const after = await admin.call(getSnapshot, { params: { snapshotId: snapshot.id } });
  expect(after.state).toBe('ready');
  expect((await contentOf(imageOf(after, instance))).includes(page.bootId)).toBe(true);
  expect((await pageOf(host, instance)).bootId).toBe(page.bootId);
  await remove(instance);
});

test('an instance that is off leaves its host for the store and starts on the other one: name, MAC, address and disk are what they were', async () => {
  const instance = await launch();
  const [from, to] = (await hostOf(instance)) === one ? [one, two] : [two, one];
  const before = await pageOf(from, instance);
  await followOperation(admin, (await admin.call(stopInstance, { params: { instanceId: instance.id }, body: {} })).operation);
  await followOperation(admin, (await admin.call(moveInstance, { params: { instanceId: instance.id } })).operation);
  expect(await instanceOf(instance)).toMatchObject({ inStore: true, slaveId: null, observed: 'stopped' });
  await eventually('nothing of it to be left', patienceMs, async () => ((await from.evidence.leftovers(traceOf(instance))).length === 0 ? true : undefined));

  await admin.call(drainSlave, { params: { slaveId: (await slaveOf(from)).id } });
  await followOperation(admin, (await admin.call(startInstance, { params: { instanceId: instance.id }, body: {} })).operation);
  const moved = await isRunning(instance);
  expect(await hostOf(moved)).toBe(to);
  expect(moved).toMatchObject({ name: instance.name, mac: instance.mac, address: instance.address });
  const after = await pageOf(to, moved);
  expect(after).toMatchObject({ id: instance.id, name: instance.name, address: instance.address });
  const snapshot = await snapshotOf([moved]);
  const content = await contentOf(imageOf(snapshot, moved));
  for (const { bootId } of [before, after]) expect(content.includes(bootId)).toBe(true);
  await admin.call(undrainSlave, { params: { slaveId: (await slaveOf(from)).id } });
  await remove(moved);
});

test('a guest whose host is declared dead starts elsewhere from its last snapshot, and the host that comes back with it ends its own at once', async () => {
  const instance = await launch();
  const [dead, other] = (await hostOf(instance)) === one ? [one, two] : [two, one];
  const before = await pageOf(dead, instance);
  await snapshotOf([instance]);
  // Silent, not dead: its guest runs on.
  dead.agent.kill('SIGKILL');
  await isLiveness(dead, 'lost');
  const slaveId = (await slaveOf(dead)).id;
  await expect(admin.call(recoverInstance, { params: { instanceId: instance.id }, body: {} })).rejects.toMatchObject({ code: 'conflict' });
  await admin.call(declareSlaveDead, { params: { slaveId } });
  await followOperation(admin, (await admin.call(recoverInstance, { params: { instanceId: instance.id }, body: {} })).operation);
  const recovered = await isRunning(instance);
  expect(await hostOf(recovered)).toBe(other);
  expect((await pageOf(other, recovered)).bootId).not.toBe(before.bootId);
  expect(await dead.evidence.domainState(instance.id)).toBe('running');

  await dead.startAgent();
  await isLiveness(dead, 'online');
  await eventually('nothing of it to be left', patienceMs, async () => ((await dead.evidence.leftovers(traceOf(instance))).length === 0 ? true : undefined));
  expect(await isRunning(instance)).toMatchObject({ slaveId: recovered.slaveId });
  expect(await readFile(dead.agentLog, 'utf8')).not.toContain('panic');
  await remove(instance);
});
