import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
import { MirrorClient } from '../../src/disks/mirror-client';
import { PoolDiskSnapshots } from '../../src/disks/pool-disk-snapshots';
import { PoolDiskStore } from '../../src/disks/pool-disk-store';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { applyDelta } from '../fixtures/apply-delta';
import { demoGuestImages, imageRef } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { countsOf, realHost, virsh } from '../fixtures/real-host';
import { HonestSource, imageOf } from '../fixtures/test-image';

jest.setTimeout(300_000);

const run = promisify(execFile);
const saves = '/var/lib/libvirt/qemu/save';
const network = { name: 'pv-ram', bridge: 'pvram0', gateway: '10.97.0.1', prefix: 16 };
const instanceId = newId(Date.now());
const onFault = (error: unknown): void => void faults.push(error);
const faults: unknown[] = [];
let directory: string;
/** What the store has of the guest that was saved: images, the last count it had come to, and how it is ordered elsewhere. */
let source: HonestSource;
let savedCount: number;
let moved: InstanceSpec;

/** Counts in its RAM, and writes each count to its disk first. */
const countsForever =
  'rdinit=/bin/sh console=ttyS0 quiet -- -c "mount -t devtmpfs dev /dev; exec </dev/console >/dev/console 2>&1; ' +
  'while read -r m; do insmod /lib/modules/$m; done </lib/modules/load-order; ' +
  'i=1; while [ $i -lt 9000 ]; do echo mark $i | dd of=/dev/vda bs=4k seek=$((2000+i)) conv=sync,fsync 2>/dev/null && echo count $i; sleep 0.1; i=$((i+1)); done"';

