import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newId } from '@paravcl/shared/ids';
import { systemClock } from '@paravcl/shared/clock';
import type { FrozenDisk } from '@paravcl/shared/protocol/commands';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { applyDelta } from '../../test/fixtures/apply-delta';
import { MirrorOfPool } from '../../test/fixtures/mirror-of-pool';
import { HonestSource, imageOf, testContent } from '../../test/fixtures/test-image';
import { HypervisorError } from '../hypervisor/driver';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { UnknownSnapshotError, type DiskSnapshots } from './disk-snapshots';
import { readLayers } from './layers-file';
import { MirrorClient } from './mirror-client';
import { PoolDiskSnapshots, type PoolSnapshotsParts } from './pool-disk-snapshots';
import { PoolDiskStore } from './pool-disk-store';

const MiB = 1024 * 1024;
const image = imageOf(testContent(2 * MiB, 1));
const instanceId = '0192f0c1-2345-7abc-8def-0123456789ab';
const secondId = '0192f0c1-2345-7abc-8def-0123456789ac';
const [first, second, third] = ['0192f0c1-2345-7abc-8def-100000000001', '0192f0c1-2345-7abc-8def-100000000002', '0192f0c1-2345-7abc-8def-100000000003'] as const;
const manifests = { first: 'a'.repeat(64), second: 'b'.repeat(64) };
const slaveId = newId(1);
const specOf = (id: string): InstanceSpec => ({
  name: `i-disk-${id.slice(-2)}`,
  vcpus: 1,
  ramMiB: 128,
  diskMiB: 8,
  disk: { imageId: newId(2), sha256: createHash('sha256').update(image.content).digest('hex'), sizeBytes: image.content.length, format: 'raw', manifest: image.id },
  kernel: null,
  ramdisk: null,
  kernelArguments: '',
  mac: `00:16:3e:00:00:${id.slice(-2)}`,
  address: '10.77.0.10',
  bandwidthMbps: null,
  seed: { hostname: 'i-disk', user: 'student', sshPublicKeys: [] },
});

const run = async (tool: string, ...args: readonly string[]): Promise<string> => (await promisify(execFile)(tool, [...args], { env: { ...process.env, LC_ALL: 'C' } })).stdout;

/** A simulated hypervisor whose merges are done by qemu-img in the real files, and whose saved RAM is a file. */
class MergingDriver extends SimulatedDriver {
  /** Where its saves are. */
  saves = '';

  override async savedRam(id: string): Promise<string> {
    await super.savedRam(id);
    return join(this.saves, `${id}.save`);
  }

  override async mergeLayers(id: string, base: string, layers: readonly string[]): Promise<void> {
    const before = this.host.domain(id)?.disk ?? [];
    await super.mergeLayers(id, base, layers);
    const top = layers.at(-1) ?? base;
    const over = before[before.indexOf(top) - 1];
    if (over === undefined) return;
    await run('qemu-img', 'commit', '-q', '-f', 'qcow2', '-d', '-b', base, top);
    await run('qemu-img', 'rebase', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', base, over);
  }
}

let pool: string;
let mirror: MirrorOfPool;
let store: PoolDiskStore;
let driver: MergingDriver;
let snapshots: PoolDiskSnapshots;
let faults: Error[];

/** A new process on the same pool and host. */
async function fresh(further: Partial<PoolSnapshotsParts> = {}): Promise<void> {
  snapshots = new PoolDiskSnapshots({ directory: pool, reserveMiB: 1, driver, mirror: new MirrorClient(pool), clock: systemClock, onFault: (error) => faults.push(error as Error), ...further });
  await snapshots.recover();
}

async function made(id: string): Promise<void> {
  await store.createInstanceFiles(id, specOf(id));
  await defined(id);
}

async function defined(id: string, generation = 1): Promise<void> {
  const { name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments } = specOf(id);
  await driver.define({ instanceId: id, generation, name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments, files: await store.filesOf(id, specOf(id)) });
}

beforeEach(async () => {
  faults = [];
  pool = await mkdtemp(join(tmpdir(), 'pool-'));
  mirror = await MirrorOfPool.start(pool, new HonestSource(image));
  store = new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 1, qemuOwner: null, clock: systemClock, hostBootId: 'boot-1', onFault: (error) => faults.push(error as Error) });
  await store.open();
  await store.fetchImage({ ...specOf(instanceId).disk, need: 'whole' }, () => undefined);
  driver = new MergingDriver({ slaveId, clock: systemClock });
  await driver.open();
  driver.saves = join(pool, 'saves');
  await mkdir(driver.saves);
  await driver.ensureNetwork({ name: 'pv', bridge: 'pv0', gateway: '10.77.0.1', prefix: 16 });
  await fresh();
  await made(instanceId);
});
afterEach(async () => {
  await driver.close();
  await mirror.stop();
  await rm(pool, { recursive: true });
});

