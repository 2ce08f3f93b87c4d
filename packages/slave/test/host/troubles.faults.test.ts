import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '@paravcl/shared/clock';
import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import type { Describe } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import type { AgentFrame } from '@paravcl/shared/protocol/agent-to-master';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { Welcome } from '@paravcl/shared/protocol/master-to-agent';
import { demoGuestKernelArguments } from '@paravcl/workbench/guest/demo-guest';
import { sendSignal } from '@paravcl/workbench/process/send-signal';
import pino from 'pino';
import { Agent, type AgentParts } from '../../src/agent/agent';
import { Journal } from '../../src/agent/journal';
import { readQemuOwner } from '../../src/describe/qemu-account';
import { MirrorClient } from '../../src/disks/mirror-client';
import { PoolDiskStore } from '../../src/disks/pool-disk-store';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { demoGuestImages } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { noSnapshots } from '../fixtures/no-snapshots';

jest.setTimeout(240_000);

/** A real agent over real libvirt, its state directory and its pool on file systems of a few megabytes; the master is this test. */
const virsh = (...args: readonly string[]): string => execFileSync('virsh', ['--quiet', '--connect', 'qemu:///system', ...args], { encoding: 'utf8', timeout: 20_000, env: { ...process.env, LC_ALL: 'C' } }).trim();
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
const slaveId = newId(1);
const instanceId = newId(Date.now());
const network = { name: 'pv-trouble', bridge: 'pvtrouble0', gateway: '10.93.0.1', prefix: 16 };

let root: string;
let spec: InstanceSpec;
let journal: Journal;
let agent: Agent;
let mirror: MirrorOfPool;
let link: Parameters<AgentParts['connect']>[0];
let frames: AgentFrame[];

const describeData: Describe = {
  hostname: 'host', cores: 2, threads: 2, relativeSpeed: 1, cpuModel: 'model', cpuFlags: [], ramTotalMiB: 4096, ramAvailableMiB: 2048, poolTotalMiB: 64, poolAvailableMiB: 32,
  hypervisor: { kind: 'qemu', why: 'test', usable: true, libvirt: null, qemu: null, machine: null, cpu: null }, interfaces: [], load1: 0, clockOffsetMs: null,
};

/** Fills a file system to its last byte; answers how to free it. */
function fill(directory: string): () => void {
  const path = join(directory, 'filler');
  const file = openSync(path, 'w');
  for (const size of [1 << 20, 4096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size, 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
  return () => unlinkSync(path);
}

async function within(seconds: number, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}; seen ${JSON.stringify(agent.seen())}, told ${JSON.stringify(troubles())}`);
    await sleep(systemClock, 50);
  }
}

/** As the master knows them: of the last hello or report. */
function troubles(): readonly string[] {
  const told = frames.flatMap((frame) => (frame.type === 'describe' && frame.payload.changed.troubles !== undefined ? [frame.payload.changed.troubles] : [])).at(-1);
  return (told ?? []).map(({ code }) => code);
}

async function startAgent(): Promise<void> {
  const owner = await readQemuOwner();
  if (owner === null) throw new Error('libvirt’s QEMU user is missing');
  const { source, refs } = await demoGuestImages();
  spec = {
    name: 'i-trouble', vcpus: 1, ramMiB: 128, diskMiB: 64, ...refs, kernelArguments: demoGuestKernelArguments, mac: '00:16:3e:00:09:31', address: '10.93.0.21',
    bandwidthMbps: null, seed: { hostname: 'i-trouble', user: 'student', sshPublicKeys: [] },
  };
  journal = await Journal.open(join(root, 'state', 'journal'), log);
  frames = [];
  const pool = { directory: join(root, 'pool'), reserveMiB: 8 };
  mirror = await MirrorOfPool.start(pool.directory, source, { reserveMiB: pool.reserveMiB });
  agent = await Agent.start({
    clock: systemClock,
    log,
    journal,
    driver: new LibvirtDriver({ type: 'qemu', slaveId, clock: systemClock }),
    store: new PoolDiskStore({ ...pool, mirror: new MirrorClient(pool.directory), qemuOwner: owner, clock: systemClock, hostBootId: 'boot-1', onFault: (error) => { throw error; } }),
    ...noSnapshots,
    build: 'test',
    machineId: '0'.repeat(32),
    hostBootId: 'boot-1',
    uptimeMs: () => performance.now(),
    lastReportPath: join(root, 'state', 'last-report.json'),
    diskSlots: 2,
    pool,
    ready: () => undefined,
    describe: () => Promise.resolve(describeData),
    load: () => Promise.resolve({ load1: 0, ramAvailableMiB: 1, poolAvailableMiB: 1 }),
    connect: (given) => {
      link = given;
      return { isUp: true, clockOffsetMs: null, send: (frame) => frames.push(frame) > 0, start: () => undefined, stop: () => undefined };
    },
  });
  await link.hello();
  link.onWelcome({ network, admission: 'approved' } as Welcome);
}

const order = (generation: number, desired: Exclude<DesiredState, 'deleted'>): void => link.onFrame({ type: 'desired', payload: { instances: [{ instanceId, generation, desired, spec }] } });
/** Empty while libvirt has no such domain, or does not answer. */
const domainState = (): string => {
  try {
    return virsh('domstate', '--reason', '--', instanceId);
  } catch {
    return '';
  }
};
const reaches = (state: string): Promise<void> => within(90, state, () => agent.seen()[0]?.state === state);
/** Processor time the guest has used, in ticks of 10 ms: its serial log lies on the disk that was full, and libvirt may hang. */
const counter = (): number => {
  const pid = execFileSync('pgrep', ['-f', `guest=pv-${spec.name},`], { encoding: 'utf8' }).trim();
  const [utime, stime] = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '').split(' ').slice(11, 13);
  return Number(utime) + Number(stime);
};

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test makes domains and mounts file systems: run it inside a private host (npm test does).');
  root = await mkdtemp(join(tmpdir(), 'paravcl-trouble-'));
  await chmod(root, 0o711);
  for (const [name, size] of [['state', '4m'], ['pool', '160m']] as const) {
    await mkdir(join(root, name));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0711`, 'tmpfs', join(root, name)]);
  }
  await startAgent();
});
afterAll(async () => {
  link.onFrame({ type: 'desired', payload: { instances: [{ instanceId, generation: 999, desired: 'deleted', spec: null }] } });
  await within(60, 'deleted', () => agent.seen()[0]?.state === 'deleted').finally(async () => {
    await agent.stop();
    await mirror.stop();
    await journal.close();
    for (const words of ['net-destroy', 'net-undefine']) virsh(words, '--', network.name);
    for (const name of ['state', 'pool']) execFileSync('umount', ['--lazy', join(root, name)]);
    await rm(root, { recursive: true, force: true });
  });
});

