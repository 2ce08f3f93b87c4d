import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { FrozenDisk } from '@paravcl/shared/protocol/commands';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { buildQuiescingGuest, quiescingGuestKernelArguments } from '@paravcl/workbench/guest/quiescing-guest';
import { sendSignal } from '@paravcl/workbench/process/send-signal';
import { readQemuOwner } from '../../src/describe/qemu-account';
import { MirrorClient } from '../../src/disks/mirror-client';
import { PoolDiskSnapshots } from '../../src/disks/pool-disk-snapshots';
import { PoolDiskStore } from '../../src/disks/pool-disk-store';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { connected } from '../../src/hypervisor/libvirt/unix-socket';
import { applyDelta } from '../fixtures/apply-delta';
import { imagesOf } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { countsOf, virsh } from '../fixtures/real-host';

jest.setTimeout(120_000);

/** How long a guest's agent may keep a snapshot waiting, and what a busy machine adds to it. */
const agentMs = 5000;
const slackMs = 10_000;

const network = { name: 'pv-quiet', bridge: 'pvquiet0', gateway: '10.95.0.1', prefix: 16 };
const run = (program: string, ...args: readonly string[]) => promisify(execFile)(program, [...args], { env: { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }, timeout: 60_000 });
const instanceId = newId(Date.now());

let directory: string;
let pool: string;
let image: Buffer;
let spec: InstanceSpec;
let mirror: MirrorOfPool;
let driver: LibvirtDriver;
let snapshots: PoolDiskSnapshots;
const faults: unknown[] = [];
const onFault = (error: unknown): void => void faults.push(error);

/** One guest for all: it has to go on writing after each of them. */
beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test makes domains and networks: run it inside a private host (npm test does).');
  directory = await mkdtemp(join(tmpdir(), 'paravcl-quiesced-'));
  await chmod(directory, 0o711);
  pool = join(directory, 'pool');
  const guest = await buildQuiescingGuest();
  const { refs, source } = await imagesOf(guest);
  image = await readFile(guest.disk.path);
  mirror = await MirrorOfPool.start(pool, source);
  const store = new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 16, qemuOwner: await readQemuOwner(), clock: systemClock, hostBootId: 'boot-1', onFault });
  await store.open();
  driver = new LibvirtDriver({ type: 'qemu', slaveId: newId(1), clock: systemClock });
  await driver.open();
  await driver.ensureNetwork(network);
  snapshots = new PoolDiskSnapshots({ directory: pool, reserveMiB: 16, driver, mirror: new MirrorClient(pool), clock: systemClock, onFault });

  const name = 'i-quiet';
  spec = { name, vcpus: 1, ramMiB: 128, diskMiB: 64, ...refs, kernelArguments: quiescingGuestKernelArguments, mac: '00:16:3e:00:0b:01', address: '10.95.0.21', bandwidthMbps: null, seed: { hostname: name, user: '', sshPublicKeys: [] } };
  for (const needed of await store.missingImages(instanceId, spec)) await store.fetchImage(needed, () => undefined);
  await store.createInstanceFiles(instanceId, spec);
  const { vcpus, ramMiB, mac, bandwidthMbps, kernelArguments } = spec;
  await driver.define({ instanceId, generation: 1, name, vcpus, ramMiB, mac, bandwidthMbps, kernelArguments, files: await store.filesOf(instanceId, spec) });
  await driver.start(instanceId);
  await countsOn();
  await until('its agent answers', answers);
});

afterAll(async () => {
  await driver.destroy(instanceId).catch(() => undefined);
  await driver.undefine(instanceId).catch(() => undefined);
  await driver.close();
  await mirror.stop();
  for (const verb of ['net-destroy', 'net-undefine']) virsh(verb, '--', network.name);
  await rm(directory, { recursive: true, force: true });
});

