import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '@paravcl/shared/clock';
import type { ImageRef, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { MirrorOfPool } from '../../test/fixtures/mirror-of-pool';
import { HonestSource, imageOf, testContent, type TestImage } from '../../test/fixtures/test-image';
import { MirrorClient } from './mirror-client';
import { PoolDiskStore, type PoolOptions } from './pool-disk-store';

const instanceId = '0192f0c1-2345-7abc-8def-0123456789ab';
const secondId = '0192f0c1-2345-7abc-8def-0123456789ac';
const MiB = 1024 * 1024;
const [disk, kernel] = [imageOf(testContent(2 * MiB, 1)), imageOf(testContent(200_000, 2))] as const;

const refOf = ({ id, content }: TestImage): ImageRef => ({ imageId: '0192f0c1-2345-7abc-8def-000000000001', sha256: createHash('sha256').update(content).digest('hex'), sizeBytes: content.length, format: 'raw', manifest: id });
const specOf = (further: Partial<InstanceSpec> = {}): InstanceSpec => ({
  name: 'i-ubuntu-9af',
  vcpus: 1,
  ramMiB: 128,
  diskMiB: 8,
  disk: refOf(disk),
  kernel: refOf(kernel),
  ramdisk: null,
  kernelArguments: '',
  mac: '00:16:3e:00:00:01',
  address: '10.77.0.10',
  bandwidthMbps: null,
  seed: { hostname: 'i-ubuntu-9af', user: 'student', sshPublicKeys: ['ssh-ed25519 AAAAC3Nza student: "quoted" #x'] },
  ...further,
});
const info = (path: string): { format: string; 'virtual-size': number; 'full-backing-filename': string; 'backing-filename-format': string } =>
  JSON.parse(execFileSync('qemu-img', ['info', '--force-share', '--output=json', path], { encoding: 'utf8' })) as never;

let pool: string;
let source: HonestSource;
let mirror: MirrorOfPool;
let store: PoolDiskStore;
let faults: unknown[] = [];

/** A new process on the same pool. */
async function fresh(options: Partial<PoolOptions> = {}): Promise<void> {
  store = new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 1, qemuOwner: null, clock: systemClock, hostBootId: 'boot-1', onFault: (error) => faults.push(error), ...options });
  await store.open();
}

async function fetched(spec: InstanceSpec, id = instanceId): Promise<void> {
  for (const image of await store.missingImages(id, spec)) await store.fetchImage(image, () => undefined);
  expect(await store.missingImages(id, spec)).toEqual([]);
}

/** Every byte of the disk's image on this host, so that it is a plain file. */
async function wholeDisk(): Promise<void> {
  await store.fetchImage({ ...refOf(disk), need: 'whole' }, () => undefined);
}

beforeEach(async () => {
  faults = [];
  pool = await mkdtemp(join(tmpdir(), 'pool-'));
  source = new HonestSource(disk, kernel);
  mirror = await MirrorOfPool.start(pool, source);
  await fresh();
});
afterEach(async () => {
  await mirror.stop();
  await rm(pool, { recursive: true });
});

test('a disk is ready when its guest can read it, a kernel when it is whole, and its progress is told', async () => {
  const missing = await store.missingImages(instanceId, specOf());
  expect(missing.map(({ need }) => need)).toContain('whole');
  const told: number[] = [];
  for (const image of missing) await store.fetchImage(image, (percent) => told.push(percent));
  expect(await store.missingImages(instanceId, specOf())).toEqual([]);
  expect(told.every((percent) => percent >= 0 && percent <= 100)).toBe(true);
  expect(source.asked.filter(({ id }) => id === disk.id)).toEqual([]);
  expect((await readFile(join(pool, 'mirror', 'images', kernel.id, 'data'))).equals(kernel.content)).toBe(true);
});

