import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { sendSignal } from '@paravcl/workbench/process/send-signal';
import { buildSync } from 'esbuild';
import { readQemuOwner } from '../../src/describe/qemu-account';
import { readLayers } from '../../src/disks/layers-file';
import { MirrorClient } from '../../src/disks/mirror-client';
import { PoolDiskSnapshots } from '../../src/disks/pool-disk-snapshots';
import { PoolDiskStore } from '../../src/disks/pool-disk-store';
import type { DiskSwitch, SwitchedDisk } from '../../src/hypervisor/driver';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { applyDelta } from '../fixtures/apply-delta';
import { demoGuestImages } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { countsOf, virsh } from '../fixtures/real-host';

jest.setTimeout(300_000);

/** Block of the disk that a guest writes first. */
const firstMark = 2000;
const blockBytes = 4096;
/** A first process that writes one block after another, and counts what its disk has confirmed. */
const writesForever =
  'rdinit=/bin/sh console=ttyS0 quiet -- -c "mount -t devtmpfs dev /dev; exec </dev/console >/dev/console 2>&1; ' +
  'while read -r m; do insmod /lib/modules/$m; done </lib/modules/load-order; ' +
  `i=1; while [ $i -lt 14000 ]; do echo mark $i | dd of=/dev/vda bs=4k seek=$((${firstMark}+i)) conv=sync,fsync 2>/dev/null && echo count $i; sleep 0.05; i=$((i+1)); done"`;

const network = { name: 'pv-snap', bridge: 'pvsnap0', gateway: '10.94.0.1', prefix: 16 };
const slaveId = newId(1);
const run = (program: string, ...args: readonly string[]) => promisify(execFile)(program, [...args], { env: { ...process.env, LC_ALL: 'C' }, timeout: 60_000 });

let directory: string;
let pool: string;
let image: Buffer;
let refs: Awaited<ReturnType<typeof demoGuestImages>>['refs'];
let mirror: MirrorOfPool;
let store: PoolDiskStore;
let driver: LibvirtDriver;
let snapshots: PoolDiskSnapshots;
const faults: unknown[] = [];
const guests: { readonly instanceId: string; readonly spec: InstanceSpec }[] = [];
type Guest = (typeof guests)[number];

const onFault = (error: unknown): void => void faults.push(error);
const fresh = (): PoolDiskSnapshots => new PoolDiskSnapshots({ directory: pool, reserveMiB: 16, driver, mirror: new MirrorClient(pool), clock: systemClock, onFault });

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test makes domains and networks: run it inside a private host (npm test does).');
  directory = await mkdtemp(join(tmpdir(), 'paravcl-snapshots-'));
  await chmod(directory, 0o711);
  pool = join(directory, 'pool');
  const [guest, images] = await Promise.all([buildDemoGuest(), demoGuestImages()]);
  image = await readFile(guest.disk.path);
  ({ refs } = images);
  mirror = await MirrorOfPool.start(pool, images.source);
  store = new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 16, qemuOwner: await readQemuOwner(), clock: systemClock, hostBootId: 'boot-1', onFault });
  await store.open();
  driver = new LibvirtDriver({ type: 'qemu', slaveId, clock: systemClock });
  await driver.open();
  await driver.ensureNetwork(network);
  snapshots = fresh();
});

afterEach(async () => {
  for (const { instanceId } of guests.splice(0)) {
    await driver.destroy(instanceId).catch(() => undefined);
    await driver.undefine(instanceId).catch(() => undefined);
    await store.removeInstanceFiles(instanceId);
  }
  faults.length = 0;
});

afterAll(async () => {
  await driver.close();
  await mirror.stop();
  for (const verb of ['net-destroy', 'net-undefine']) virsh(verb, '--', network.name);
  await rm(directory, { recursive: true, force: true });
});