async function until(what: string, holds: () => Promise<boolean> | boolean, patienceMs = 30_000): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}; ${faults.map(String).join('; ')}\n${(await serial()).slice(-500)}`);
    await sleep(systemClock, 20);
  }
}

const serial = (): Promise<string> => readFile(join(pool, 'instances', instanceId, 'serial.log'), 'utf8');
const counted = async (): Promise<number> => countsOf(await serial()).at(-1) ?? 0;

/** Waits until it has written and counted five files more. */
async function countsOn(): Promise<void> {
  const before = await counted();
  await until(`it counts on from ${before}`, async () => (await counted()) >= before + 5);
}

const answers = (): Promise<boolean> => ask('guest-ping').then(() => true, () => false);

/** Asks the agent; not by the calls under test. */
async function ask(command: string): Promise<unknown> {
  const { stdout } = await run('virsh', '--quiet', 'qemu-agent-command', '--timeout', '2', instanceId, JSON.stringify({ execute: command }));
  return (JSON.parse(stdout) as { readonly return: unknown }).return;
}

type Word = 'stop' | 'continue' | 'hold' | 'release';

/** Says a word on its console, which its first process understands. */
async function tell(word: Word): Promise<void> {
  const console = await openConsole();
  try {
    await say(console, word);
  } finally {
    console.destroy();
  }
}

/** QEMU serves one at a time, and nothing that is printed may be kept waiting. */
async function openConsole(): Promise<Socket> {
  const console = await connected(join(pool, 'instances', instanceId, 'run', 'serial.sock'));
  return console.resume();
}

/** Until it was heard: what somebody said who has left may be lost. */
async function say(console: Socket, word: Word): Promise<void> {
  const before = (await serial()).length;
  console.write(`${word}\n`);
  await until(`it has heard ${word}`, async () => (await serial()).slice(before).includes(`heard ${word}`));
}

/** Waits until it has counted nothing for four seconds: its file system is frozen. */
async function standsStill(): Promise<void> {
  let [count, sinceMs] = [await counted(), performance.now()];
  await until('it stands still', async () => {
    const now = await counted();
    if (now !== count) [count, sinceMs] = [now, performance.now()];
    return performance.now() - sinceMs > 4000;
  });
}

const wish = () => ({ instanceId, generation: 1, bases: [spec.disk.manifest ?? ''], spec });

interface Taken {
  readonly frozen: FrozenDisk | undefined;
  readonly tookMs: number;
  /** Files the guest had counted when the snapshot was asked for. */
  readonly before: number;
  /** What the snapshot holds, as a disk in a file. */
  readonly disk: string;
}

async function takeSnapshot(): Promise<Taken> {
  const snapshotId = newId(Date.now());
  const before = await counted();
  const startMs = performance.now();
  const [frozen] = await snapshots.freeze(snapshotId, [wish()]);
  const tookMs = performance.now() - startMs;
  const disk = join(directory, `${snapshotId}.raw`);
  await writeFile(disk, applyDelta(image, await readFile((await snapshots.delta(snapshotId, instanceId)).path)).content);
  await snapshots.end(snapshotId, instanceId, null);
  return { frozen, tookMs, before, disk };
}

/** Whether its file system is one whose journal is still to be replayed, as after a power cut. */
async function needsRecovery(disk: string): Promise<boolean> {
  const { stdout } = await run('dumpe2fs', '-h', disk);
  const features = /^Filesystem features: +(.+)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
  expect(features).toContain('has_journal');
  return features.includes('needs_recovery');
}

/** Numbers of the files on it that hold what was written to them, without replaying anything. */
async function filesOn(disk: string): Promise<readonly number[]> {
  const target = `${disk}.files`;
  await mkdir(target);
  await run('debugfs', '-R', `rdump /written ${target}`, disk);
  const names = await readdir(join(target, 'written'));
  const whole = await Promise.all(names.map(async (name) => (await readFile(join(target, 'written', name), 'utf8')) === `file ${name}\n`));
  return names.filter((_, index) => whole[index]).map(Number);
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** It is at rest, without a complaint, and nothing that the guest had been told of as written is missing. */
async function expectAtRest({ frozen, before, disk }: Taken): Promise<void> {
  expect(frozen).toMatchObject({ instanceId, ok: true, how: 'running', quiesced: true });
  expect(await needsRecovery(disk)).toBe(false);
  // Fails with what it finds.
  await run('e2fsck', '-fn', disk);
  expect(await filesOn(disk)).toEqual(expect.arrayContaining([...upTo(before)]));
}

async function expectAsAfterPowerCut({ frozen, tookMs, disk }: Taken): Promise<void> {
  expect(frozen).toMatchObject({ instanceId, ok: true, how: 'running', quiesced: false });
  expect(await needsRecovery(disk)).toBe(true);
  expect(tookMs).toBeLessThan(agentMs + slackMs);
}

test('a guest that writes all the time is frozen with its file system at rest, whole and clean, and writes on', async () => {
  await expectAtRest(await takeSnapshot());
  await countsOn();
  expect(await ask('guest-fsfreeze-status')).toBe('thawed');
  expect(faults).toEqual([]);
});

test('an agent that does not answer keeps a snapshot waiting for its time only; the guest writes on, also once it is back', async () => {
  await tell('stop');
  await expectAsAfterPowerCut(await takeSnapshot());
  await countsOn();
  await tell('continue');
  await until('its agent answers', answers);
  await countsOn();
  expect(await ask('guest-fsfreeze-status')).toBe('thawed');
  await expectAtRest(await takeSnapshot());
  await countsOn();
  expect(faults).toEqual([]);
});

test('an agent that comes to the end of its freeze after the snapshot was taken without it does not leave the guest frozen', async () => {
  await tell('hold');
  const held = (await serial()).length;
  await expectAsAfterPowerCut(await takeSnapshot());
  expect((await serial()).slice(held)).toContain('freeze begins');
  await countsOn();
  await tell('release');
  await until('its agent answers that nothing is frozen', () => ask('guest-fsfreeze-status').then((status) => status === 'thawed', () => false));
  await countsOn();
  await expectAtRest(await takeSnapshot());
  await countsOn();
  expect(faults).toEqual([]);
});

test('a libvirtd that dies while it freezes a guest, and is away when the guest comes to rest, does not leave it frozen', async () => {
  await tell('hold');
  const held = (await serial()).length;
  const frozen = snapshots.freeze(newId(Date.now()), [wish()]);
  await until('the freeze begins', async () => (await serial()).slice(held).includes('freeze begins'));
  const console = await openConsole();
  const daemon = execFileSync('pgrep', ['-o', '-x', 'libvirtd'], { encoding: 'utf8' }).trim();
  sendSignal(Number(daemon), 'SIGKILL');
  await until('libvirtd is gone', () => !spawnSync('pgrep', ['-x', 'libvirtd'], { encoding: 'utf8' }).stdout.split('\n').includes(daemon));
  try {
    await say(console, 'release');
  } finally {
    console.destroy();
  }
  await standsStill();
  execFileSync('libvirtd', ['-d']);
  expect(await frozen).toMatchObject([{ instanceId, ok: false }]);
  await countsOn();
  await expectAtRest(await takeSnapshot());
  await countsOn();
});