const path = (name: string, id = instanceId): string => join(pool, 'instances', id, name);
/** As the guest does, into what the hypervisor has it write. */
const write = async (id: string, ...commands: readonly string[]): Promise<void> => {
  const [top] = await driver.diskChain(id);
  await run('qemu-io', '-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), top ?? '');
};
const contentOf = async (id: string): Promise<Buffer> => {
  const copy = join(pool, 'copy.raw');
  await run('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', (await driver.diskChain(id))[0] ?? '', copy);
  return readFile(copy);
};
const wish = (id: string, bases: readonly string[] = [image.id]) => ({ instanceId: id, generation: 1, bases: [...bases], spec: specOf(id) });
const freeze = (snapshotId: string, ...wishes: readonly ReturnType<typeof wish>[]): Promise<readonly FrozenDisk[]> => snapshots.freeze(snapshotId, wishes);
/** What base and delta are together. */
const rebuilt = async (snapshotId: string, id: string, base: Buffer, by: DiskSnapshots = snapshots): Promise<{ readonly content: Buffer; readonly base: string; readonly sentBlocks: number }> => {
  const delta = await by.delta(snapshotId, id);
  const bytes = await readFile(delta.path);
  expect(delta).toEqual({ path: delta.path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), dirtiedBytes: expect.any(Number) as number });
  const { head, content, sentBlocks } = applyDelta(base, bytes);
  expect(delta.dirtiedBytes).toBe(sentBlocks * 4096);
  return { content, base: head.base, sentBlocks };
};
const layerNames = async (id = instanceId): Promise<readonly string[]> => (await readdir(path('', id))).filter((name) => /\.qcow2|^delta|layers/.test(name)).sort();

test('of a running guest the delta is what it had written when it was frozen, whatever it writes before the delta is made', async () => {
  await driver.start(instanceId);
  await write(instanceId, 'write -P 1 4k 4k', 'write -P 2 1M 100k', 'write -z 192k 64k', 'write -P 3 7M 1M', 'write -P 0 512k 8k');
  const held = await contentOf(instanceId);
  expect(await freeze(first, wish(instanceId))).toEqual([{ instanceId, ok: true, how: 'running', quiesced: false, base: image.id, sizeBytes: 8 * MiB }]);
  expect((await driver.diskChain(instanceId))[0]).toBe(path('layer-1.qcow2'));
  await write(instanceId, 'write -P 9 0 2M');
  const { content, base } = await rebuilt(first, instanceId, image.content);
  expect([content.equals(held), base]).toEqual([true, image.id]);
  // Once made it is not made again.
  const once = await stat(path(`delta-${first}`));
  await snapshots.delta(first, instanceId);
  expect((await stat(path(`delta-${first}`))).mtimeMs).toBe(once.mtimeMs);
});

