import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { shiftedClock, sleep, systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, InstanceSpec, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { Welcome } from '@paravcl/shared/protocol/master-to-agent';
import { demoGuestKernelArguments } from '@paravcl/workbench/guest/demo-guest';
import pino from 'pino';
import { Agent, type AgentParts } from '../../src/agent/agent';
import { Journal } from '../../src/agent/journal';
import { readQemuAccount } from '../../src/describe/qemu-account';
import { MirrorClient } from '../../src/disks/mirror-client';
import { PoolDiskStore } from '../../src/disks/pool-disk-store';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';
import { demoGuestImages } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';

jest.setTimeout(180_000);

const virsh = (...args: readonly string[]): string => execFileSync('virsh', ['--quiet', '--connect', 'qemu:///system', ...args], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).trim();

/** What the guest’s counter said on its console, in order. */
const countsOf = (serial: string): readonly number[] => [...serial.matchAll(/^count (\d+)\r?$/gm)].map((match) => Number(match[1]));

/** A real host for one agent after the other, over the same journal and the same guest; the master is away. */
async function realHost(number: number) {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This test makes domains and networks: run it inside a private host (npm test does).');
  const { source, refs } = await demoGuestImages();
  const stateDir = await mkdtemp(join(tmpdir(), 'paravcl-agent-'));
  await chmod(stateDir, 0o711);
  const pool = join(stateDir, 'pool');
  const mirror = await MirrorOfPool.start(pool, source);
  const instanceId = newId(Date.now());
  const spec: InstanceSpec = {
    name: `i-agent-${number}`,
    vcpus: 1,
    ramMiB: 128,
    diskMiB: 64,
    ...refs,
    kernelArguments: demoGuestKernelArguments,
    mac: `00:16:3e:00:09:0${number}`,
    address: `10.92.0.2${number}`,
    bandwidthMbps: null,
    seed: { hostname: `i-agent-${number}`, user: 'student', sshPublicKeys: [] },
  };
  const slaveId = newId(Date.now());
  const account = await readQemuAccount();
  if (account === null) throw new Error('libvirt’s QEMU user is missing');

  const links: Parameters<AgentParts['connect']>[0][] = [];
  const said: string[] = [];
  const lab = { sleptMs: 0 };
  let journal: Journal | null = null;
  let agent: Agent | null = null;
  const startAgent = async (): Promise<void> => {
    journal = await Journal.open(join(stateDir, 'journal'), pino({ level: 'silent' }));
    agent = await Agent.start({
      clock: shiftedClock(systemClock, () => lab.sleptMs),
      log: pino({ level: process.env['TEST_LOG'] ?? 'info' }, { write: (line: string) => void said.push(line) }),
      journal,
      driver: new LibvirtDriver({ type: 'qemu', slaveId, clock: systemClock }),
      store: new PoolDiskStore({ directory: pool, mirror: new MirrorClient(pool), reserveMiB: 16, qemuOwner: { uid: account.uid, gid: account.gids[0] ?? account.uid }, clock: systemClock, hostBootId: 'boot-1', onFault: (error) => { throw error; } }),
      build: 'test',
      machineId: '0'.repeat(32),
      hostBootId: 'boot-1',
      uptimeMs: () => uptime() * 1000 + lab.sleptMs,
      lastReportPath: join(stateDir, 'last-report.json'),
      diskSlots: 2,
      ready: () => undefined,
      describe: () => Promise.reject(new Error('not asked here')),
      load: () => Promise.reject(new Error('not asked here')),
      connect: (given) => {
        links.push(given);
        return { isUp: false, clockOffsetMs: null, send: () => false, start: () => undefined, stop: () => undefined };
      },
    });
  };
  const endAgent = async (): Promise<void> => {
    await agent?.stop();
    await journal?.close();
    [agent, journal] = [null, null];
  };
  const now = (): number => Date.now() + lab.sleptMs;
  const seen = (): ObservedInstance | undefined => agent?.seen()[0];
  const order = (generation: number, desired: DesiredInstance['desired'], minutes: number | null = null): void => {
    const endsAt = minutes === null ? {} : { endsAt: new Date(now() + minutes * 60_000).toISOString() };
    const one: DesiredInstance = desired === 'deleted' ? { instanceId, generation, desired, spec: null } : { instanceId, generation, desired, spec, ...endsAt };
    links.at(-1)?.onFrame({ type: 'desired', payload: { instances: [one] } });
  };
  const reachesFor = async (code: string | null, state: string): Promise<void> => {
    const end = Date.now() + 90_000;
    while ((code !== null && seen()?.reason?.code !== code) || seen()?.state !== state) {
      if (Date.now() > end) throw new Error(`not ${state} for ${code ?? 'any reason'}: ${JSON.stringify(seen())}`);
      await sleep(systemClock, 20);
    }
  };
  const reaches = (state: string): Promise<void> => reachesFor(null, state);
  const serial = (): Promise<string> => readFile(join(stateDir, 'pool', 'instances', instanceId, 'serial.log'), 'utf8');

  const welcome = (): void => links.at(-1)?.onWelcome({ network: { name: 'pv-agent', bridge: 'pvagent0', gateway: '10.92.0.1', prefix: 16 }, admission: 'approved' } as Welcome);
  const cleanUp = async (): Promise<void> => {
    await endAgent();
    await mirror.stop();
    // What a failed test leaves would be foreign to every test that follows on this host.
    for (const words of [['destroy', '--', instanceId], ['undefine', '--managed-save', '--domain', instanceId], ['net-destroy', '--', 'pv-agent'], ['net-undefine', '--', 'pv-agent']]) {
      try {
        virsh(...words);
      } catch {
        // It was never made, or is gone as it should be.
      }
    }
    await rm(stateDir, { recursive: true, force: true });
  };
  return { instanceId, spec, stateDir, said, lab, startAgent, endAgent, seen, order, reaches, reachesFor, serial, welcome, cleanUp, settled: () => agent?.settled() };
}

test('an agent over the real libvirt launches, suspends, resumes and deletes a real guest; its restart touches nothing', async () => {
  const { instanceId, spec, stateDir, startAgent, endAgent, seen, order, reaches, reachesFor, serial, welcome, cleanUp } = await realHost(1);
  try {
    await startAgent();
    welcome();
    order(1, 'running');
    await reaches('running');
    expect(virsh('domstate', '--', instanceId)).toBe('running');
    expect(await serial()).toContain('i-agent-1');

    const saves = '/var/lib/libvirt/qemu/save';
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', saves]);
    order(2, 'suspended');
    try {
      await reachesFor('NotEnoughDisk', 'running');
      expect(seen()?.reason?.sentence).toMatch(/needs up to 144 MiB in \/var\/lib\/libvirt\/qemu\/save, where \d MiB are free/);
      expect(execFileSync('find', [saves, '-type', 'f'], { encoding: 'utf8' })).toBe('');
    } finally {
      // A failure here must not take the room from every test that follows on this host.
      execFileSync('umount', [saves]);
    }
    await reaches('suspended');
    expect(virsh('dominfo', '--', instanceId)).toMatch(/Managed save:\s+yes/);
    await endAgent();
    expect(virsh('domstate', '--', instanceId)).toBe('shut off');

    await startAgent();
    await reaches('suspended');
    virsh('net-destroy', '--', 'pv-agent');
    order(3, 'running');
    await reaches('running');
    expect(virsh('net-info', '--', 'pv-agent')).toMatch(/Active:\s+yes/);
    expect(virsh('domstate', '--', instanceId)).toBe('running');
    order(4, 'deleted');
    await reaches('deleted');
    expect(virsh('list', '--all', '--uuid')).not.toContain(instanceId);
    expect(virsh('net-dumpxml', '--', 'pv-agent')).not.toContain(spec.mac);
    expect(execFileSync('find', [join(stateDir, 'pool'), '-name', `*${instanceId}*`], { encoding: 'utf8' })).toBe('');
  } finally {
    await cleanUp();
  }
});

test('an agent alone saves a real guest at the end of its time, leaves it so after its own restart, goes on with more time, and tells when it is destroyed behind its back', async () => {
  const { instanceId, said, lab, startAgent, endAgent, settled, seen, order, reaches, reachesFor, serial, welcome, cleanUp } = await realHost(2);
  try {
    await startAgent();
    welcome();
    order(1, 'running', 60);
    await reaches('running');

    lab.sleptMs = 2 * 3600_000;
    await reachesFor('TimeEnded', 'suspended');
    expect(seen()).toMatchObject({ generation: 1, reason: { sentence: 'Saved with everything open, because its time was over. Give it more time to go on.' } });
    expect(virsh('domstate', '--', instanceId)).toBe('shut off');
    expect(virsh('dominfo', '--', instanceId)).toMatch(/Managed save:\s+yes/);
    const saved = countsOf(await serial());
    // The watch says so at its next look, at most a second later: something else may have woken the instance first.
    const saidAlone = (): readonly string[] => said.filter((line) => line.includes('"recovery":"time-ended-alone"'));
    const looks = Date.now() + 30_000;
    while (saidAlone().length === 0 && Date.now() < looks) await sleep(systemClock, 20);
    expect(saidAlone()).toHaveLength(1);

    await endAgent();
    // Even with a wall clock that says otherwise: what was told to have ended does not begin by itself.
    lab.sleptMs = 0;
    await startAgent();
    await reachesFor('TimeEnded', 'suspended');
    await settled();
    expect(virsh('domstate', '--', instanceId)).toBe('shut off');

    order(2, 'running', 60);
    await reaches('running');
    expect(virsh('domstate', '--', instanceId)).toBe('running');
    const goesOn = Date.now() + 30_000;
    while (countsOf(await serial()).length <= saved.length) {
      if (Date.now() > goesOn) throw new Error('the guest does not count on');
      await sleep(systemClock, 100);
    }
    // One boot, and a counter in its RAM that never began again nor jumped.
    const told = await serial();
    expect(told.match(/paravcl-guest ready/g)).toHaveLength(1);
    expect(countsOf(told)).toEqual(countsOf(told).map((_, index) => index + 1));

    // Somebody at the host ends it behind the agent's back: its guest did not do that, and its RAM is gone.
    virsh('destroy', '--', instanceId);
    virsh('undefine', '--', instanceId);
    await reachesFor('DomainLost', 'failed');
    await settled();
    expect(seen()?.reason?.code).toBe('DomainLost');
    order(3, 'deleted');
    await reaches('deleted');
    expect(virsh('list', '--all', '--uuid')).not.toContain(instanceId);
  } finally {
    await cleanUp();
  }
});
