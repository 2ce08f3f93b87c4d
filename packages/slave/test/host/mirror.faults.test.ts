import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunkCount } from '@paravcl/shared/chunks/manifest';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { Daemon } from '@paravcl/workbench/process/daemon';
import { buildSync } from 'esbuild';
import { MirrorClient } from '../../src/disks/mirror-client';
import { demoGuestImages, imageRef, type DemoGuestImages } from '../fixtures/demo-guest-images';
import { realHost, virsh } from '../fixtures/real-host';
import { imageOf, testContent } from '../fixtures/test-image';

/** Real guests under a real agent, which read their disk through a real mirror; only its source is the test's. */
jest.setTimeout(300_000);

const diskMiB = 24;
const disk = imageOf(testContent(diskMiB * 1024 * 1024, 5));
/** Chunks that are not zeros. */
const chunks = Math.ceil(chunkCount(disk.manifest) * (4 / 5));
const expected = createHash('sha256').update(disk.content).digest('hex');

/** A first process that reads its whole disk again and again, each time from the disk, and prints what it read. */
const readEverything =
  'rdinit=/bin/sh console=ttyS0 quiet -- -c "mount -t devtmpfs dev /dev; mount -t proc proc /proc; exec </dev/console >/dev/console 2>&1; ' +
  'while read -r m; do insmod /lib/modules/$m; done </lib/modules/load-order; ' +
  'i=1; while [ $i -gt 0 ]; do echo 3 >/proc/sys/vm/drop_caches; echo reading $i; echo read $i $(busybox sha256sum /dev/vda); sleep 1; i=$((i+1)); done"';

type Rig = Awaited<ReturnType<typeof realHost>>;
let directory: string;
let script: string;
let content: string;
let further: readonly string[];
let images: Pick<DemoGuestImages, 'refs'>;
let rig: Rig;
let mirror: Daemon | null = null;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paravcl-mirror-'));
  script = join(directory, 'mirror-process.js');
  buildSync({ entryPoints: [join(__dirname, '../fixtures/mirror-process.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: script, logLevel: 'error' });
  content = join(directory, 'disk.raw');
  await writeFile(content, disk.content);
  const [guest, { refs }] = await Promise.all([buildDemoGuest(), demoGuestImages()]);
  further = [guest.kernel.path, guest.ramdisk.path];
  images = { refs: { ...refs, disk: imageRef(disk, 1) } };
});
afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  await Promise.all(['fetched', 'fetched.away'].map((name) => rm(join(directory, name), { force: true })));
  await writeFile(join(directory, 'fetched'), '');
  rig = await realHost(5, { images, spec: { diskMiB, kernelArguments: readEverything } });
});
afterEach(async () => {
  await rig.cleanUp();
  await mirror?.stop();
  mirror = null;
});

const words = (): readonly string[] => readFileSync(join(directory, 'fetched'), 'utf8').split('\n').filter((word) => word !== '');
const fetched = (): number => new Set(words().filter((word) => word !== 'serves')).size;

async function startMirror(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const times = words().filter((word) => word === 'serves').length;
  const daemon = Daemon.start({ name: 'mirror', script, args: [rig.pool, content, join(directory, 'fetched'), ...further], logFile: join(directory, 'mirror.log'), env: { MIRROR_CHUNK_MS: '10', ...env } });
  mirror = daemon;
  await eventually('the mirror', 20_000, () => {
    daemon.checkAlive();
    return words().filter((word) => word === 'serves').length > times ? true : undefined;
  });
}

async function killMirror(): Promise<void> {
  mirror?.kill('SIGKILL');
  await eventually('its end', 5000, () => (mirror?.isRunning() === true ? undefined : true), { everyMs: 5 });
}

const serial = (): Promise<string> => rig.serial().catch(() => '');
const states = (): string => virsh('domstate', '--reason', '--', rig.instanceId);
/** What the guest read, each time it did. */
const reads = async (): Promise<readonly string[]> => [...(await serial()).matchAll(/^read \d+ ([0-9a-f]{64}) /gm)].map((match) => match[1] ?? '');
const begins = (): Promise<true> => eventually('the guest to read', 90_000, async () => ((await serial()).includes('reading 1') ? true : undefined));
const midRead = (): Promise<true> => eventually('the middle of its reading', 60_000, () => (fetched() >= chunks / 4 ? true : undefined), { everyMs: 5 });
/** A guest is in the middle of its reading, from an image that is not here yet. */
async function readingFromMirror(): Promise<void> {
  await startMirror();
  await rig.startAgent();
  rig.welcome();
  rig.order(1, 'running');
  await begins();
  await midRead();
}

/** It read its whole disk once more, and never anything wrong. */
async function readsRight(): Promise<void> {
  const before = (await reads()).length;
  await eventually('the guest to have read its disk', 120_000, async () => ((await reads()).length > before ? true : undefined));
  expect(new Set(await reads())).toEqual(new Set([expected]));
}

