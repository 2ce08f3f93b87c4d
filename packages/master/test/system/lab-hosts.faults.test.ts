/**
 * The lab itself: that its hosts are hosts of their own, that they lose their power as machines do, and that nothing
 * of a lab outlives it. Asked of the kernel and of virsh.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { listSlaves } from '@paravcl/shared/api/slaves';
import { eventually } from '@paravcl/workbench/eventually';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { readLabRecord } from '@paravcl/workbench/lab/lab-record';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { sendSignal } from '@paravcl/workbench/process/send-signal';

jest.setTimeout(2 * patienceMs);

const labCommand = resolve(__dirname, '../../../workbench/dist/lab-command.js');
const atFirst = kernelObjects();

describe('two hosts', () => {
  let site: LabSite;
  let admin: ApiClient;
  let one: LabHost;
  let two: LabHost;

  beforeAll(async () => {
    if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes hosts and interfaces: run it with npm test, inside a private host.');
    site = new LabSite({ stateDir: await mkdtemp('/var/tmp/pv-'), hosts: [{}, { poolMiB: 64, offerCores: 1, offerRamMiB: 1024 }] });
    [one, two] = [site.host('host-1'), site.host('host-2')];
    await site.up();
    admin = await site.master.firstAdmin('admin', randomPassword());
    await site.enrolAll(admin);
  });
  afterAll(async () => {
    await site.down();
    await rm(site.options.stateDir, { recursive: true, force: true });
  });

  test('each host has its own name, machine id, libvirt, addresses and clock since boot', async () => {
    const facts = async (host: LabHost) =>
      Promise.all([
        host.run('hostname'),
        host.run('cat', ['/etc/machine-id']),
        host.run('cat', ['/proc/sys/kernel/random/boot_id']),
        host.evidence.virsh('capabilities').then((xml) => /<uuid>(.*)<\/uuid>/.exec(xml)?.[1]),
        host.run('ip', ['-brief', '-4', 'address', 'show', 'lan0']),
      ]);
    const [first, second] = [await facts(one), await facts(two)];
    expect(first[0]).toBe('host-1\n');
    expect(first[4]).toContain('10.77.0.11/24');
    for (const [index, fact] of first.entries()) expect(fact).not.toBe(second[index]);
    if (existsSync('/proc/self/ns/time')) expect(Number((await one.run('cat', ['/proc/uptime'])).split(' ')[0])).toBeLessThan(patienceMs / 1000);
  });

  test('a domain on one host is not seen on the other, and the master is told of it as foreign there', async () => {
    const id = await foreignDomain(one, 'lives-on-one');
    expect(await one.evidence.domainIds()).toEqual([id]);
    expect(await one.evidence.domainState(id)).toBe('paused');
    expect(await two.evidence.domainIds()).toEqual([]);
    await eventually('the master to know', patienceMs, async () => {
      const slaves = (await admin.call(listSlaves)).items;
      const [on, off] = ['host-1', 'host-2'].map((name) => slaves.find((slave) => slave.name === name)?.foreignDomains ?? []);
      return on?.length === 1 && off?.length === 0 ? true : undefined;
    });
  });

  test('killing the agent or libvirtd kills that one on that host, and a domain survives both', async () => {
    const id = await foreignDomain(two, 'survives');
    const [qemu] = qemuOf(id);
    const libvirtd = two.libvirtdPid() ?? 0;
    expect(readFileSync(`/proc/${String(two.agent.pid)}/cmdline`, 'utf8')).toContain('paravcl-slave');
    two.agent.kill('SIGKILL');
    sendSignal(libvirtd, 'SIGKILL');
    await eventually('both to be dead', patienceMs, () => (two.agent.isRunning() || two.libvirtdPid() !== null ? undefined : true));
    expect(one.agent.isRunning() && one.libvirtdPid() !== null).toBe(true);
    await two.startLibvirtd();
    await two.startAgent();
    await site.onlineSlave(admin, two);
    expect(two.libvirtdPid()).not.toBe(libvirtd);
    expect(await two.evidence.domainState(id)).toBe('paused');
    expect(qemuOf(id)).toEqual([qemu]);
  });

  test('power loss ends everything on a host at once and keeps its disks; the next boot is another one', async () => {
    const bootId = await two.run('cat', ['/proc/sys/kernel/random/boot_id']);
    const machineId = await two.run('cat', ['/etc/machine-id']);
    const id = await foreignDomain(two, 'loses-its-power');
    await two.run('virsh', ['define', '--', foreignFile(two)]);
    await two.run('touch', [join(two.pool, 'kept'), '/run/lost']);
    const agent = two.agent;
    expect(qemuOf(id)).toHaveLength(1);

    await two.powerOff();
    expect([agent.isRunning(), two.libvirtdPid(), qemuOf(id), two.isOn]).toEqual([false, null, [], false]);
    expect(await two.evidence.poolFiles()).toContain('kept');
    expect(one.agent.isRunning()).toBe(true);

    await two.powerOn();
    expect(await two.run('cat', ['/proc/sys/kernel/random/boot_id'])).not.toBe(bootId);
    expect(await two.run('cat', ['/etc/machine-id'])).toBe(machineId);
    expect(await two.evidence.poolFiles()).toContain('kept');
    await expect(two.run('ls', ['/run/lost'])).rejects.toThrow(/No such file/);
    expect(await two.evidence.domainState(id)).toBe('shut off');
    await two.startAgent();
    await site.onlineSlave(admin, two);
  });

  test('a host whose agent was stopped by a signal, let go on and killed can lose its power and come back', async () => {
    const { agent } = two;
    for (const signal of ['SIGSTOP', 'SIGCONT', 'SIGSTOP', 'SIGKILL'] as const) agent.kill(signal);
    await two.startAgent();
    two.agent.kill('SIGSTOP');
    await two.powerOff();
    expect([agent.isRunning(), two.agent.isRunning(), two.isOn]).toEqual([false, false, false]);
    await two.powerOn();
    await two.startAgent();
    await site.onlineSlave(admin, two);
  });

  test('its pool is as small as it was made', async () => {
    await expect(two.run('dd', ['if=/dev/zero', `of=${join(two.pool, 'big')}`, 'bs=1M', 'count=65'])).rejects.toThrow(/No space left/);
    await rm(join(two.pool, 'big'));
  });
});

test('a lab that was taken down leaves no process, namespace, mount or interface', async () => {
  await eventually('the kernel to have cleaned up', 10_000, () => (difference().length === 0 ? true : undefined), { state: () => difference().join(', ') });
});

test('a supervisor that is killed takes its lab along, and the next command clears its directory', async () => {
  const directory = join(await mkdtemp('/var/tmp/pv-'), 'lab');
  try {
    const lab = spawn(process.execPath, [labCommand, 'up', '--hosts', '1', '--dir', directory, '--port', '9443'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    lab.stdout.on('data', (part: Buffer) => (said += part.toString()));
    const [code] = (await once(lab, 'close')) as [number];
    expect([code, said]).toEqual([0, expect.stringContaining('The lab runs: https://127.0.0.1:')]);
    const record = await readLabRecord(directory);
    if (record === null) throw new Error('The lab has no record.');
    // The way in is a port and a socket: no interface of it is here.
    expect(interfaces()).toEqual(atFirst.interfaces);
    sendSignal(record.supervisor.pid, 'SIGKILL');
    await eventually('everything of it to be gone', 10_000, () => (difference().length === 0 ? true : undefined), { state: () => difference().join(', ') });

    const down = spawn(process.execPath, [labCommand, 'down', '--dir', directory], { stdio: 'ignore' });
    await once(down, 'close');
    expect(existsSync(directory)).toBe(false);
  } finally {
    await rm(resolve(directory, '..'), { recursive: true, force: true });
  }
});

const foreignFile = (host: LabHost): string => join(host.options.directory, 'foreign.xml');

/** A domain nobody asked ParaVCL for, with a real QEMU; answers its UUID. */
async function foreignDomain(host: LabHost, name: string): Promise<string> {
  const uuid = (await readFile('/proc/sys/kernel/random/uuid', 'utf8')).trim();
  await writeFile(
    foreignFile(host),
    `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><controller type='usb' model='none'/></devices></domain>`,
  );
  await host.run('virsh', ['create', '--paused', '--', foreignFile(host)]);
  return uuid;
}

