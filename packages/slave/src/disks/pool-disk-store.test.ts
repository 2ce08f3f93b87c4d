import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { parse } from 'yaml';
import { DiskStoreError, type ImageSource } from './disk-store';
import { PoolDiskStore, type PoolOptions } from './pool-disk-store';

const instanceId = '0192f0c1-2345-7abc-8def-0123456789ab';
const MiB = 1024 * 1024;

/** Serves bytes by image id, and breaks off where told. */
class Source implements ImageSource {
  readonly offsets: number[] = [];
  breakAfter: number | null = null;
  constructor(readonly contents: ReadonlyMap<string, Buffer>) {}

  open(image: ImageRef, offsetBytes: number): Promise<AsyncIterable<Uint8Array>> {
    this.offsets.push(offsetBytes);
    const bytes = this.contents.get(image.imageId);
    if (bytes === undefined) throw new DiskStoreError('image-missing', 'no such image');
    const end = this.breakAfter ?? bytes.length;
    this.breakAfter = null;
    return Promise.resolve(
      (async function* () {
        for (let at = offsetBytes; at < end; at += 10_000) yield await Promise.resolve(bytes.subarray(at, Math.min(at + 10_000, end)));
        if (end < bytes.length) throw new Error('connection reset');
      })(),
    );
  }
}

const id = (n: number): string => `0192f0c1-2345-7abc-8def-00000000000${n}`;
const ref = (n: number, bytes: Buffer, format: 'raw' | 'qcow2' = 'raw'): ImageRef => ({ imageId: id(n), sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length, format });
const raw = Buffer.alloc(2 * MiB, 'paravcl');

let pool: string;
let source: Source;
let store: PoolDiskStore;
const specOf = (disk: ImageRef, diskMiB = 8): InstanceSpec => ({
  name: 'i-ubuntu-9af',
  vcpus: 1,
  ramMiB: 128,
  diskMiB,
  disk,
  kernel: null,
  ramdisk: null,
  kernelArguments: '',
  mac: '00:16:3e:00:00:01',
  address: '10.77.0.10',
  bandwidthMbps: null,
  seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: ['ssh-ed25519 AAAAC3Nza student: "quoted" #x'] },
});
const info = (path: string): { format: string; 'virtual-size': number; 'full-backing-filename': string; 'backing-filename-format': string } =>
  JSON.parse(execFileSync('qemu-img', ['info', '--output=json', path], { encoding: 'utf8' })) as never;

const dayMs = 86_400_000;
let nowMs = Date.now();
const timers: (() => void)[] = [];
const clock: Clock = {
  now: () => nowMs,
  monotonicMs: () => nowMs,
  after: (delayMs, run) => {
    expect(delayMs).toBe(dayMs);
    timers.push(run);
    return () => undefined;
  },
};
let faults: unknown[] = [];

/** A new process on the same pool. */
async function fresh(contents: ReadonlyMap<string, Buffer>, options: Partial<PoolOptions> = {}): Promise<void> {
  source = new Source(contents);
  store = new PoolDiskStore({
    directory: pool, source, reserveMiB: 1, qemuOwner: null, clock, hostBootId: 'boot-1', imageCacheDays: 30, onFault: (error) => faults.push(error), ...options,
  });
  await store.open();
}

beforeEach(async () => {
  nowMs = Date.now();
  timers.length = 0;
  faults = [];
  pool = await mkdtemp(join(tmpdir(), 'pool-'));
  await fresh(new Map([[id(1), raw]]));
});
afterEach(() => rm(pool, { recursive: true }));

test('an image counts once it is whole and checked; callers share one fetch and its progress', async () => {
  const image = ref(1, raw);
  expect(await store.hasImage(image)).toBe(false);
  const told: number[] = [];
  await Promise.all([store.fetchImage(image, (percent) => told.push(percent)), store.fetchImage(image, () => undefined)]);
  expect(source.offsets).toEqual([0]);
  expect(told.at(-1)).toBe(100);
  expect(await store.hasImage(image)).toBe(true);
  expect(await readdir(join(pool, 'images'))).toEqual([`${image.sha256}.raw`]);
  await store.fetchImage(image, () => undefined);
  expect(source.offsets).toEqual([0]);
});