test('an instance of an image that is not here yet gets an overlay over the mirror, of its size, and a seed that cloud-init reads', async () => {
  await fetched(specOf());
  const files = await store.createInstanceFiles(instanceId, specOf());
  expect(files).toEqual(await store.filesOf(instanceId, specOf()));
  expect(files.backing).toEqual({ kind: 'nbd', socket: join(pool, 'mirror', 'nbd.sock'), exportName: `${disk.id}.${instanceId}` });
  expect(files.kernel).toBe(join(pool, 'mirror', 'images', kernel.id, 'data'));
  expect(info(files.overlay)).toMatchObject({ format: 'qcow2', 'virtual-size': 8 * MiB, 'backing-filename-format': 'raw' });
  expect(source.asked.filter(({ id }) => id === disk.id)).toEqual([]);
  expect(await readFile(join(pool, 'instances', instanceId, 'images'), 'utf8')).toBe(`${disk.id}\n${kernel.id}\n`);

  const copy = join(pool, 'copy.raw');
  // The mirror it reads from is in this very process.
  await promisify(execFile)('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', files.overlay, copy]);
  const bytes = await readFile(copy);
  expect(bytes.subarray(0, disk.content.length).equals(disk.content)).toBe(true);
  expect(mirror.opened).toContain(`${disk.id}.${instanceId}`);

  const extract = (name: string): string => execFileSync('isoinfo', ['-i', files.seed, '-R', '-x', `/${name}`], { encoding: 'utf8' });
  expect(execFileSync('isoinfo', ['-d', '-i', files.seed], { encoding: 'utf8' })).toMatch(/Volume id: cidata/);
  expect(extract('meta-data')).toContain(instanceId);
  expect(extract('user-data')).toMatch(/^#cloud-config\nhostname: i-ubuntu-9af/);
  expect(parse(extract('user-data'))).toMatchObject({ users: [{ name: 'student', ssh_authorized_keys: specOf().seed.sshPublicKeys }] });
  const modes = await Promise.all([pool, join(pool, 'instances', instanceId), join(pool, 'instances', instanceId, 'run'), files.overlay, files.seed, join(pool, 'instances', instanceId, 'backing.json')].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)));
  expect(modes).toEqual(['711', '711', '700', '600', '600', '600']);
  expect(await store.instancesOnDisk()).toEqual([instanceId]);
});

test('a seed that an earlier release left open to all is closed when the pool is opened', async () => {
  await fetched(specOf());
  const { seed } = await store.createInstanceFiles(instanceId, specOf());
  await chmod(seed, 0o644);
  await fresh();
  expect((await stat(seed)).mode & 0o777).toBe(0o600);
});

test('over a complete image an instance lies on the plain file, and stays what it was made as', async () => {
  await fetched(specOf());
  const earlier = await store.createInstanceFiles(instanceId, specOf());
  await wholeDisk();
  const later = await store.createInstanceFiles(secondId, specOf());
  const data = join(pool, 'mirror', 'images', disk.id, 'data');
  expect(later.backing).toEqual({ kind: 'file', path: data, format: 'raw' });
  expect(info(later.overlay)).toMatchObject({ 'full-backing-filename': data, 'backing-filename-format': 'raw', 'virtual-size': 8 * MiB });
  expect(mirror.opened).toEqual([]);
  await fresh();
  expect(await store.filesOf(instanceId, specOf())).toEqual(earlier);
  expect(await store.filesOf(secondId, specOf())).toEqual(later);
});

test('after an unclean end of the host an instance on a plain file waits until every byte was hashed again and what rotted was brought anew; one over the mirror does not', async () => {
  await fetched(specOf());
  await store.createInstanceFiles(instanceId, specOf());
  await wholeDisk();
  const { backing } = await store.createInstanceFiles(secondId, specOf());
  const path = backing.kind === 'file' ? backing.path : '';
  await mirror.stop({ crash: true });
  const file = await open(path, 'r+');
  await file.write('rotten', 700_000);
  await file.close();
  mirror = await MirrorOfPool.start(pool, source, { bootId: 'boot-2' });

  source.isAway = true;
  await until(async () => (await store.missingImages(instanceId, specOf())).length === 0);
  expect((await store.missingImages(secondId, specOf())).map(({ manifest, need }) => [manifest, need])).toEqual([[disk.id, 'whole']]);
  source.isAway = false;
  await fetched(specOf(), secondId);
  expect((await readFile(path)).equals(disk.content)).toBe(true);
});

test('files and definition that are made side by side agree, whatever becomes of the image meanwhile', async () => {
  await fetched(specOf());
  const [made, defined] = await Promise.all([store.createInstanceFiles(instanceId, specOf()), wholeDisk().then(() => store.filesOf(instanceId, specOf()))]);
  expect(defined).toEqual(made);
});

test('what was chosen at an attempt that failed is not believed at the next: over an image that is not whole any more no plain file', async () => {
  const spec = specOf({ kernel: null });
  await fetched(spec);
  await wholeDisk();
  expect((await store.filesOf(instanceId, spec)).backing.kind).toBe('file');
  await mirror.stop({ crash: true });
  mirror = await MirrorOfPool.start(pool, source, { bootId: 'boot-2' });
  await expect(store.createInstanceFiles(instanceId, spec)).rejects.toMatchObject({ code: 'fetch-failed' });
  expect((await store.createInstanceFiles(instanceId, spec)).backing.kind).toBe('nbd');
});