test('a guest boots from an image that is not here yet; its mirror is killed in the middle and started again, and it reads on, every byte right; so it does after a save in mid-read', async () => {
  await startMirror();
  await rig.startAgent();
  rig.welcome();
  rig.order(1, 'running');
  await begins();
  expect(virsh('dumpxml', '--', rig.instanceId)).toContain(`name='${disk.id}.${rig.instanceId}'`);
  await midRead();
  await killMirror();
  expect(fetched()).toBeLessThan(chunks);
  await startMirror();
  await readsRight();
  expect(states()).toMatch(/^running/);
  expect((await readFile(join(rig.pool, 'mirror', 'images', disk.id, 'data'))).equals(disk.content)).toBe(true);

  // Everything the mirror had is lost: the guest's next reading brings it anew.
  await killMirror();
  await rm(join(rig.pool, 'mirror'), { recursive: true });
  await writeFile(join(directory, 'fetched'), '');
  await startMirror();
  await midRead();
  rig.order(2, 'suspended');
  await rig.reaches('suspended');
  rig.order(3, 'running');
  await rig.reaches('running');
  await readsRight();
});

test('while one guest runs its mirror is started anew, and another guest starts from the same kernel', async () => {
  await readingFromMirror();
  await killMirror();
  await startMirror();
  const other = rig.another();
  await eventually('the other guest to boot', 90_000, () => {
    if (other.seen()?.reason != null) throw new Error(other.seen()?.reason?.sentence);
    return other.seen()?.state === 'booting' ? true : undefined;
  });
  await readsRight();
});

test('a guest whose mirror was away for long is paused and names it; it goes on once QEMU has found the mirror again, which takes 16 seconds at most', async () => {
  await readingFromMirror();
  await killMirror();
  const resumes = (): number => rig.said.filter((line) => line.includes('"step":"resume-disk"')).length;
  await eventually('paused', 60_000, () => (states() === 'paused (I/O error)' ? true : undefined));
  // By its doubling pauses the agent has waited 15 seconds then, and QEMU tries the socket as seldom as it ever does.
  await eventually('continued in vain', 60_000, () => (resumes() >= 6 ? true : undefined));
  await eventually('told', 10_000, () => (rig.seen()?.reason?.sentence.includes('the mirror of this host, through which it reads') === true ? true : undefined));
  expect(rig.seen()?.reason?.sentence).toMatch(/does not answer; it goes on by itself once it does/);
  const [had, tried] = [fetched(), resumes()];
  await startMirror();
  // A second until the agent has asked it, sixteen for QEMU, a second until the guest is continued next.
  await eventually('the guest to read on', 20_000, () => (fetched() > had ? true : undefined));
  expect(resumes()).toBeGreaterThan(tried);
  await readsRight();
  expect(states()).toMatch(/^running/);
});

test('while every source is away its guest is paused and says why; when one is back it goes on by itself', async () => {
  await readingFromMirror();
  await writeFile(join(directory, 'fetched.away'), '');
  await eventually('paused', 90_000, () => (states() === 'paused (I/O error)' ? true : undefined));
  // Half a minute after the mirror was back from the test before this one, that is still taken for the cause.
  await eventually('told', 60_000, () => (rig.seen()?.reason?.sentence.includes('nobody can give it a part of its image') === true ? true : undefined));
  // It is continued in vain, and paused again.
  await eventually('tried', 60_000, () => (states().startsWith('running') ? true : undefined));
  await eventually('paused again', 90_000, () => (states() === 'paused (I/O error)' ? true : undefined));
  expect(await reads()).toEqual([]);
  await unlink(join(directory, 'fetched.away'));
  await readsRight();
  expect(states()).toMatch(/^running/);
});

test('over a complete image a guest needs no mirror once it runs; after an unclean end of the host it starts only when every byte was hashed again', async () => {
  await startMirror({ MIRROR_CHUNK_MS: '0' });
  const client = new MirrorClient(rig.pool);
  const complete = (): Promise<true> => eventually('the whole image', 60_000, async () => ((await client.ask(disk.id, 'whole')).complete ? true : undefined));
  await complete();
  await rig.startAgent();
  rig.welcome();
  rig.order(1, 'running');
  await begins();
  expect(virsh('dumpxml', '--', rig.instanceId)).not.toContain('nbd');
  await killMirror();
  await readsRight();

  // The host loses its power, and a chunk.
  await rig.endAgent();
  virsh('destroy', '--', rig.instanceId);
  const data = join(rig.pool, 'mirror', 'images', disk.id, 'data');
  const file = await open(data, 'r+');
  await file.write('rotten', 3_000_000);
  await file.close();
  await writeFile(join(directory, 'fetched.away'), '');
  await startMirror({ MIRROR_BOOT_ID: 'boot-2' });
  await rig.startAgent('boot-2');
  rig.welcome();
  await eventually('the mirror hashed it', 60_000, async () => {
    const { presentChunks, totalChunks } = await client.ask(disk.id, 'whole');
    return presentChunks === totalChunks - 1 ? true : undefined;
  });
  expect(states()).toMatch(/^shut off/);
  expect(existsSync(join(directory, 'fetched.away'))).toBe(true);
  const before = (await reads()).length;
  await unlink(join(directory, 'fetched.away'));
  await eventually('it runs again', 60_000, () => (states().startsWith('running') ? true : undefined));
  expect(readFileSync(data).equals(disk.content)).toBe(true);
  await eventually('the guest to have read its disk', 120_000, async () => ((await reads()).length > before ? true : undefined));
  expect(new Set(await reads())).toEqual(new Set([expected]));
});