async function until(what: string, holds: () => Promise<boolean> | boolean, patienceMs = 90_000): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}; ${faults.map(String).join('; ')}`);
    await sleep(systemClock, 20);
  }
}

async function define({ instanceId, spec }: Guest, generation = 1): Promise<void> {
  const { name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments } = spec;
  await driver.define({ instanceId, generation, name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments, files: await store.filesOf(instanceId, spec) });
}

async function started(count: number): Promise<readonly Guest[]> {
  const made = Array.from({ length: count }, (_, number): Guest => {
    const name = `i-snap-${number}`;
    return { instanceId: newId(Date.now()), spec: { name, vcpus: 1, ramMiB: 96, diskMiB: 64, ...refs, kernelArguments: writesForever, mac: `00:16:3e:00:0a:0${number}`, address: `10.94.0.2${number}`, bandwidthMbps: null, seed: { hostname: name, user: '', sshPublicKeys: [] } } };
  });
  guests.push(...made);
  for (const guest of made) {
    for (const needed of await store.missingImages(guest.instanceId, guest.spec)) await store.fetchImage(needed, () => undefined);
    await store.createInstanceFiles(guest.instanceId, guest.spec);
    await define(guest);
    await driver.start(guest.instanceId);
  }
  for (const guest of made) await counts(guest, 3);
  return made;
}

const path = (guest: Guest, name: string): string => join(pool, 'instances', guest.instanceId, name);
const counted = async (guest: Guest): Promise<readonly number[]> => countsOf(await readFile(path(guest, 'serial.log'), 'utf8'));
/** Waits until it has counted so many times more; answers the last count. */
async function counts(guest: Guest, more: number): Promise<number> {
  const before = (await counted(guest)).length;
  await until(`${guest.spec.name} counts on`, async () => (await counted(guest)).length >= before + more);
  return (await counted(guest)).at(-1) ?? 0;
}
const wish = ({ instanceId, spec }: Guest, bases: readonly string[] = [spec.disk.manifest ?? '']) => ({ instanceId, generation: 1, bases: [...bases], spec });
const layersOf = async (guest: Guest): Promise<readonly string[]> => (await readLayers(path(guest, '')))?.layers ?? [];

/** What a layer and all below it hold, read by QEMU’s own tool. */
async function heldBy(file: string): Promise<Buffer> {
  const copy = join(directory, 'copy.raw');
  await run('qemu-img', 'convert', '--force-share', '-f', 'qcow2', '-O', 'raw', '--', file, copy);
  return readFile(copy);
}

async function rebuilt(snapshotId: string, { instanceId }: Guest, base: Buffer): Promise<Buffer> {
  return applyDelta(base, await readFile((await snapshots.delta(snapshotId, instanceId)).path)).content;
}

/** The last block up to which all are there; what follows it was never written. */
function lastMark(content: Buffer): number {
  for (let mark = 1; ; mark += 1) {
    const at = (firstMark + mark) * blockBytes;
    if (!content.subarray(at, at + 16).toString('latin1').startsWith(`mark ${mark}\n`)) return mark - 1;
  }
}

test('guests that write all the time are frozen together, what each had confirmed is in its delta, and each goes on', async () => {
  const all = await started(3);
  const snapshotId = newId(Date.now());
  const before = await Promise.all(all.map(async (guest) => (await counted(guest)).at(-1) ?? 0));
  const frozen = await snapshots.freeze(snapshotId, all.map((guest) => wish(guest)));
  const after = await Promise.all(all.map(async (guest) => (await counted(guest)).at(-1) ?? 0));
  expect(frozen).toEqual(all.map(({ instanceId, spec }) => ({ instanceId, ok: true, how: 'running', quiesced: false, base: spec.disk.manifest, sizeBytes: 64 * 1024 * 1024 })));
  for (const [index, guest] of all.entries()) {
    await counts(guest, 3);
    const content = await rebuilt(snapshotId, guest, image);
    expect(content.equals(await heldBy(path(guest, 'overlay.qcow2')))).toBe(true);
    expect(lastMark(content)).toBeGreaterThanOrEqual(before[index] ?? 0);
    // One more may have been on its way to the console.
    expect(lastMark(content)).toBeLessThanOrEqual((after[index] ?? 0) + 1);
  }
  expect(faults).toEqual([]);
});

test('a second snapshot is small, layers are merged under the guest, and suspend, resume, stop and start go on over them', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const { instanceId, spec } = guest;
  const [first, second, third] = [newId(1), newId(2), newId(3)];
  const manifest = 'a'.repeat(64);
  await snapshots.freeze(first, [wish(guest)]);
  const content = await rebuilt(first, guest, image);
  await snapshots.end(first, instanceId, manifest);
  const mark = await counts(guest, 3);

  expect(await snapshots.freeze(second, [wish(guest, [spec.disk.manifest ?? '', manifest])])).toMatchObject([{ ok: true, base: manifest }]);
  const { dirtiedBytes } = await snapshots.delta(second, instanceId);
  const next = await rebuilt(second, guest, content);
  expect(next.equals(await heldBy(path(guest, 'layer-1.qcow2')))).toBe(true);
  expect(lastMark(next)).toBeGreaterThanOrEqual(mark);
  expect(dirtiedBytes).toBe((lastMark(next) - lastMark(content)) * blockBytes);
  await snapshots.end(second, instanceId, 'b'.repeat(64));
  expect(await layersOf(guest)).toEqual(['overlay.qcow2', 'layer-2.qcow2']);
  expect((await readdir(path(guest, ''))).filter((name) => /^(layer|delta)-/.test(name))).toEqual(['layer-2.qcow2']);
  expect((await heldBy(path(guest, 'overlay.qcow2'))).equals(next)).toBe(true);

  const saved = await counts(guest, 2);
  await driver.save(instanceId);
  expect(await snapshots.freeze(third, [wish(guest)])).toMatchObject([{ ok: true, how: 'saved' }]);
  expect((await rebuilt(third, guest, image)).equals(await heldBy(path(guest, 'layer-2.qcow2')))).toBe(true);
  await driver.start(instanceId);
  expect(await counts(guest, 2)).toBeGreaterThan(saved);
  await snapshots.end(third, instanceId, null);

  await driver.destroy(instanceId);
  const [fourth, fifth] = [newId(4), newId(5)];
  expect(await snapshots.freeze(fourth, [wish(guest)])).toMatchObject([{ ok: true, how: 'off' }]);
  expect(lastMark(await rebuilt(fourth, guest, image))).toBeGreaterThan(saved);
  await define(guest, 2);
  await driver.start(instanceId);
  await until('it boots afresh', async () => ((await counted(guest)).at(-1) ?? 0) < saved);
  await snapshots.freeze(fifth, [wish(guest)]);
  await snapshots.end(fourth, instanceId, null);
  await snapshots.end(fifth, instanceId, null);
  await counts(guest, 2);
  expect(faults).toEqual([]);
});

test('two snapshots of one disk at once each hold what it held at their own moment', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const [first, second] = [newId(1), newId(2)];
  await snapshots.freeze(first, [wish(guest)]);
  const between = await counts(guest, 3);
  await snapshots.freeze(second, [wish(guest)]);
  await counts(guest, 1);
  const [earlier, later] = [await rebuilt(first, guest, image), await rebuilt(second, guest, image)];
  expect(earlier.equals(await heldBy(path(guest, 'overlay.qcow2')))).toBe(true);
  expect(later.equals(await heldBy(path(guest, 'layer-1.qcow2')))).toBe(true);
  expect(lastMark(earlier)).toBeLessThan(between);
  expect(lastMark(later)).toBeGreaterThanOrEqual(between);
  for (const [snapshotId, manifest] of [[second, 'b'.repeat(64)], [first, 'a'.repeat(64)]] as const) await snapshots.end(snapshotId, guest.instanceId, manifest);
  expect(await layersOf(guest)).toEqual(['overlay.qcow2', 'layer-2.qcow2']);
  await counts(guest, 2);
});

/** Kills the process and waits until it is gone. */
async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'close');
  if (child.pid !== undefined) sendSignal(child.pid, 'SIGKILL');
  await gone;
}

test('whatever a process that is killed again and again was at, the guest loses nothing and the next process goes on', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const script = join(directory, 'snapshot-process.js');
  buildSync({ entryPoints: [join(__dirname, '../fixtures/snapshot-process.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: script, logLevel: 'error' });
  const said: string[] = [];
  for (let kills = 0; kills < 8; kills += 1) {
    const child = spawn(process.execPath, [script, pool, slaveId, JSON.stringify(wish(guest)), JSON.stringify(network)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter((line) => line !== '')));
    // A moment after one of its words, another one each time, so that it meets each of its acts.
    const word = ['freeze', 'frozen', 'delta', 'ended'][kills % 4] ?? '';
    await until(`it says ${word}`, () => lines.filter((line) => line.startsWith(word)).length > (kills % 3), 60_000);
    await sleep(systemClock, (kills * 37) % 90);
    await killed(child);
    said.push(...lines);
    await until('libvirt has ended what was asked of it', () => virsh('blockjob', guest.instanceId, 'vda', '--info', '--raw') === '', 30_000);
    await counts(guest, 2);
  }
  expect(said.filter((line) => /^(refused|fault)/.test(line))).toEqual([]);
  expect(said.filter((line) => line.startsWith('ended')).length).toBeGreaterThan(4);

  snapshots = fresh();
  await snapshots.recover();
  for (const { snapshotId } of (await readLayers(path(guest, '')))?.snapshots ?? []) await snapshots.end(snapshotId, guest.instanceId, null);
  const last = newId(1);
  const mark = await counts(guest, 1);
  expect(await snapshots.freeze(last, [wish(guest)])).toMatchObject([{ ok: true, how: 'running' }]);
  const frozenTop = (await layersOf(guest)).at(-2) ?? '';
  const content = await rebuilt(last, guest, image);
  expect(content.equals(await heldBy(path(guest, frozenTop)))).toBe(true);
  expect(lastMark(content)).toBeGreaterThanOrEqual(mark);
  await snapshots.end(last, guest.instanceId, null);
  const { layers } = (await readLayers(path(guest, ''))) ?? { layers: [] };
  expect(layers.length).toBeLessThanOrEqual(3);
  expect((await readdir(path(guest, ''))).filter((name) => /^(layer|delta)-/.test(name)).sort()).toEqual(layers.filter((name) => name !== 'overlay.qcow2').sort());
  expect((await driver.diskChain(guest.instanceId))[0]).toBe(path(guest, layers.at(-1) ?? ''));
});

/** Meets libvirtd in the midst of a switch. */
class MeetingDriver extends LibvirtDriver {
  meeting: (() => Promise<void>) | null = null;

  override async switchDisks(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    const meeting = this.meeting?.();
    const answers = await super.switchDisks(switches);
    await meeting;
    return answers;
  }
}

test('a libvirtd that is killed while it switches leaves a guest whose disk loses nothing, also after its power was taken', async () => {
  const [guest] = await started(1);
  if (guest === undefined) throw new Error('no guest');
  const meets = new MeetingDriver({ type: 'qemu', slaveId, clock: systemClock });
  await meets.open();
  await meets.ensureNetwork(network);
  snapshots = new PoolDiskSnapshots({ directory: pool, reserveMiB: 16, driver: meets, mirror: new MirrorClient(pool), clock: systemClock, onFault });
  const outcomes: boolean[] = [];
  for (let kills = 0; kills < 10; kills += 1) {
    meets.meeting = async () => {
      const daemon = execFileSync('pgrep', ['-o', '-x', 'libvirtd'], { encoding: 'utf8' }).trim();
      await sleep(systemClock, 15 + kills * 15);
      sendSignal(Number(daemon), 'SIGKILL');
      await until('it is gone', () => !spawnSync('pgrep', ['-x', 'libvirtd'], { encoding: 'utf8' }).stdout.split('\n').includes(daemon), 10_000);
      execFileSync('libvirtd', ['-d']);
    };
    const [frozen] = await snapshots.freeze(newId(10 + kills), [wish(guest)]);
    outcomes.push(frozen?.ok === true);
    await until('libvirt answers', () => driver.find(guest.instanceId).then(() => true, () => false), 30_000);
    await counts(guest, 2);
  }
  await meets.close();
  snapshots = fresh();
  const mark = await counts(guest, 2);
  await driver.destroy(guest.instanceId);
  await snapshots.recover();
  const { layers, snapshots: open } = (await readLayers(path(guest, ''))) ?? { layers: [], snapshots: [] };
  const top = path(guest, layers.at(-1) ?? '');
  expect((await driver.diskChain(guest.instanceId))[0]).toBe(top);
  expect(lastMark(await heldBy(top))).toBeGreaterThanOrEqual(mark);
  // Whatever was answered as frozen is.
  expect(open).toHaveLength(outcomes.filter((isFrozen) => isFrozen).length);
  for (const [index, { snapshotId, upTo }] of open.entries()) {
    const content = await rebuilt(snapshotId, guest, image);
    expect(content.equals(await heldBy(path(guest, layers[upTo - 1] ?? '')))).toBe(true);
    expect(lastMark(content)).toBeGreaterThan(index);
  }
  // A switch was broken off at least once, else this has shown nothing.
  expect(outcomes).toContain(false);
  await driver.start(guest.instanceId);
  await until('it boots afresh', async () => ((await counted(guest)).at(-1) ?? 0) < mark);
});