test('a disk is as large as its image at least, an overlay that exists is kept, and removal leaves nothing', async () => {
  await fetched(specOf({ diskMiB: 1 }));
  const files = await store.createInstanceFiles(instanceId, specOf({ diskMiB: 1 }));
  expect(info(files.overlay)['virtual-size']).toBe(2 * MiB);
  await writeFile(files.overlay, 'work of a student');
  await store.createInstanceFiles(instanceId, specOf());
  expect(await readFile(files.overlay, 'utf8')).toBe('work of a student');
  await store.removeInstanceFiles(instanceId);
  await store.removeInstanceFiles(instanceId);
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test('files say of which epoch they are, those that do not are of the first, and what says nothing sensible is a fault', async () => {
  await fetched(specOf());
  await store.createInstanceFiles(instanceId, specOf({ diskEpoch: 3 }));
  await store.createInstanceFiles(secondId, specOf());
  expect([await store.diskEpoch(instanceId), await store.diskEpoch(secondId)]).toEqual([3, 1]);
  // What is there stays what it is, whatever is asked for.
  await store.createInstanceFiles(secondId, specOf({ diskEpoch: 2 }));
  expect(await store.diskEpoch(secondId)).toBe(1);
  const said = join(pool, 'instances', instanceId, 'epoch');
  await rm(said);
  expect(await store.diskEpoch(instanceId)).toBe(1);
  await writeFile(said, 'three\n');
  await expect(store.diskEpoch(instanceId)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining(said) as string });
});

test('a disk that is made to go on with RAM awaits it until it has come, and one that is there already never does', async () => {
  const ram = { ...refOf(kernel), manifest: kernel.id };
  const [spec, plain] = [specOf({ kernel: null, ramdisk: null, ram }), specOf({ kernel: null, ramdisk: null })];
  await fetched(plain);
  expect((await store.missingImages(instanceId, spec)).map(({ manifest, need }) => [manifest, need])).toEqual([[kernel.id, 'whole']]);
  await fetched(spec);
  expect(await store.missingImages(instanceId, spec)).toEqual([]);
  await store.createInstanceFiles(instanceId, spec);
  await store.createInstanceFiles(secondId, plain);
  await store.createInstanceFiles(secondId, spec);
  expect([await store.standing(instanceId), await store.standing(secondId)]).toMatchObject([{ files: true, awaitsRam: true }, { files: true, awaitsRam: false }]);
  expect(await readFile(await store.ramFile(instanceId, spec))).toEqual(kernel.content);
  await expect(store.ramFile(secondId, spec)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('made to go on with no RAM') as string });
  await expect(store.ramFile(instanceId, { ...spec, ram: { ...ram, manifest: 'd'.repeat(64) } })).rejects.toMatchObject({ code: 'failed' });
  await expect(store.ramFile(instanceId, plain)).rejects.toMatchObject({ code: 'failed' });
  // RAM is of no use any more once it was taken, whatever the order still names.
  await store.ramArrived(instanceId);
  await store.ramArrived(instanceId);
  expect(await store.standing(instanceId)).toMatchObject({ files: true, awaitsRam: false });
  await mirror.stop({ crash: true });
  mirror = await MirrorOfPool.start(pool, source, { bootId: 'boot-3' });
  expect((await store.missingImages(instanceId, spec)).map(({ manifest }) => manifest)).not.toContain(kernel.id);
  await expect(store.ramFile(instanceId, spec)).rejects.toMatchObject({ code: 'failed' });
});