async function until(what: string, holds: () => Promise<boolean> | boolean, patienceMs = 90_000): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}; ${faults.map(String).join('; ')}`);
    await sleep(systemClock, 20);
  }
}

/** A pool with its mirror and its own driver: a slave's, but for its agent. */
async function slave(pool: string, from: HonestSource) {
  const slaveId = newId(Date.now());
  const mirror = await MirrorOfPool.start(pool, from);
  const store = new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 16, qemuOwner: await readQemuOwner(), clock: systemClock, hostBootId: 'boot-1', onFault });
  await store.open();
  const driver = new LibvirtDriver({ type: 'qemu', slaveId, clock: systemClock });
  await driver.open();
  await driver.ensureNetwork(network);
  const counted = async (): Promise<readonly number[]> => countsOf(await readFile(join(pool, 'instances', instanceId, 'serial.log'), 'utf8').catch(() => ''));
  const make = async (spec: InstanceSpec): Promise<void> => {
    for (const needed of await store.missingImages(instanceId, spec)) await store.fetchImage(needed, () => undefined);
    const files = await store.createInstanceFiles(instanceId, spec);
    const { name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments } = spec;
    await driver.define({ instanceId, generation: 1, name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments, files });
  };
  const counts = async (more: number): Promise<number> => {
    const before = (await counted()).length;
    await until('it counts on', async () => (await counted()).length >= before + more);
    return (await counted()).at(-1) ?? 0;
  };
  const remove = async (): Promise<void> => {
    await driver.destroy(instanceId).catch(() => undefined);
    await driver.undefine(instanceId);
    await store.removeInstanceFiles(instanceId);
  };
  const end = async (): Promise<void> => {
    await remove().catch(() => undefined);
    await driver.close();
    await mirror.stop();
  };
  return { slaveId, store, driver, counted, counts, make, remove, end };
}

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test makes domains and networks: run it inside a private host (npm test does).');
  directory = await mkdtemp(join(tmpdir(), 'paravcl-ram-'));
  await chmod(directory, 0o711);
  const pool = join(directory, 'first');
  const [guest, images] = await Promise.all([buildDemoGuest(), demoGuestImages()]);
  const { store, driver, counts, make, end } = await slave(pool, images.source);
  const name = 'i-ram-1';
  const spec: InstanceSpec = { name, vcpus: 1, ramMiB: 96, diskMiB: 64, ...images.refs, kernelArguments: countsForever, mac: '00:16:3e:00:0b:01', address: '10.97.0.21', bandwidthMbps: null, seed: { hostname: name, user: '', sshPublicKeys: [] } };
  await make(spec);
  await driver.start(instanceId);
  await counts(5);
  await driver.save(instanceId);
  const snapshotId = newId(1);
  const snapshots = new PoolDiskSnapshots({ directory: pool, reserveMiB: 16, driver, mirror: new MirrorClient(pool), clock: systemClock, onFault });
  const wish = { instanceId, generation: 1, bases: [spec.disk.manifest ?? ''], spec, ram: true };
  const [frozen] = await snapshots.freeze(snapshotId, [wish]);
  if (frozen?.ok !== true || frozen.ramBytes === undefined) throw new Error(`not frozen: ${JSON.stringify(frozen)}`);
  savedCount = countsOf(await readFile(join(pool, 'instances', instanceId, 'serial.log'), 'utf8')).at(-1) ?? 0;
  // It goes on meanwhile: what is sent is what it was.
  await driver.start(instanceId);
  await counts(2);
  const [base, disk, ram] = [await readFile(guest.disk.path), await snapshots.delta(snapshotId, instanceId), await snapshots.delta(snapshotId, instanceId, 'ram')];
  const [diskImage, ramImage] = [imageOf(applyDelta(base, await readFile(disk.path)).content), imageOf(applyDelta(Buffer.alloc(0), await readFile(ram.path)).content)];
  expect(ramImage.content).toHaveLength(frozen.ramBytes);
  await snapshots.end(snapshotId, instanceId, null);
  expect(await store.standing(instanceId)).toMatchObject({ files: true, awaitsRam: false });
  await end();
  const [kernel, ramdisk] = await Promise.all([guest.kernel, guest.ramdisk].map(async ({ path }) => imageOf(await readFile(path))));
  if (kernel === undefined || ramdisk === undefined) throw new Error('no guest');
  source = new HonestSource(diskImage, ramImage, kernel, ramdisk);
  moved = { ...spec, disk: imageRef(diskImage, 11), ram: imageRef(ramImage, 12), diskEpoch: 2 };
});

afterAll(async () => {
  for (const verb of ['net-destroy', 'net-undefine']) spawnSync('virsh', ['--quiet', '--connect', 'qemu:///system', verb, '--', network.name]);
  await rm(directory, { recursive: true, force: true });
});

/** Never booted since: its counter has only gone on. */
function goesOn(counts: readonly number[]): void {
  expect(counts.length).toBeGreaterThan(0);
  expect(counts[0]).toBeGreaterThanOrEqual(savedCount);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
}

test('an agent of another slave has it suspended as it is, brings its RAM, and the guest goes on where it was', async () => {
  const { kernel, ramdisk } = moved;
  if (kernel === null || ramdisk === null) throw new Error('no guest');
  const host = await realHost(7, { images: { refs: { disk: moved.disk, kernel, ramdisk } }, spec: moved, instanceId });
  const mirror = await MirrorOfPool.start(host.pool, source);
  try {
    await host.startAgent();
    host.welcome();
    host.order(1, 'suspended', null, 2);
    await host.reaches('suspended');
    expect(virsh('list', '--all', '--uuid')).not.toContain(instanceId);
    host.order(2, 'running', null, 2);
    await host.reaches('running');
    await until('it counts', async () => countsOf(await host.serial()).length > 5);
    goesOn(countsOf(await host.serial()));
    expect((await readdir(saves)).filter((name) => name.includes(moved.name))).toEqual([]);

    // From here on it is as any: its own save, then its disk.
    host.order(3, 'suspended', null, 2);
    await host.reaches('suspended');
    expect(virsh('dominfo', '--', instanceId)).toMatch(/Managed save:\s+yes/);
    await host.endAgent();
    await host.startAgent();
    host.welcome();
    host.order(4, 'running', null, 2);
    await host.reaches('running');
    const before = countsOf(await host.serial()).length;
    await until('it counts on', async () => countsOf(await host.serial()).length > before + 2);
    goesOn(countsOf(await host.serial()));
    host.order(5, 'deleted');
    await host.reaches('deleted');
    expect((await readdir(saves)).filter((name) => name.includes(moved.name))).toEqual([]);
  } finally {
    await host.cleanUp();
    await mirror.stop();
  }
});

test('restored and not let go yet, it can be saved, lose its power or be let go, and has its RAM each time; let go by hand, it has it once', async () => {
  const pool = join(directory, 'fourth');
  const other = await slave(pool, source);
  const file = join(saves, `pv-${moved.name}.arrived`);
  const hasFile = (): Promise<boolean> => stat(file).then(() => true, () => false);
  /** As a process that died before it removed the file left it. */
  const restored = async (): Promise<void> => {
    await other.make(moved);
    await other.driver.adoptRam({ instanceId, generation: 1, ...moved, files: await other.store.filesOf(instanceId, moved) }, await other.store.ramFile(instanceId, moved));
    await other.store.ramArrived(instanceId);
    expect(await other.driver.savedRam(instanceId)).toBe(file);
    const xml = join(directory, 'defined.xml');
    await writeFile(xml, virsh('dumpxml', '--domain', instanceId, '--inactive', '--security-info'));
    // QEMU opens the disk through the mirror of this process meanwhile.
    await run('virsh', ['--quiet', '--connect', 'qemu:///system', 'restore', '--file', file, '--xml', xml, '--paused']);
    expect([(await other.driver.find(instanceId))?.state, await hasFile()]).toEqual(['migrating', true]);
  };
  try {
    await restored();
    await other.driver.destroy(instanceId);
    expect((await other.driver.find(instanceId))?.state).toBe('saved');
    await other.driver.start(instanceId);
    await other.counts(2);
    expect(await hasFile()).toBe(false);
    goesOn(await other.counted());
    await other.remove();

    await restored();
    await other.driver.save(instanceId);
    expect([(await other.driver.find(instanceId))?.state, await hasFile()]).toEqual(['saved', false]);
    expect(await other.driver.savedRam(instanceId)).toBe(join(saves, `pv-${moved.name}.save`));
    await other.driver.start(instanceId);
    await other.counts(2);
    goesOn(await other.counted());
    await other.remove();

    await restored();
    await other.driver.resume(instanceId);
    expect(await hasFile()).toBe(false);
    await other.counts(2);
    goesOn(await other.counted());
    await other.remove();

    await restored();
    virsh('resume', '--domain', instanceId);
    await other.counts(2);
    expect([(await other.driver.find(instanceId))?.state, await hasFile()]).toEqual(['running', false]);
    await other.driver.destroy(instanceId);
    expect((await other.driver.find(instanceId))?.state).toBe('off');
    await other.remove();
  } finally {
    await other.end();
  }
});

test('whatever its process that is killed was at, the guest is saved or runs afterwards, and never boots', async () => {
  const pool = join(directory, 'second');
  const other = await slave(pool, source);
  const script = join(directory, 'ram-process.js');
  buildSync({ entryPoints: [join(__dirname, '../fixtures/ram-process.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: script, logLevel: 'error' });
  const found: string[] = [];
  try {
    for (const [word, delayMs] of [['adopting', 30], ['adopting', 90], ['adopted', 0], ['starting', 10], ['starting', 60], ['starting', 150], ['starting', 300], ['starting', 600]] as const) {
      await other.make(moved);
      const child = spawn(process.execPath, [script, pool, other.slaveId, instanceId, JSON.stringify(moved), JSON.stringify(network)], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      await until(`it says ${word}`, () => said.includes(`${word}\n`) || said.includes('refused'));
      await sleep(systemClock, delayMs);
      const gone = once(child, 'close');
      if (child.pid !== undefined) sendSignal(child.pid, 'SIGKILL');
      await gone;
      expect(said).not.toMatch(/refused|fault/);

      const { awaitsRam } = await other.store.standing(instanceId);
      const state = (await other.driver.find(instanceId))?.state ?? 'absent';
      found.push(state);
      // One that is off is one whose disk says that it awaits its RAM.
      if (state === 'off') expect(awaitsRam).toBe(true);
      else expect(['saved', 'migrating', 'running']).toContain(state);
      if (awaitsRam) {
        expect(['off', 'saved']).toContain(state);
        if (state === 'off') await other.driver.adoptRam({ instanceId, generation: 1, ...moved, files: await other.store.filesOf(instanceId, moved) }, await other.store.ramFile(instanceId, moved));
        await other.store.ramArrived(instanceId);
      }
      // libvirt may still be reading it back.
      await until('it is let go', () => other.driver.start(instanceId).then(() => true, (error: { readonly code?: string }) => {
        if (error.code === 'timeout' || error.code === 'wrong-state') return false;
        throw error;
      }));
      await other.counts(2);
      goesOn(await other.counted());
      expect((await readdir(saves)).filter((name) => name.includes(moved.name))).toEqual([]);
      await other.remove();
    }
    // Each of the two was met, else this has shown nothing.
    expect(found).toContain('saved');
    expect(found.some((state) => state === 'running' || state === 'migrating')).toBe(true);
  } finally {
    await other.end();
  }
});

test('whenever libvirtd is killed while it reads the RAM back, the guest is saved or has it, and never boots', async () => {
  const pool = join(directory, 'third');
  const other = await slave(pool, source);
  const outcomes: boolean[] = [];
  try {
    for (const delayMs of [20, 80, 140, 200, 280, 400]) {
      await other.make(moved);
      await other.driver.adoptRam({ instanceId, generation: 1, ...moved, files: await other.store.filesOf(instanceId, moved) }, await other.store.ramFile(instanceId, moved));
      await other.store.ramArrived(instanceId);
      const daemon = execFileSync('pgrep', ['-o', '-x', 'libvirtd'], { encoding: 'utf8' }).trim();
      const start = other.driver.start(instanceId).then(() => true, () => false);
      await sleep(systemClock, delayMs);
      sendSignal(Number(daemon), 'SIGKILL');
      await until('it is gone', () => !spawnSync('pgrep', ['-x', 'libvirtd'], { encoding: 'utf8' }).stdout.split('\n').includes(daemon), 10_000);
      execFileSync('libvirtd', ['-d']);
      outcomes.push(await start);
      await until('libvirt answers', () => other.driver.find(instanceId).then(() => true, () => false), 30_000);
      const state = (await other.driver.find(instanceId))?.state;
      const hasFile = (await stat(join(saves, `pv-${moved.name}.arrived`)).catch(() => null)) !== null;
      // Whoever is off has its RAM in the file.
      expect(['saved', 'migrating', 'running']).toContain(state);
      if (state === 'saved') expect(hasFile).toBe(true);
      await until('it is let go', () => other.driver.start(instanceId).then(() => true, () => false), 60_000);
      await other.counts(2);
      goesOn(await other.counted());
      await other.remove();
    }
    expect(outcomes).toContain(false);
  } finally {
    await other.end();
  }
});
