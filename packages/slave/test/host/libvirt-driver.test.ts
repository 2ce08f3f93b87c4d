import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { buildDemoGuest, demoGuestKernelArguments } from '@paravcl/workbench/guest/demo-guest';
import type { DomainFiles, DomainSpec } from '../../src/hypervisor/driver';
import { driverContract } from '../../src/hypervisor/driver.contract';
import type { ContractFixture } from '../../src/hypervisor/driver-under.contract';
import { LibvirtDriver } from '../../src/hypervisor/libvirt/libvirt-driver';

jest.setTimeout(180_000);

const network = { name: 'pv-contract', bridge: 'pvcontract0', gateway: '10.91.0.1', prefix: 16 };
const patienceMs = 90_000;

/** Never a shell; LC_ALL=C because the answers are compared. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { env: { ...process.env, LC_ALL: 'C' }, timeout: 60_000 });
  return stdout.trim();
}

const virsh = (...args: readonly string[]): Promise<string> => run('virsh', ['--quiet', '--connect', 'qemu:///system', ...args]);

/**
 * A first process that only writes to its disk, so that a host out of space stops it. It is given on the
 * kernel's command line, which shows that quotes and signs of XML get there whole.
 */
const writeForever =
  'rdinit=/bin/sh console=ttyS0 quiet -- -c "mount -t devtmpfs dev /dev; exec </dev/console >/dev/console 2>&1; ' +
  'while read -r m; do insmod /lib/modules/$m; done </lib/modules/load-order; ' +
  'i=1; while [ $i -gt 0 ] && echo count $i; do dd if=/bin/busybox of=/dev/vda bs=64k count=1 seek=$i conv=fsync 2>/dev/null; sleep 0.1; i=$((i+1)); done"';