test('the next snapshot is sent against the last one that was taken, and layers become one', async () => {
  await driver.start(instanceId);
  await write(instanceId, 'write -P 1 0 1M');
  await freeze(first, wish(instanceId));
  const one = await rebuilt(first, instanceId, image.content);
  await snapshots.end(first, instanceId, manifests.first);
  await write(instanceId, 'write -P 2 64k 4k', 'write -z 128k 4k');
  const held = await contentOf(instanceId);
  expect(await freeze(second, wish(instanceId, [image.id, manifests.first]))).toMatchObject([{ ok: true, base: manifests.first }]);
  const two = await rebuilt(second, instanceId, one.content);
  expect([two.content.equals(held), two.sentBlocks]).toEqual([true, 1]);
  await snapshots.end(second, instanceId, manifests.second);
  expect(await layerNames()).toEqual(['layer-2.qcow2', 'layers.json', 'overlay.qcow2']);
  expect((await contentOf(instanceId)).equals(held)).toBe(true);
  // Deleted from the store, neither serves as a base: all of it is sent, against the image.
  expect(await freeze(third, wish(instanceId))).toMatchObject([{ ok: true, base: image.id }]);
  expect((await rebuilt(third, instanceId, image.content)).content.equals(held)).toBe(true);
  await snapshots.end(third, instanceId, null);
  await snapshots.end(third, instanceId, null);
  expect(await layerNames()).toEqual(['layer-2.qcow2', 'layer-3.qcow2', 'layers.json', 'overlay.qcow2']);
  expect(faults).toEqual([]);
});

test('two snapshots of one disk at once are both right, in whatever order they end', async () => {
  await driver.start(instanceId);
  await write(instanceId, 'write -P 1 0 64k');
  const heldFirst = await contentOf(instanceId);
  await freeze(first, wish(instanceId));
  await write(instanceId, 'write -P 2 32k 64k');
  const heldSecond = await contentOf(instanceId);
  await freeze(second, wish(instanceId));
  await write(instanceId, 'write -P 3 0 1M');
  expect((await rebuilt(second, instanceId, image.content)).content.equals(heldSecond)).toBe(true);
  await snapshots.end(second, instanceId, manifests.second);
  expect((await rebuilt(first, instanceId, image.content)).content.equals(heldFirst)).toBe(true);
  await snapshots.end(first, instanceId, manifests.first);
  expect((await readLayers(path('')))?.covered).toEqual({ count: 1, manifest: manifests.second });
  expect(await layerNames()).toEqual(['layer-2.qcow2', 'layers.json', 'overlay.qcow2']);
});

test('asked again for a snapshot it answers the same, and one that cannot be frozen keeps none of the others', async () => {
  await made(secondId);
  await driver.start(instanceId);
  await driver.start(secondId);
  const nobody = newId(5);
  const answers = await freeze(first, wish(instanceId), wish(nobody), wish(secondId, [manifests.first]));
  expect(answers).toEqual([
    expect.objectContaining({ instanceId, ok: true }),
    { instanceId: nobody, ok: false, message: expect.stringMatching(/no disk on this host/) as string },
    { instanceId: secondId, ok: false, message: expect.stringMatching(/neither its image any more nor/) as string },
  ]);
  expect(await layerNames(secondId)).toEqual(['overlay.qcow2']);
  expect(await freeze(first, wish(instanceId))).toEqual([answers[0]]);
  expect(await layerNames()).toEqual(['layer-1.qcow2', 'layers.json', 'overlay.qcow2']);
});

test.each([
  ['off', 'destroy'],
  ['saved', 'save'],
] as const)('of one that is %s the delta is made at once, of the disk as it lies, in no new layer', async (how, halt) => {
  await driver.start(instanceId);
  await write(instanceId, 'write -P 1 0 64k');
  await driver[halt](instanceId);
  const held = await contentOf(instanceId);
  expect(await freeze(first, wish(instanceId))).toMatchObject([{ ok: true, how, quiesced: false, base: image.id }]);
  expect(await layerNames()).toEqual([`delta-${first}`, 'layers.json', 'overlay.qcow2']);
  await driver.start(instanceId);
  await write(instanceId, 'write -P 2 0 2M');
  await fresh();
  expect((await rebuilt(first, instanceId, image.content)).content.equals(held)).toBe(true);
  await snapshots.end(first, instanceId, manifests.first);
  // Its topmost layer is written further: that manifest covers none of it.
  expect(await freeze(second, wish(instanceId, [image.id, manifests.first]))).toMatchObject([{ base: image.id }]);
});