/** The QEMU processes of a domain, on whichever host. */
function qemuOf(uuid: string): readonly number[] {
  const isIts = (line: string): boolean => /^\S*qemu-system/.test(line) && line.includes(uuid);
  return pids().filter((pid) => isIts(readOr('', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8')))).map(Number);
}

function pids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

function interfaces(): readonly string[] {
  return readdirSync('/sys/class/net').sort();
}

/** What the kernel holds for the processes seen from here; threads and processes of this test's own runner stay the same. */
function kernelObjects() {
  const namespaces = new Set(pids().flatMap((pid) => ['net', 'mnt', 'pid', 'uts', 'ipc'].map((kind) => readOr('', () => readlinkSync(`/proc/${pid}/ns/${kind}`)))));
  namespaces.delete('');
  return {
    processes: pids().filter((pid) => readOr('', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) !== '').length,
    namespaces: [...namespaces].sort(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '').sort(),
    interfaces: interfaces(),
  };
}

/** What there is now and was not at first. */
function difference(): readonly string[] {
  const now = kernelObjects();
  return [
    ...(now.processes > atFirst.processes ? [`${String(now.processes - atFirst.processes)} processes`] : []),
    ...now.namespaces.filter((name) => !atFirst.namespaces.includes(name)),
    ...now.mounts.filter((mount) => !atFirst.mounts.includes(mount)).map((mount) => `mount ${mount}`),
    ...now.interfaces.filter((name) => !atFirst.interfaces.includes(name)).map((name) => `interface ${name}`),
  ];
}

function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