async function realLibvirt(): Promise<ContractFixture> {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') {
    throw new Error('This suite makes domains and networks: run it inside a private host (npm test does, or node packages/workbench/dist/private-host.js -- …).');
  }
  const guest = await buildDemoGuest();
  const home = await mkdtemp(join(tmpdir(), 'paravcl-driver-'));
  // QEMU runs as a user of its own and makes its VNC socket in here.
  await chmod(home, 0o777);
  const slaveId = newId(Date.now());
  const driver = new LibvirtDriver({ type: 'qemu', slaveId, clock: systemClock });
  const foreignUuids: string[] = [];
  let ramCopies = 0;
  const mounts: string[] = [];

  const specIn = async (directory: string, instanceId: string, name: string, number: number): Promise<DomainSpec> => {
    const seedFiles = join(home, `${name}-seed`);
    await mkdir(seedFiles, { recursive: true });
    await writeFile(join(seedFiles, 'meta-data'), `instance-id: ${instanceId}\nlocal-hostname: ${name}\n`);
    await writeFile(join(seedFiles, 'user-data'), '#cloud-config\n{}\n');
    const files: DomainFiles = {
      overlay: join(directory, 'disk.qcow2'),
      layers: [],
      backing: { kind: 'file', path: guest.disk.path, format: 'raw' },
      seed: join(home, `${name}.iso`),
      kernel: guest.kernel.path,
      ramdisk: guest.ramdisk.path,
      serialLog: join(home, `${name}.log`),
      serialSocket: join(home, `${name}.serial`),
      vncSocket: join(home, `${name}.vnc`),
    };
    await run('genisoimage', ['-quiet', '-volid', 'cidata', '-joliet', '-rock', '-output', files.seed, seedFiles]);
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', guest.disk.path, '-F', 'raw', files.overlay]);
    return {
      instanceId,
      generation: 1,
      name,
      vcpus: 1,
      ramMiB: 128,
      mac: `00:16:3e:00:02:${number.toString(16).padStart(2, '0')}`,
      bandwidthMbps: null,
      kernelArguments: demoGuestKernelArguments,
      files,
    };
  };
  const counts = async (spec: DomainSpec): Promise<readonly number[]> => {
    const log = await readFile(spec.files.serialLog, 'utf8').catch(() => '');
    return [...log.matchAll(/^count (\d+)\r?$/gm)].map((match) => Number(match[1]));
  };

  return {
    driver,
    kind: 'qemu',
    network,
    patienceMs,
    spec: async (number) => {
      const directory = join(home, String(number));
      await mkdir(directory);
      return specIn(directory, newId(Date.now()), `i-contract-${String(number)}`, number);
    },
    peek: async (uuid) => {
      const state = await virsh('domstate', uuid).catch(() => 'absent');
      if (state === 'running' || state === 'paused' || state === 'absent') return state;
      if (state === 'shut off') return 'off';
      throw new Error(`virsh domstate ${uuid} says "${state}"`);
    },
    makeForeign: async () => {
      const uuid = newId(Date.now());
      const file = join(home, 'foreign.xml');
      await writeFile(file, `<domain type="qemu"><name>somebody-else</name><uuid>${uuid}</uuid><memory unit="MiB">32</memory><os><type>hvm</type></os></domain>`);
      await virsh('define', file);
      await virsh('start', uuid);
      foreignUuids.push(uuid);
      return uuid;
    },
    makeOtherSlaves: async (spec) => {
      const other = new LibvirtDriver({ type: 'qemu', slaveId: newId(Date.now()), clock: systemClock });
      await other.open();
      await other.ensureNetwork(network);
      await other.define(spec);
      await other.close();
      foreignUuids.push(spec.instanceId);
    },
    guestCounter: async (spec) => {
      const seen = (await counts(spec)).length;
      const end = performance.now() + patienceMs;
      while (performance.now() < end) {
        const now = await counts(spec);
        if (now.length > seen) return now.at(-1) ?? Number.NaN;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${spec.name} printed no new count; its log ends with ${JSON.stringify((await readFile(spec.files.serialLog, 'utf8')).slice(-300))}`);
    },
    brittleSpec: async (number) => {
      const directory = join(home, `brittle-${String(number)}`);
      await mkdir(directory);
      await run('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=777', 'tmpfs', directory]);
      mounts.push(directory);
      return { ...(await specIn(directory, newId(Date.now()), `i-brittle-${String(number)}`, number)), kernelArguments: writeForever };
    },
    failDisk: () => Promise.resolve(),
    mendDisk: async () => {
      for (const directory of mounts) await run('mount', ['-o', 'remount,size=64m', directory]);
    },
    layerOver: async (_, below) => {
      const layer = below.replace(/(-above)?\.qcow2$/, '-above$1.qcow2');
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', below, '-u', '-o', 'extended_l2=on,cluster_size=128k', layer, '64M']);
      return layer;
    },
    chain: async (uuid) => {
      const disk = /<disk[^>]*>(?:(?!<\/disk>)[^])*<target dev='vda'/.exec(await virsh('dumpxml', uuid))?.[0] ?? '';
      return [...disk.matchAll(/<source file='([^']+)'/g)].map((match) => match[1] ?? '');
    },
    damageSave: async (spec) => {
      // What a host that lost its power while saving leaves behind: the magic of a save that is not complete.
      const file = await open(`/var/lib/libvirt/qemu/save/pv-${spec.name}.save`, 'r+');
      await file.write('LibvirtQemudPart', 0);
      await file.close();
    },
    keepRam: async ({ name }, file) => {
      const kept = join(home, `${name}-${String((ramCopies += 1))}.ram`);
      await run('cp', ['--sparse=always', '--', file, kept]);
      await run('truncate', ['--size=%4096', '--', kept]);
      return kept;
    },
    noRam: async () => {
      const file = join(home, 'no.ram');
      await writeFile(file, Buffer.alloc(1024 * 1024, 7));
      return file;
    },
    dispose: async () => {
      for (const uuid of foreignUuids) {
        await virsh('destroy', uuid).catch(() => undefined);
        await virsh('undefine', uuid);
      }
      for (const directory of mounts) await run('umount', [directory]);
      await rm(home, { recursive: true });
    },
  };
}

driverContract('libvirt and QEMU', realLibvirt);

describe('the libvirt driver', () => {
  const driver = new LibvirtDriver({ type: 'qemu', slaveId: newId(Date.now()), clock: systemClock });
  const mine = { name: 'pv-moved', bridge: 'pvmoved0', gateway: '10.95.0.1', prefix: 16 };
  const until = async (what: string, isTrue: () => boolean): Promise<void> => {
    const end = performance.now() + 20_000;
    while (!isTrue()) {
      if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  beforeAll(() => driver.open());
  afterAll(async () => {
    await driver.close();
    await virsh('net-destroy', mine.name);
    await virsh('net-undefine', mine.name);
  });

  it('moves a network to the site’s new address unless a domain, whoever’s, is on it', async () => {
    await driver.ensureNetwork(mine);
    const directory = await mkdtemp(join(tmpdir(), 'paravcl-driver-'));
    const uuid = newId(Date.now());
    await writeFile(
      join(directory, 'd.xml'),
      `<domain type="qemu"><name>on-the-network</name><uuid>${uuid}</uuid><memory unit="MiB">32</memory><os><type>hvm</type></os><devices><interface type="network"><source network="${mine.name}"/></interface></devices></domain>`,
    );
    await virsh('define', join(directory, 'd.xml'));
    const moved = { ...mine, gateway: '10.96.0.1' };
    await expect(driver.ensureNetwork(moved)).rejects.toMatchObject({ code: 'wrong-state', message: expect.stringContaining('on-the-network') });
    expect(await virsh('net-dumpxml', mine.name)).toContain('10.95.0.1');
    await virsh('undefine', uuid);
    await driver.ensureNetwork(moved);
    expect(await virsh('net-dumpxml', mine.name)).toContain('10.96.0.1');
    expect(await virsh('net-info', mine.name)).toMatch(/Active:\s+yes[^]*Autostart:\s+yes/);
    await rm(directory, { recursive: true });
  });

  it('listens again after its event stream has died, and says that it missed something', async () => {
    const heard: string[] = [];
    const stop = driver.onEvent(({ what }) => heard.push(what));
    const children = await readFile(`/proc/${String(process.pid)}/task/${String(process.pid)}/children`, 'utf8');
    const streams: number[] = [];
    for (const pid of children.split(' ').filter((word) => word !== '')) {
      if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('event --all')) streams.push(Number(pid));
    }
    expect(streams).toHaveLength(1);
    heard.length = 0;
    for (const pid of streams) process.kill(pid, 'SIGKILL');
    await until('the gap is told twice', () => heard.filter((what) => what === 'resync').length >= 2);
    const directory = await mkdtemp(join(tmpdir(), 'paravcl-driver-'));
    await writeFile(join(directory, 'd.xml'), '<domain type="qemu"><name>passing</name><memory unit="MiB">32</memory><os><type>hvm</type></os></domain>');
    await virsh('define', join(directory, 'd.xml'));
    await until('a change is told', () => heard.includes('lifecycle'));
    await virsh('undefine', 'passing');
    await rm(directory, { recursive: true });
    stop();
  });
});