test('layers are not merged while RAM is saved or the power is off, and with the next snapshot that ends they are', async () => {
  await driver.start(instanceId);
  await freeze(first, wish(instanceId));
  await freeze(second, wish(instanceId));
  await driver.save(instanceId);
  await snapshots.end(second, instanceId, null);
  await snapshots.end(first, instanceId, null);
  expect((await readLayers(path('')))?.layers).toHaveLength(3);
  await driver.start(instanceId);
  await freeze(third, wish(instanceId));
  await snapshots.end(third, instanceId, null);
  expect((await readLayers(path('')))?.layers).toEqual(['overlay.qcow2', 'layer-3.qcow2']);
  expect((await driver.diskChain(instanceId))[0]).toBe(path('layer-3.qcow2'));
  expect(faults).toEqual([]);
});

describe('a switch that was broken off', () => {
  /** The record and the layer are there; whether the guest was switched is what the test says. */
  const brokenOff = async (): Promise<void> => {
    driver.faults.failNext('switchDisks', 'unavailable');
    // The hypervisor does not come back in the life of this process.
    const away = jest.spyOn(driver, 'find').mockRejectedValue(new HypervisorError('failed', 'away'));
    expect(await freeze(first, wish(instanceId))).toMatchObject([{ ok: false }]);
    away.mockRestore();
    expect((await readLayers(path('')))?.candidate).toBe('layer-1.qcow2');
  };

  test('of a guest that runs is what the hypervisor says', async () => {
    await driver.start(instanceId);
    await brokenOff();
    await driver.switchDisks([{ instanceId, layer: path('layer-1.qcow2') }]);
    await write(instanceId, 'write -P 7 0 64k');
    const held = await contentOf(instanceId);
    await fresh();
    expect(await readLayers(path(''))).toMatchObject({ layers: ['overlay.qcow2', 'layer-1.qcow2'], candidate: null, snapshots: [] });
    await expect(snapshots.delta(first, instanceId)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('known on this host') as string });
    await freeze(first, wish(instanceId));
    expect((await rebuilt(first, instanceId, image.content)).content.equals(held)).toBe(true);
  });

  test('serves for the next one when it did not happen', async () => {
    await driver.start(instanceId);
    await brokenOff();
    await fresh();
    await freeze(second, wish(instanceId));
    expect(await readLayers(path(''))).toMatchObject({ layers: ['overlay.qcow2', 'layer-1.qcow2'], candidate: null, made: 1 });
  });

  test('is taken as one that happened when the power is off, and the definition follows', async () => {
    await driver.start(instanceId);
    await brokenOff();
    await driver.destroy(instanceId);
    expect((await store.filesOf(instanceId, specOf(instanceId))).overlay).toBe(path('layer-1.qcow2'));
    await fresh();
    expect((await driver.diskChain(instanceId))[0]).toBe(path('layer-1.qcow2'));
    expect(await store.filesOf(instanceId, specOf(instanceId))).toMatchObject({ overlay: path('layer-1.qcow2'), layers: [path('overlay.qcow2')] });
  });

  test('goes when RAM was saved under the chain without it', async () => {
    await driver.start(instanceId);
    await brokenOff();
    await driver.save(instanceId);
    await fresh();
    expect(await layerNames()).toEqual(['layers.json', 'overlay.qcow2']);
    expect((await driver.diskChain(instanceId))[0]).toBe(path('overlay.qcow2'));
  });

  test('leaves nothing behind when the hypervisor refused it', async () => {
    await driver.start(instanceId);
    driver.faults.failNext('switchDisks', 'failed', 'a refusal');
    expect(await freeze(first, wish(instanceId))).toEqual([{ instanceId, ok: false, message: 'The disk of i-disk-ab is not snapshotted: a refusal' }]);
    expect(await layerNames()).toEqual(['layers.json', 'overlay.qcow2']);
  });
});

test('a merge that was broken off after the hypervisor did it is only written down', async () => {
  await driver.start(instanceId);
  await write(instanceId, 'write -P 1 0 64k');
  await freeze(first, wish(instanceId));
  await write(instanceId, 'write -P 2 0 32k');
  await freeze(second, wish(instanceId));
  const held = await contentOf(instanceId);
  await driver.mergeLayers(instanceId, path('overlay.qcow2'), [path('layer-1.qcow2')]);
  await snapshots.end(first, instanceId, null);
  await snapshots.end(second, instanceId, manifests.second);
  expect(await layerNames()).toEqual(['layer-2.qcow2', 'layers.json', 'overlay.qcow2']);
  expect((await contentOf(instanceId)).equals(held)).toBe(true);
});

