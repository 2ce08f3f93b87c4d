import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { applyDelta } from '../../../test/fixtures/apply-delta';
import { SimulatedDiskSnapshots } from './simulated-disk-snapshots';
import { SimulatedDriver } from './simulated-driver';

const [snapshotId, instanceId] = [newId(1), newId(2)];
const manifest = 'a'.repeat(64);
const spec: InstanceSpec = {
  name: 'i-sim-1',
  vcpus: 1,
  ramMiB: 128,
  diskMiB: 4,
  disk: { imageId: newId(3), sha256: 'b'.repeat(64), sizeBytes: 1024 * 1024, format: 'raw', manifest },
  kernel: null,
  ramdisk: null,
  kernelArguments: '',
  mac: '00:16:3e:00:00:01',
  address: '10.77.0.10',
  bandwidthMbps: null,
  seed: { hostname: 'i-sim-1', user: '', sshPublicKeys: [] },
};
const wish = { instanceId, generation: 1, bases: [manifest], spec };

let directory: string;
const fresh = (): SimulatedDiskSnapshots => new SimulatedDiskSnapshots({ clock: systemClock, driver: new SimulatedDriver({ slaveId: newId(4), clock: systemClock }), directory });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulated-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('a simulated disk never differs from its image, also to the next process, and is forgotten when it ends', async () => {
  expect(await fresh().freeze(snapshotId, [wish])).toEqual([{ instanceId, ok: true, how: 'off', quiesced: false, base: manifest, sizeBytes: 4 * 1024 * 1024 }]);
  const snapshots = fresh();
  expect(snapshots.underWay()).toEqual([`${snapshotId}/${instanceId}`]);
  const delta = await snapshots.delta(snapshotId, instanceId);
  expect(applyDelta(Buffer.alloc(0), await readFile(delta.path))).toMatchObject({ sentBlocks: 0, head: { base: manifest, sizeBytes: 4 * 1024 * 1024 } });
  await snapshots.end(snapshotId, instanceId, manifest);
  await snapshots.end(snapshotId, instanceId, manifest);
  expect(snapshots.ended).toEqual([{ snapshotId, instanceId, manifest }]);
  await expect(stat(delta.path)).rejects.toThrow();
  await expect(fresh().delta(snapshotId, instanceId)).rejects.toMatchObject({ code: 'failed' });
});

test('faults meet one disk of a freeze, and one delta', async () => {
  const snapshots = fresh();
  snapshots.failNext('freeze', 'no-room');
  const other = { ...wish, instanceId: newId(9) };
  expect((await snapshots.freeze(snapshotId, [wish, other])).map(({ ok }) => ok)).toEqual([false, true]);
  snapshots.failNext('delta', 'no-room');
  await expect(snapshots.delta(snapshotId, other.instanceId)).rejects.toMatchObject({ code: 'no-room' });
  await snapshots.delta(snapshotId, other.instanceId);
});

test('simulated RAM is kept of a guest that is saved, and is one block that tells whose it is', async () => {
  const driver = new SimulatedDriver({ slaveId: newId(4), clock: systemClock });
  await driver.open();
  await driver.ensureNetwork({ name: 'pv', bridge: 'pv0', gateway: '10.77.0.1', prefix: 16 });
  const files = { overlay: '/o', layers: [], backing: { kind: 'file', path: '/b', format: 'raw' }, seed: '/s', kernel: null, ramdisk: null, serialLog: '/l', serialSocket: '/c', vncSocket: '/v' } as const;
  await driver.define({ instanceId, generation: 1, name: 'i-sim-1', vcpus: 1, ramMiB: 128, mac: '00:16:3e:00:00:01', bandwidthMbps: null, kernelArguments: '', files });
  await driver.start(instanceId);
  const snapshots = new SimulatedDiskSnapshots({ clock: systemClock, driver, directory });
  expect(await snapshots.freeze(newId(8), [{ ...wish, ram: true }])).toMatchObject([{ ok: false }]);
  await driver.save(instanceId);
  expect(await snapshots.freeze(snapshotId, [{ ...wish, ram: true }])).toMatchObject([{ ok: true, how: 'saved', ramBytes: 4096 }]);
  const { path } = await snapshots.delta(snapshotId, instanceId, 'ram');
  const { head, content } = applyDelta(Buffer.alloc(0), await readFile(path));
  expect([head.base, content.toString('latin1').replaceAll('\0', '')]).toEqual(['0'.repeat(64), `simulated RAM of ${instanceId}`]);
  await snapshots.end(snapshotId, instanceId, null);
  await expect(stat(path)).rejects.toThrow();
});