test('an interrupted fetch goes on where it ended, and what is left at a start is swept', async () => {
  const image = ref(1, raw);
  source.breakAfter = 1_000_000;
  await expect(store.fetchImage(image, () => undefined)).rejects.toMatchObject({ code: 'fetch-failed' });
  await store.fetchImage(image, () => undefined);
  expect(source.offsets).toEqual([0, 1_000_000]);
  expect(await store.hasImage(image)).toBe(true);
  await writeFile(join(pool, 'images', '.part-x'), 'half');
  await mkdir(join(pool, 'instances', `.making-${instanceId}`));
  await fresh(new Map([[id(1), raw]]));
  expect(await readdir(join(pool, 'images'))).toEqual([`${image.sha256}.raw`]);
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test('opening again, because the hypervisor did not answer, sweeps nothing that is being made', async () => {
  await writeFile(join(pool, 'images', '.part-x'), 'half');
  await mkdir(join(pool, 'instances', `.making-${instanceId}`));
  await store.open();
  expect(await readdir(join(pool, 'images'))).toEqual(['.part-x']);
  expect(await readdir(join(pool, 'instances'))).toEqual([`.making-${instanceId}`]);
});

test('after the host was started again an image is hashed once more, once, and one that rotted is fetched again', async () => {
  const image = ref(1, raw);
  await store.fetchImage(image, () => undefined);
  const file = join(pool, 'images', `${image.sha256}.raw`);
  const rotten = Buffer.from(raw);
  rotten.writeUInt8(rotten.readUInt8(1_500_000) ^ 1, 1_500_000);

  await fresh(new Map([[id(1), raw]]), { hostBootId: 'boot-2' });
  expect(await Promise.all([store.hasImage(image), store.hasImage(image)])).toEqual([true, true]);
  await writeFile(file, rotten);
  // Under the same boot its word is taken: hashing gigabytes at every look would cost more than it guards.
  expect(await store.hasImage(image)).toBe(true);

  await fresh(new Map([[id(1), raw]]), { hostBootId: 'boot-3' });
  expect(await Promise.all([store.hasImage(image), store.hasImage(image)])).toEqual([false, false]);
  expect(faults).toEqual([expect.objectContaining({ code: 'image-corrupt' })]);
  expect(await readdir(join(pool, 'images'))).toEqual([]);
  await store.fetchImage(image, () => undefined);
  expect((await readFile(file)).equals(raw)).toBe(true);
  expect(await store.hasImage(image)).toBe(true);
});

describe('an image in the cache', () => {
  const contents = [1, 2, 3, 4].map((n) => Buffer.alloc(2 * MiB, n));
  const all = new Map(contents.map((bytes, index) => [id(index + 1), bytes]));
  const [base, kernel, old, young] = contents.map((bytes, index) => ref(index + 1, bytes)) as [ImageRef, ImageRef, ImageRef, ImageRef];
  const cached = async (): Promise<readonly string[]> => (await readdir(join(pool, 'images'))).sort();
  const namesOf = (...images: readonly ImageRef[]): readonly string[] => images.map(({ sha256 }) => `${sha256}.raw`).sort();

  /** An instance of `base` and `kernel`, and two images besides, of which `young` was used the day after. */
  async function filled(): Promise<void> {
    await fresh(all);
    for (const image of [base, kernel, old, young]) await store.fetchImage(image, () => undefined);
    await store.createInstanceFiles(instanceId, { ...specOf(base), kernel });
    for (const image of [base, kernel, old]) expect(await store.hasImage(image)).toBe(true);
    nowMs += dayMs;
    expect(await store.hasImage(young)).toBe(true);
  }

  test('goes after 30 days without use, at a start and then daily, unless an instance here is made of it', async () => {
    await filled();
    nowMs += 29 * dayMs - 1000;
    await fresh(all);
    expect(await cached()).toEqual(namesOf(base, kernel, old, young));
    nowMs += 1000;
    await fresh(all);
    expect(await cached()).toEqual(namesOf(base, kernel, young));
    nowMs += dayMs;
    timers.at(-1)?.();
    for (let looks = 0; looks < 500 && (await cached()).length > 2; looks += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await cached()).toEqual(namesOf(base, kernel));
    expect(faults).toEqual([]);
    await store.removeInstanceFiles(instanceId);
    await fresh(all);
    expect(await cached()).toEqual([]);
  });

  test('goes earlier when a fetch has no room, the longest unused first, but none that a launch may be about to use', async () => {
    await filled();
    nowMs += 2 * 3_600_000;
    const fifth = Buffer.alloc(2 * MiB, 5);
    await fresh(new Map([[id(5), fifth]]));
    let roomMiB = 9;
    store.space = async () => ({ totalMiB: 100, availableMiB: roomMiB - 2 * (await cached()).length });
    await store.fetchImage(ref(5, fifth), () => undefined);
    expect(await cached()).toEqual(namesOf(base, kernel, young, ref(5, fifth)));
    expect(await store.hasImage(young)).toBe(true);
    roomMiB = 0;
    const sixth = Buffer.alloc(2 * MiB, 6);
    await expect(store.fetchImage(ref(6, sixth), () => undefined)).rejects.toMatchObject({ code: 'no-room' });
    expect(await cached()).toEqual(namesOf(base, kernel, young, ref(5, fifth)));
  });

  test.each([['gone', null], ['cut short', 'abc']])('stays, as all do, while the list of an instance is %s', async (_, list) => {
    await filled();
    const file = join(pool, 'instances', instanceId, 'images');
    await (list === null ? rm(file) : writeFile(file, list));
    nowMs += 365 * dayMs;
    await fresh(all);
    expect(await cached()).toEqual(namesOf(base, kernel, old, young));
    expect(faults).toEqual([expect.objectContaining({ message: expect.stringContaining(file) as string })]);
  });
});

test.each([
  ['another content', ref(1, Buffer.alloc(raw.length, 'x'))],
  ['a longer file than announced', { ...ref(1, raw), sizeBytes: raw.length - 1 }],
])('%s never counts and is removed', async (_, image) => {
  await expect(store.fetchImage(image, () => undefined)).rejects.toMatchObject({ code: 'image-corrupt' });
  expect(await store.hasImage(image)).toBe(false);
  expect(await readdir(join(pool, 'images'))).toEqual([]);
});

test('a missing image and a full pool say so', async () => {
  await expect(store.fetchImage(ref(2, raw), () => undefined)).rejects.toMatchObject({ code: 'image-missing' });
  await fresh(new Map([[id(1), raw]]), { reserveMiB: 1024 * 1024 * 1024 });
  await expect(store.fetchImage(ref(1, raw), () => undefined)).rejects.toMatchObject({ code: 'no-room', message: expect.stringMatching(/MiB free/) as string });
});

test('a qcow2 image that names a backing file is refused before any tool opens it', async () => {
  const base = join(pool, 'base');
  const child = join(pool, 'child');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', base, '4M']);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', child]);
  const bytes = await readFile(child);
  await fresh(new Map([[id(3), bytes]]));
  await expect(store.fetchImage(ref(3, bytes, 'qcow2'), () => undefined)).rejects.toMatchObject({ code: 'image-corrupt', message: expect.stringMatching(/backing file/) as string });
});