test('what a call left that was broken off goes, and nothing that is named', async () => {
  await driver.start(instanceId);
  await freeze(first, wish(instanceId));
  await snapshots.delta(first, instanceId);
  for (const left of [`delta-${second}.part`, `delta-${second}`, 'layer-2.qcow2', 'layers.json.new']) await writeFile(path(left), 'half');
  await fresh();
  expect(await layerNames()).toEqual([`delta-${first}`, 'layer-1.qcow2', 'layers.json', 'overlay.qcow2']);
});

test('where room lacks the numbers are told, nothing half made stays, and it goes on once there is room', async () => {
  await driver.start(instanceId);
  await write(instanceId, 'write -P 1 0 1M');
  const held = await contentOf(instanceId);
  await freeze(first, wish(instanceId));
  await fresh({ reserveMiB: 1024 ** 3 });
  await expect(snapshots.delta(first, instanceId)).rejects.toMatchObject({ code: 'no-room', message: expect.stringMatching(/The pool .* MiB free; .* needs 2 MiB and 1073741824 MiB are kept free/) as string });
  expect(await freeze(second, wish(instanceId))).toEqual([{ instanceId, ok: false, message: expect.stringMatching(/not snapshotted: The pool .* MiB free/) as string }]);
  expect(await layerNames()).toEqual(['layer-1.qcow2', 'layers.json', 'overlay.qcow2']);
  await fresh();
  expect((await rebuilt(first, instanceId, image.content)).content.equals(held)).toBe(true);
});

test('a disk of an earlier release is refused with the way out', async () => {
  await writeFile(path('images'), `${'c'.repeat(64)}.raw\n`);
  expect(await freeze(first, wish(instanceId))).toEqual([{ instanceId, ok: false, message: expect.stringMatching(/made by an earlier release.*launched now/) as string }]);
});

test('ends of what nobody knows are quiet, and removal takes everything', async () => {
  await snapshots.end(first, newId(7), manifests.first);
  await snapshots.end(first, instanceId, manifests.first);
  await driver.start(instanceId);
  await freeze(first, wish(instanceId));
  await snapshots.delta(first, instanceId);
  await store.removeInstanceFiles(instanceId);
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
  await snapshots.end(first, instanceId, manifests.first);
});

test('many random blocks in several layers come out as they were', async () => {
  await driver.start(instanceId);
  let state = 7;
  const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const some = (): readonly string[] => Array.from({ length: 60 }, () => `write ${random(4) === 0 ? '-z' : `-P ${random(255)}`} ${random(2000) * 4}k ${(1 + random(12)) * 4}k`);
  for (const snapshot of [first, second]) {
    await write(instanceId, ...some());
    await freeze(snapshot, wish(instanceId));
  }
  await write(instanceId, ...some());
  const held = await contentOf(instanceId);
  await freeze(third, wish(instanceId));
  await write(instanceId, ...some());
  expect((await rebuilt(third, instanceId, image.content)).content.equals(held)).toBe(true);
});