test('a full pool on a real file system: a guest that it stopped goes on within five seconds of room', async () => {
  order(1, 'running');
  await within(60, 'its disk is made', () => existsSync(join(root, 'pool', 'instances', instanceId)));
  const free = fill(join(root, 'pool'));
  await within(60, 'QEMU stops it at a write', () => domainState() === 'paused (I/O error)');
  await within(5, 'told', () => troubles().includes('pool-full'));
  // By its back-off alone it would be tried every 8 s by now, and later every 30.
  await sleep(systemClock, 8000);
  expect(domainState()).toBe('paused (I/O error)');
  expect(agent.seen()[0]).toMatchObject({ reason: { code: 'DiskError' } });
  free();
  await within(5, 'goes on', () => domainState().startsWith('running') && troubles().length === 0);
  await reaches('running');
});

test('a full state directory on a real file system: orders wait, the guest works on, and all is taken up when there is room', async () => {
  const free = fill(join(root, 'state'));
  const before = counter();
  // What the reserve leaves may be enough for some orders; it is not for ever.
  let filled = free;
  for (let generation = 2; !journal.isFull && generation < 90; generation += 1) {
    order(generation, 'running');
    await within(5, 'taken or refused', () => journal.isFull || journal.state.instances.get(instanceId)?.desired?.generation === generation);
    if (!journal.isFull) {
      filled();
      filled = fill(join(root, 'state'));
    }
  }
  await within(5, 'told', () => troubles().includes('state-full'));
  const known = journal.state.instances.get(instanceId)?.desired?.generation ?? 0;
  order(95, 'suspended');
  await within(20, 'the guest works on', () => counter() > before + 1);
  expect(domainState()).toMatch(/^running/);
  expect(journal.state.instances.get(instanceId)?.desired?.generation).toBe(known);
  filled();
  await within(6, 'healed', () => troubles().length === 0);
  expect((await stat(join(root, 'state', 'journal', 'journal.reserve'))).size).toBe(1024 * 1024);
  // The master tells again what was not answered.
  order(95, 'running');
  await within(20, 'taken', () => journal.state.instances.get(instanceId)?.desired?.generation === 95);
});

test('a hung libvirtd: told within fifteen seconds while heartbeats, hellos and the guest go on; waiting work is done when it answers', async () => {
  const pid = Number(execFileSync('pgrep', ['-o', '-x', 'libvirtd'], { encoding: 'utf8' }).trim());
  const before = counter();
  sendSignal(pid, 'SIGSTOP');
  try {
    order(96, 'suspended');
    await within(15, 'told', () => troubles().includes('hypervisor-silent'));
    expect(await link.heartbeat()).toMatchObject({ load1: 0 });
    const asked = performance.now();
    expect((await link.hello()).describe.troubles).toMatchObject([{ code: 'hypervisor-silent' }]);
    expect(performance.now() - asked).toBeLessThan(12_000);
    await within(20, 'the guest works on', () => counter() > before + 1);
  } finally {
    sendSignal(pid, 'SIGCONT');
  }
  await within(15, 'healed', () => troubles().length === 0);
  await reaches('suspended');
  expect(domainState()).toMatch(/^shut off/);
});

