import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, HomeSpec, ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { HandClock } from '../../test/fixtures/hand-clock';
import { SimulatedDiskStore } from '../hypervisor/simulated/simulated-disk-store';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { SimulatedHomeVolumes } from '../hypervisor/simulated/simulated-home-volumes';
import { noSnapshots } from '../../test/fixtures/no-snapshots';
import { makeExecutors } from './executors';
import type { Journal } from './journal';
import { emptyJournal, noInstance } from './journal-state';
import { readHost } from './read-host';

const instanceId = newId(1);
const image = (n: number): ImageRef => ({ imageId: newId(n), sha256: String(n).repeat(64), sizeBytes: 1024, format: 'raw', manifest: String(n).repeat(64) });
const home: HomeSpec = { volumeId: newId(2), epoch: 1, sizeMiB: 8, disk: null };
const spec = (more: Partial<InstanceSpec> = {}): InstanceSpec => ({
  name: 'i-one', vcpus: 1, ramMiB: 64, diskMiB: 8, disk: image(3), kernel: null, ramdisk: null, kernelArguments: '', mac: '00:16:3e:00:00:01', address: '10.77.0.9', bandwidthMbps: null,
  seed: { hostname: 'i-one', user: 'student', sshPublicKeys: [] }, ...more,
});

let directory: string;
let driver: SimulatedDriver;
let store: SimulatedDiskStore;
let homes: SimulatedHomeVolumes;
let executors: ReturnType<typeof makeExecutors>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'home-of-instance-'));
  const clock = new HandClock();
  driver = new SimulatedDriver({ slaveId: newId(4), clock });
  await driver.open();
  await driver.ensureNetwork({ name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 });
  store = new SimulatedDiskStore({ clock });
  homes = new SimulatedHomeVolumes(directory);
  await homes.open();
  executors = makeExecutors({ driver, store, homes, journal: { state: emptyJournal, append: () => Promise.resolve() } as unknown as Journal, migrations: noSnapshots.migrations, onProgress: () => undefined });
  await store.createInstanceFiles(instanceId, spec());
});
afterEach(() => rm(directory, { recursive: true }));

const define = (generation: number, of: InstanceSpec): Promise<void> => executors.define(instanceId, { kind: 'define', generation, spec: of });

test('it is made with the definition that names it, once, and outlives the files of the instance', async () => {
  await define(1, spec());
  expect(homes.epochs()).toEqual({});
  await define(2, spec({ home }));
  await define(3, spec({ home }));
  expect(homes.epochs()).toEqual({ [home.volumeId]: 1 });
  await executors['remove-files'](instanceId, { kind: 'remove-files', before: {} });
  expect(homes.epochs()).toEqual({ [home.volumeId]: 1 });
});

test('under RAM that was saved with it, or runs, one that is gone is not made anew', async () => {
  await define(1, spec({ home }));
  await driver.start(instanceId);
  await homes.drop(home.volumeId, 1);
  await expect(define(2, spec({ home }))).rejects.toThrow('The home volume that i-one has open is gone from this host. Stop it and start it.');
  await driver.save(instanceId);
  await expect(define(2, spec({ home }))).rejects.toThrow('is gone from this host');
  expect(homes.epochs()).toEqual({});
});

test('what it lies over is an image that the instance cannot start without', async () => {
  const [own, held] = [image(3), image(5)];
  const desired: DesiredInstance = { instanceId, generation: 1, desired: 'running', spec: spec({ home: { ...home, disk: held } }) };
  const missingImage = (of: HomeSpec) => Promise.resolve(of.disk === null ? null : { ...of.disk, need: 'served' as const });
  const read = (known: DesiredInstance) =>
    readHost({ driver, store, homes: { missingImage }, hostBootId: 'boot-1', networkReady: () => true, mirror: () => 'well' }, instanceId, { ...noInstance, desired: known, spec: known.spec });
  expect((await read(desired)).missingImages.map(({ sha256 }) => sha256)).toEqual([own.sha256, held.sha256]);
  expect((await read({ ...desired, desired: 'stopped' })).missingImages).toEqual([]);
});