describe('RAM of a saved instance', () => {
  /** Not a multiple of 4 KiB, and with zeros within. */
  const ram = Buffer.concat([testContent(300_000, 7), Buffer.alloc(200_000), testContent(5_001, 8)]);
  const padded = Buffer.concat([ram, Buffer.alloc(507_904 - ram.length)]);
  const withRam = { ...wish(instanceId), ram: true };
  const saveFile = (): string => join(driver.saves, `${instanceId}.save`);
  const ramNames = async (): Promise<readonly string[]> => (await readdir(path(''))).filter((name) => /ram/.test(name));
  const saved = async (): Promise<void> => {
    await driver.start(instanceId);
    await write(instanceId, 'write -P 1 0 1M');
    await driver.save(instanceId);
    await writeFile(saveFile(), ram);
  };
  /** As libvirt does when the guest is started. */
  const resumed = async (): Promise<void> => {
    await driver.start(instanceId);
    await rm(saveFile());
  };
  const sentRam = async (snapshotId: string) => {
    const delta = await snapshots.delta(snapshotId, instanceId, 'ram');
    const bytes = await readFile(delta.path);
    expect(delta).toMatchObject({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    return { ...applyDelta(Buffer.alloc(0), bytes), delta };
  };

  test('is kept with its disk, though the guest goes on, and sent as what it was, against nothing', async () => {
    await saved();
    expect(await freeze(first, withRam)).toEqual([{ instanceId, ok: true, how: 'saved', quiesced: false, base: image.id, sizeBytes: 8 * MiB, ramBytes: padded.length }]);
    // The same file under a second name, for it takes no room.
    expect((await stat(path(`ram-${first}`))).ino).toBe((await stat(saveFile())).ino);
    await resumed();
    await write(instanceId, 'write -P 9 0 1M');
    await fresh();
    expect(await freeze(first, withRam)).toMatchObject([{ ok: true, how: 'saved', ramBytes: padded.length }]);
    const { head, content, delta, sentBlocks } = await sentRam(first);
    expect(head).toEqual({ base: '0'.repeat(64), chunkBytes: 64 * 1024, sizeBytes: padded.length });
    expect(content.equals(padded)).toBe(true);
    expect(delta.dirtiedBytes).toBe(sentBlocks * 4096);
    expect(sentBlocks).toBeLessThan(padded.length / 4096 - 40);
    expect(await ramNames()).toEqual([`delta-${first}-ram`]);
    // Made once, by whatever process; the disk's is another one.
    await fresh();
    expect((await sentRam(first)).delta).toEqual(delta);
    expect((await snapshots.delta(first, instanceId)).path).toBe(path(`delta-${first}`));
    await snapshots.end(first, instanceId, null);
    expect(await ramNames()).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('goes with its snapshot that was given up before it was sent, and what a call left that was broken off goes', async () => {
    await saved();
    await freeze(first, withRam);
    await freeze(second, wish(instanceId));
    await writeFile(path(`ram-${third}`), 'half');
    await writeFile(path(`delta-${first}-ram.part`), 'half');
    await fresh();
    expect(await ramNames()).toEqual([`ram-${first}`]);
    await expect(snapshots.delta(second, instanceId, 'ram')).rejects.toBeInstanceOf(UnknownSnapshotError);
    await snapshots.end(first, instanceId, null);
    expect(await ramNames()).toEqual([]);
    await expect(snapshots.delta(first, instanceId, 'ram')).rejects.toBeInstanceOf(UnknownSnapshotError);
  });

  test('that is gone, before its delta was made or after, is said to be gone', async () => {
    await saved();
    await freeze(first, withRam);
    await rm(path(`ram-${first}`));
    await expect(snapshots.delta(first, instanceId, 'ram')).rejects.toBeInstanceOf(UnknownSnapshotError);
    await freeze(second, withRam);
    await snapshots.delta(second, instanceId, 'ram');
    await truncate(path(`delta-${second}-ram`), 100);
    await expect(snapshots.delta(second, instanceId, 'ram')).rejects.toBeInstanceOf(UnknownSnapshotError);
  });

  test('is refused of a guest that runs, and there is none of one that is off', async () => {
    await driver.start(instanceId);
    expect(await freeze(first, withRam)).toEqual([{ instanceId, ok: false, message: expect.stringMatching(/kept of an instance that is suspended, and it runs/) as string }]);
    expect(await layerNames()).toEqual(['overlay.qcow2']);
    await driver.destroy(instanceId);
    const [off] = await freeze(second, withRam);
    expect(off).toMatchObject({ ok: true, how: 'off' });
    expect(off).not.toHaveProperty('ramBytes');
  });

  test('that cannot be kept, or whose disk cannot, leaves nothing', async () => {
    await saved();
    await rm(saveFile());
    expect(await freeze(first, withRam)).toMatchObject([{ ok: false, message: expect.stringContaining('RAM') as string }]);
    await writeFile(saveFile(), ram);
    await fresh({ reserveMiB: 1024 * 1024 * 1024 });
    expect(await freeze(first, withRam)).toMatchObject([{ ok: false, message: expect.stringContaining('are kept free') as string }]);
    expect(await ramNames()).toEqual([]);
  });
});