/** As proc(5) has it: its name, and its state in one letter; null when it is gone. */
function processStat(pid: number): { readonly name: string; readonly state: string } | null {
  try {
    const [, name = '', state = ''] = /\((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, state };
  } catch {
    return null;
  }
}

/** Stops whoever writes a save, and answers its process id. It lives for some hundredths of a second, so it is looked for all the time. */
async function stopWriter(): Promise<number> {
  const end = performance.now() + 30_000;
  while (performance.now() < end) {
    for (const pid of readdirSync('/proc').map(Number)) {
      // Names have fifteen characters there. One that has ended takes signals and does not stop.
      if (!Number.isInteger(pid) || processStat(pid)?.name !== 'libvirt_iohelpe' || !sendSignal(pid, 'SIGSTOP')) continue;
      while (/^[RSD]$/.test(processStat(pid)?.state ?? '')) await sleep(systemClock, 1);
      if (processStat(pid)?.state === 'T') return pid;
    }
    await sleep(systemClock, 1);
  }
  throw new Error(`nobody wrote a save within 30 s; seen ${JSON.stringify(agent.seen())}`);
}

/** Kills libvirtd and the writer of a save in the middle of it; `meanwhile` runs while nothing of it goes on. */
async function diesSaving(meanwhile: () => void): Promise<void> {
  const writer = await stopWriter();
  const daemon = Number(execFileSync('pgrep', ['-o', '-x', 'libvirtd'], { encoding: 'utf8' }).trim());
  sendSignal(daemon, 'SIGKILL');
  meanwhile();
  sendSignal(writer, 'SIGKILL');
  // Until then it holds its pidfile, and no other starts.
  await within(10, 'libvirtd is gone', () => !spawnSync('pgrep', ['-x', 'libvirtd'], { encoding: 'utf8' }).stdout.split('\n').includes(String(daemon)));
  execFileSync('libvirtd', ['-d']);
}
const hasNoSave = (): boolean => /Managed save:\s+no/.test(virsh('dominfo', '--', instanceId));

test.each<[string, number, () => unknown]>([
  ['a save', 100, () => undefined],
  // As one that had to wait for its turn. The agent, of this process, sees it with the order.
  ['the save of a guest that was paused before', 103, () => virsh('suspend', '--', instanceId)],
])('a libvirtd killed in the middle of %s leaves neither a paused guest nor half a save', async (_, generation, before) => {
  order(generation, 'running');
  await reaches('running');
  before();
  order(generation + 1, 'suspended');
  await diesSaving(() => order(generation + 2, 'running'));
  await within(60, 'it runs without a save', () => domainState().startsWith('running') && hasNoSave());
  await within(5, 'nothing is left of it', () => execFileSync('find', ['/var/lib/libvirt/qemu/save', '-type', 'f'], { encoding: 'utf8' }) === '');
  await reaches('running');
});

test('a guest that dies with libvirtd in the middle of its save is off, not saved for good: it starts again from its disk', async () => {
  order(110, 'suspended');
  const qemu = Number(execFileSync('pgrep', ['-f', `guest=pv-${spec.name},`], { encoding: 'utf8' }).trim());
  await diesSaving(() => sendSignal(qemu, 'SIGKILL'));
  await within(60, 'seen as it is', () => agent.seen()[0]?.state === 'stopped' && hasNoSave());
  // Kept all the same, until the next save.
  expect(existsSync(`/var/lib/libvirt/qemu/save/pv-${spec.name}.save-half`)).toBe(true);
  order(111, 'running');
  await reaches('running');
  order(112, 'suspended');
  await reaches('suspended');
  expect(execFileSync('find', ['/var/lib/libvirt/qemu/save', '-type', 'f', '-printf', '%f\n'], { encoding: 'utf8' })).toBe(`pv-${spec.name}.save\n`);
  order(113, 'running');
  await reaches('running');
});

test('a guest that is paused with half a save beside it is saved whole', async () => {
  const save = `/var/lib/libvirt/qemu/save/pv-${spec.name}.save`;
  order(120, 'suspended');
  await diesSaving(() => undefined);
  await within(60, 'paused by hand before anybody looked', () => {
    try {
      virsh('suspend', '--', instanceId);
      return true;
    } catch {
      return false;
    }
  });
  await reaches('suspended');
  expect(readFileSync(save).subarray(0, 16).toString()).toBe('LibvirtQemudSave');
  order(121, 'running');
  await reaches('running');
  expect(counter()).toBeGreaterThan(0);
});

test('a paused guest for whose RAM there is no room is continued, says so, and is saved once there is', async () => {
  const saves = '/var/lib/libvirt/qemu/save';
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', saves]);
  try {
    virsh('suspend', '--', instanceId);
    order(130, 'suspended');
    await within(10, 'told', () => agent.seen()[0]?.reason?.code === 'NotEnoughDisk');
    await within(5, 'it runs', () => domainState().startsWith('running'));
    expect(agent.seen()[0]).toMatchObject({ generation: 130, state: 'running' });
    const before = counter();
    await within(20, 'the guest works on', () => counter() > before + 1);
  } finally {
    execFileSync('umount', [saves]);
  }
  await reaches('suspended');
  order(131, 'running');
  await reaches('running');
});
