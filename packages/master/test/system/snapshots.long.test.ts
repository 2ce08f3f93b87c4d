/**
 * Snapshots and moves on two real hosts with real guests: what a snapshot holds is read out of its bytes, what moved is asked of
 * the guest that starts from it, what is left of it of the host that it left. When something dies: snapshots.faults.test.ts.
 */
import { getImage, getImageContent } from '@paravcl/shared/api/images';
import { moveInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot, deleteSnapshot, getSnapshot } from '@paravcl/shared/api/snapshots';
import { drainSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Snapshot } from '@paravcl/shared/domain/snapshot';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pvs-');
const { one, two } = lab;

beforeAll(() => lab.up());
afterAll(() => lab.down());

async function snapshotOf(instances: readonly Instance[], client = lab.admin): Promise<Snapshot> {
  const { snapshot, operation } = await client.call(createSnapshot, { body: { instanceIds: instances.map(({ id }) => id) } });
  await followOperation(client, operation);
  return client.call(getSnapshot, { params: { snapshotId: snapshot.id } });
}

/** The whole disk of a version, as it is given out. */
const contentOf = (id: string): Promise<Buffer> => lab.admin.call(getImageContent, { params: { imageId: id } });
const imageOf = (snapshot: Snapshot, { id }: Instance): string => snapshot.parts.find(({ instanceId }) => instanceId === id)?.imageId ?? '';

/** Layers of an instance on its host, as libvirt has them, the top first. */
async function layersOf(host: LabHost, { id }: Instance): Promise<readonly string[]> {
  const xml = await host.evidence.virsh('dumpxml', '--', id);
  const disk = xml.slice(xml.indexOf("<disk type='file' device='disk'"), xml.indexOf("<target dev='vda'"));
  return [...disk.matchAll(/<source file='([^']*)'/g)].map((found) => found[1] ?? '').filter((path) => path.includes(id));
}

test('guests on two hosts are snapshotted together while they run; each image is whole, boots elsewhere, and holds what its disk held', async () => {
  const first = await lab.launch();
  await lab.admin.call(drainSlave, { params: { slaveId: (await lab.slaveOf(await lab.hostOf(first))).id } });
  const second = await lab.launch();
  for (const host of [one, two]) await lab.admin.call(undrainSlave, { params: { slaveId: (await lab.slaveOf(host)).id } }).catch(() => undefined);
  expect(new Set([await lab.hostOf(first), await lab.hostOf(second)]).size).toBe(2);
  const pages = [await lab.pageOf(await lab.hostOf(first), first), await lab.pageOf(await lab.hostOf(second), second)];

  const snapshot = await snapshotOf([first, second]);
  expect(snapshot).toMatchObject({ state: 'ready', sentence: 'All 2 disks are images now, whole and by themselves.' });
  // The guests were not stopped for it.
  for (const [index, instance] of [first, second].entries()) {
    const now = await lab.pageOf(await lab.hostOf(instance), instance);
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

  const again = await lab.launch({ imageId: imageOf(snapshot, first) });
  const page = await lab.pageOf(await lab.hostOf(again), again);
  expect(page.bootId).not.toBe(pages[0]?.bootId);
  await Promise.all([first, second, again].map((instance) => lab.remove(instance)));
});

test('snapshots one after the other leave two layers at most, each is small, and the guest goes on through a save and a stop', async () => {
  const instance = await lab.launch();
  const host = await lab.hostOf(instance);
  const before = await lab.pageOf(host, instance);
  const sizes: number[] = [];
  let last: Snapshot | undefined;
  for (let taken = 0; taken < 5; taken += 1) {
    last = await snapshotOf([instance]);
    sizes.push(last.parts[0]?.dirtiedBytes ?? -1);
  }
  // Nothing was written in between but what the file system does by itself.
  for (const size of sizes) expect(size).toBeLessThan(1024 * 1024);
  await eventually('the layers to be merged', patienceMs, async () => ((await layersOf(host, instance)).length <= 2 ? true : undefined));

  await lab.done(lab.admin.call(suspendInstance, { params: { instanceId: instance.id } }));
  const saved = await snapshotOf([instance]);
  expect(saved.parts[0]).toMatchObject({ how: 'saved' });
  await lab.done(lab.admin.call(resumeInstance, { params: { instanceId: instance.id }, body: {} }));
  expect((await lab.pageOf(host, instance)).bootId).toBe(before.bootId);
  await lab.done(lab.admin.call(stopInstance, { params: { instanceId: instance.id }, body: {} }));
  const off = await snapshotOf([instance]);
  expect(off.parts[0]).toMatchObject({ how: 'off' });
  await lab.done(lab.admin.call(startInstance, { params: { instanceId: instance.id }, body: {} }));
  const after = await lab.pageOf(host, instance);
  expect(after.bootId).not.toBe(before.bootId);

  // One of them goes, and takes nothing from the others.
  await lab.admin.call(deleteSnapshot, { params: { snapshotId: last?.id ?? '' } });
  await expect(lab.admin.call(getImage, { params: { imageId: imageOf(last ?? off, instance) } })).rejects.toMatchObject({ code: 'not-found' });
  expect((await contentOf(imageOf(off, instance))).includes(before.bootId)).toBe(true);
  const next = await snapshotOf([instance]);
  expect((await contentOf(imageOf(next, instance))).includes(after.bootId)).toBe(true);
  await lab.remove(instance);
});

test('an instance that is off leaves its host for the store and starts on the other one: name, MAC, address and disk are what they were', async () => {
  const instance = await lab.launch();
  const [from, to] = (await lab.hostOf(instance)) === one ? [one, two] : [two, one];
  const before = await lab.pageOf(from, instance);
  await lab.done(lab.admin.call(stopInstance, { params: { instanceId: instance.id }, body: {} }));
  await lab.done(lab.admin.call(moveInstance, { params: { instanceId: instance.id } }));
  expect(await lab.instanceOf(instance)).toMatchObject({ inStore: true, slaveId: null, observed: 'stopped' });
  await lab.nothingIsLeft(from, instance);

  await lab.admin.call(drainSlave, { params: { slaveId: (await lab.slaveOf(from)).id } });
  await lab.done(lab.admin.call(startInstance, { params: { instanceId: instance.id }, body: {} }));
  const moved = await lab.isRunning(instance);
  expect(await lab.hostOf(moved)).toBe(to);
  expect(moved).toMatchObject({ name: instance.name, mac: instance.mac, address: instance.address });
  const after = await lab.pageOf(to, moved);
  expect(after).toMatchObject({ id: instance.id, name: instance.name, address: instance.address });
  const snapshot = await snapshotOf([moved]);
  const content = await contentOf(imageOf(snapshot, moved));
  for (const { bootId } of [before, after]) expect(content.includes(bootId)).toBe(true);
  await lab.admin.call(undrainSlave, { params: { slaveId: (await lab.slaveOf(from)).id } });
  await lab.remove(moved);
});