test('removal takes everything in an instance’s directory, layers that others laid there too, and what is half made or half removed of it', async () => {
  await fetched(specOf());
  const directory = join(pool, 'instances', instanceId);
  expect(await store.standing(instanceId)).toEqual({ files: false, leftovers: false, awaitsRam: false });
  await store.createInstanceFiles(instanceId, specOf());
  await writeFile(join(directory, 'disk.0192f0c1.qcow2'), 'a layer');
  for (const half of ['.making-', '.removing-']) await mkdir(join(pool, 'instances', `${half}${instanceId}`, 'run'), { recursive: true });
  expect(await store.standing(instanceId)).toEqual({ files: true, leftovers: true, awaitsRam: false });
  await store.removeInstanceFiles(instanceId);
  expect(await store.standing(instanceId)).toEqual({ files: false, leftovers: false, awaitsRam: false });
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test('what is left half made is swept at a start, and not when the pool is opened again', async () => {
  const making = join(pool, 'instances', `.making-${instanceId}`);
  await mkdir(making);
  await store.open();
  expect(await readdir(join(pool, 'instances'))).toEqual([`.making-${instanceId}`]);
  await fresh();
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test.each([
  ['the site has no such image', { ...refOf(disk), manifest: 'f'.repeat(64) }, /no such image/],
  ['the master names no chunks of it', { imageId: instanceId, sha256: 'a'.repeat(64), sizeBytes: 1000, format: 'raw' as const }, /without its chunks.*Upgrade the master/],
])('an image that cannot come says why: %s', async (_, image, message) => {
  const [missing] = await store.missingImages(instanceId, specOf({ disk: image, kernel: null }));
  expect(missing).toEqual({ ...image, need: 'served' });
  await expect(store.fetchImage(image, () => undefined)).rejects.toMatchObject({ code: 'image-missing', message: expect.stringMatching(message) as string });
});

test('sources that are away and a mirror that does not answer are worth another attempt; a full pool is told', async () => {
  source.isAway = true;
  await expect(store.fetchImage(refOf(disk), () => undefined)).rejects.toMatchObject({ code: 'fetch-failed' });
  source.isAway = false;
  await fetched(specOf());
  await mirror.stop();
  expect(await store.missingImages(instanceId, specOf())).toHaveLength(2);
  await expect(store.fetchImage(refOf(disk), () => undefined)).rejects.toMatchObject({ code: 'fetch-failed', message: expect.stringContaining('systemctl status paravcl-mirror') as string });
  mirror = await MirrorOfPool.start(pool, source);
  await fresh({ reserveMiB: 1024 * 1024 * 1024 });
  await expect(store.createInstanceFiles(instanceId, specOf())).rejects.toMatchObject({ code: 'no-room', message: expect.stringMatching(/MiB free/) as string });
  expect(await readdir(join(pool, 'instances'))).toEqual([]);
});

test('the mirror is told of the phases of guests that read through it, and of no others', async () => {
  await fetched(specOf());
  await store.createInstanceFiles(instanceId, specOf());
  await wholeDisk();
  await store.createInstanceFiles(secondId, specOf());
  store.tellPhase(secondId, 'application');
  store.tellPhase(instanceId, 'application');
  await until(() => mirror.phases.length > 0);
  expect(mirror.phases).toEqual([[instanceId, 'application']]);
  await mirror.stop();
  store.tellPhase(instanceId, 'shutdown');
  await until(() => faults.length > 0);
  mirror = await MirrorOfPool.start(pool, source);
});

describe('an instance that an earlier release made', () => {
  const file = `${createHash('sha256').update(disk.content).digest('hex')}.raw`;
  const spec = specOf({ kernel: null });

  beforeEach(async () => {
    await mkdir(join(pool, 'images'));
    await mkdir(join(pool, 'instances', instanceId));
    await writeFile(join(pool, 'images', file), disk.content);
    await writeFile(join(pool, 'images', `${'b'.repeat(64)}.raw`), 'held by nobody');
    await writeFile(join(pool, 'instances', instanceId, 'images'), `${file}\n`);
    await fresh();
  });

  test('goes on over the file it was made of, which goes with the last such instance', async () => {
    expect(await readdir(join(pool, 'images'))).toEqual([file]);
    // Its files are open to all, and its name is told to whoever may launch it.
    expect((await stat(join(pool, 'images'))).mode & 0o7777).toBe(0o710);
    expect((await store.filesOf(instanceId, spec)).backing).toEqual({ kind: 'file', path: join(pool, 'images', file), format: 'raw' });
    expect(await store.missingImages(instanceId, spec)).toEqual([]);
    expect(source.open.size).toBe(0);
    await store.removeInstanceFiles(instanceId);
    expect((await readdir(pool)).sort()).toEqual(['instances', 'mirror']);
  });

  test('is not started over a file that rotted, and says so; under the same boot the file was hashed once', async () => {
    expect(await store.missingImages(instanceId, spec)).toEqual([]);
    await writeFile(join(pool, 'images', file), 'rotten');
    expect(await store.missingImages(instanceId, spec)).toEqual([]);
    await fresh({ hostBootId: 'boot-2' });
    const [missing] = await store.missingImages(instanceId, spec);
    if (missing === undefined) throw new Error('nothing is missing');
    await expect(store.fetchImage(missing, () => undefined)).rejects.toMatchObject({ code: 'image-missing', message: expect.stringMatching(/earlier release, is gone or damaged/) as string });
  });

  test('keeps every such file while its list cannot be read', async () => {
    await writeFile(join(pool, 'images', `${'b'.repeat(64)}.raw`), 'held by nobody');
    await writeFile(join(pool, 'instances', instanceId, 'images'), 'abc');
    await fresh();
    expect(await readdir(join(pool, 'images'))).toHaveLength(2);
    expect(faults).toEqual([expect.objectContaining({ message: expect.stringContaining('cannot be read') as string })]);
  });
});

test('the end of the serial log is read across its rotation', async () => {
  await fetched(specOf());
  const { serialLog } = await store.createInstanceFiles(instanceId, specOf());
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

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('It did not come to that.');
    await sleep(systemClock, 10);
  }
}
