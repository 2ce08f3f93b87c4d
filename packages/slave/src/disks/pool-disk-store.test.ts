import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { parse } from 'yaml';
import { DiskStoreError, type ImageSource } from './disk-store';
import { PoolDiskStore } from './pool-disk-store';

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

async function fresh(contents: ReadonlyMap<string, Buffer>, reserveMiB = 1): Promise<void> {
  source = new Source(contents);
  store = new PoolDiskStore({ directory: pool, source, reserveMiB, qemuOwner: null });
  await store.open();
}

beforeEach(async () => {
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
  await store.open();
  expect(await readdir(join(pool, 'images'))).toEqual([`${image.sha256}.raw`]);
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
  await fresh(new Map([[id(1), raw]]), 1024 * 1024 * 1024);
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