test('an instance gets an overlay of its size over the named image, and a seed that cloud-init reads', async () => {
  const image = ref(1, raw);
  await store.fetchImage(image, () => undefined);
  const files = await store.createInstanceFiles(instanceId, specOf(image));
  expect(files).toEqual(store.filesOf(instanceId, specOf(image)));
  expect(info(files.overlay)).toMatchObject({ format: 'qcow2', 'virtual-size': 8 * MiB, 'full-backing-filename': files.backing.path, 'backing-filename-format': 'raw' });
  const extract = (name: string): string => execFileSync('isoinfo', ['-i', files.seed, '-R', '-x', `/${name}`], { encoding: 'utf8' });
  expect(execFileSync('isoinfo', ['-d', '-i', files.seed], { encoding: 'utf8' })).toMatch(/Volume id: cidata/);
  expect(extract('meta-data')).toContain(instanceId);
  expect(extract('user-data')).toMatch(/^#cloud-config\nhostname: i-ubuntu-9af/);
  expect(parse(extract('user-data'))).toMatchObject({ users: [{ name: 'student', ssh_authorized_keys: specOf(image).seed.sshPublicKeys }] });
  const modes = await Promise.all([pool, join(pool, 'instances', instanceId), join(pool, 'instances', instanceId, 'run'), files.overlay, files.seed, files.backing.path].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)));
  expect(modes).toEqual(['711', '711', '700', '600', '644', '644']);
  expect(await store.instancesOnDisk()).toEqual([instanceId]);
});

test('an overlay that exists is kept, one is never smaller than its image, and removal leaves nothing', async () => {
  const image = ref(1, raw);
  await store.fetchImage(image, () => undefined);
  const files = await store.createInstanceFiles(instanceId, specOf(image, 1));
  expect(info(files.overlay)['virtual-size']).toBe(2 * MiB);
  await writeFile(files.overlay, 'work of a student');
  await store.createInstanceFiles(instanceId, specOf(image));
  expect(await readFile(files.overlay, 'utf8')).toBe('work of a student');
  await store.removeInstanceFiles(instanceId);
  await store.removeInstanceFiles(instanceId);
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test('half-made instances are swept at the start; a base that is not there fails the making and leaves nothing', async () => {
  await expect(store.createInstanceFiles(instanceId, specOf(ref(1, raw)))).rejects.toMatchObject({ code: 'failed' });
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test('the end of the serial log is read across its rotation', async () => {
  const image = ref(1, raw);
  await store.fetchImage(image, () => undefined);
  const { serialLog } = await store.createInstanceFiles(instanceId, specOf(image));
  expect(await store.readSerialLog(instanceId, 100)).toBe('');
  await writeFile(`${serialLog}.1`, 'oldest ');
  await writeFile(`${serialLog}.0`, 'older ');
  await writeFile(serialLog, 'newest');
  expect(await store.readSerialLog(instanceId, 100)).toBe('oldest older newest');
  expect(await store.readSerialLog(instanceId, 8)).toBe('r newest');
});

test.each(['../../etc', 'x', '0192f0c1-2345-7abc-8def-0123456789ab/..'])('%s is not taken for an instance id', async (name) => {
  await expect(store.removeInstanceFiles(name)).rejects.toThrow();
});
