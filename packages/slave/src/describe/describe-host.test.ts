import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { networkInterfaces, tmpdir, type NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import { describeSchema, type Describe } from '@paravcl/shared/domain/slave';
import { describeHost } from './describe-host';
import { parseVirshVersion } from './hypervisor-versions';
import { parseMeminfo } from './memory';
import { markPhysical, readInterfaces, type SeenInterface } from './network-interfaces';
import { parseCpuinfo } from './processor';

const hypervisor: Describe['hypervisor'] = { kind: 'qemu', why: 'test', usable: true, libvirt: '9.0.0', qemu: '7.2.22', machine: 'pc-i440fx-7.2', cpu: 'qemu64' };
const thread = (processor: number, physical: number, core: number) =>
  `processor\t: ${processor}\nmodel name\t: Intel(R)  Core(TM) i5-8500\nphysical id\t: ${physical}\ncore id\t\t: ${core}\nflags\t\t: fpu vmx aes\n`;

let root: string;
const put = (path: string, text: string) => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'paravcl-describe-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('describing a host', () => {
  it('tells cores, RAM, pool, load and interfaces of the roots it is given', async () => {
    put('proc/cpuinfo', [thread(0, 0, 0), thread(1, 0, 1), thread(2, 0, 0), thread(3, 0, 1)].join('\n'));
    put('proc/meminfo', 'MemTotal:       16384000 kB\nMemFree:          100000 kB\nMemAvailable:    8192000 kB\n');
    put('proc/loadavg', '1.25 0.50 0.20 1/100 4711\n');
    put('proc/net/dev', 'Inter-|   Receive\n face |bytes\n    lo: 1 2\n  eno1: 3 4\n');
    put('sys/class/net/eno1/address', '52:54:00:AA:bb:01\n');
    put('sys/class/net/eno1/speed', '1000\n');
    put('sys/class/net/eno1/device/vendor', '0x8086\n');
    const told = await describeHost({
      poolDir: root,
      hypervisor: () => Promise.resolve(hypervisor),
      relativeSpeed: (model) => Promise.resolve(model === 'Intel(R) Core(TM) i5-8500' ? 1.5 : NaN),
      clockOffsetMs: () => -12,
      roots: { proc: join(root, 'proc'), sys: join(root, 'sys') },
      os: { hostname: () => 'lab-pc-07', networkInterfaces: () => ({}) },
    });
    expect(told).toMatchObject({ hostname: 'lab-pc-07', cores: 2, threads: 4, relativeSpeed: 1.5, cpuFlags: ['fpu', 'vmx', 'aes'], load1: 1.25, clockOffsetMs: -12 });
    expect(told).toMatchObject({ ramTotalMiB: 16000, ramAvailableMiB: 8000, hypervisor });
    expect(told.interfaces).toEqual([{ name: 'eno1', mac: '52:54:00:aa:bb:01', physical: true, addresses: [], linkSpeedMbps: 1000 }]);
    expect(told.poolTotalMiB).toBeGreaterThan(told.poolAvailableMiB - 1);
  });

  it('tells no more than the host lends, and every byte of its pool', async () => {
    put('proc/cpuinfo', [thread(0, 0, 0), thread(1, 0, 1)].join('\n'));
    put('proc/meminfo', 'MemTotal:       16384000 kB\nMemAvailable:    8192000 kB\n');
    put('proc/loadavg', '0 0 0 1/100 4711\n');
    put('proc/net/dev', ' head\n head\n');
    const told = await describeHost({
      poolDir: root,
      offer: { cores: 1, ramMiB: 4096 },
      hypervisor: () => Promise.resolve(hypervisor),
      relativeSpeed: () => Promise.resolve(1),
      clockOffsetMs: () => null,
      roots: { proc: join(root, 'proc'), sys: join(root, 'sys') },
    });
    expect(told).toMatchObject({ cores: 1, threads: 1, ramTotalMiB: 4096, ramAvailableMiB: 4096 });
    expect(told.poolTotalMiB).toBeGreaterThan(0);
  });

  it('describes this very machine within the schema', async () => {
    const told = await describeHost({ poolDir: root, hypervisor: () => Promise.resolve(hypervisor), relativeSpeed: () => Promise.resolve(1), clockOffsetMs: () => null });
    expect(describeSchema.safeParse(told).success).toBe(true);
    expect(told.threads).toBe((readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s*:/gm) ?? []).length);
    const addressed = Object.entries(networkInterfaces()).filter(([name]) => name !== 'lo');
    expect(told.interfaces.map((one) => one.name)).toEqual(expect.arrayContaining(addressed.map(([name]) => name)));
  });

  it('refuses to describe a host without its pool', async () => {
    await expect(
      describeHost({ poolDir: join(root, 'gone'), hypervisor: () => Promise.resolve(hypervisor), relativeSpeed: () => Promise.resolve(1), clockOffsetMs: () => null }),
    ).rejects.toThrow('ENOENT');
  });
});

describe('interfaces', () => {
  const one = (name: string, more: Partial<SeenInterface>): SeenInterface => ({ name, mac: '52:54:00:00:00:01', addresses: [], linkSpeedMbps: null, hasDevice: false, made: false, ...more });
  const physical = (seen: readonly SeenInterface[]) => markPhysical(seen).filter((nic) => nic.physical).map((nic) => nic.name);

  it('are physical when a device is behind them, and then nothing else is', () => {
    expect(physical([one('eno1', { hasDevice: true }), one('veth0', {}), one('virbr0', { made: true })])).toEqual(['eno1']);
  });

  it('are physical inside a namespace when no program of this host made them', () => {
    expect(physical([one('eth0', {}), one('pvcl0', { made: true }), one('vnet3', { made: true })])).toEqual(['eth0']);
  });

  it('are not taken from the /sys of another network namespace', async () => {
    put('proc/net/dev', ' head\n head\n eth0: 1\n');
    put('sys/class/net/eth0/address', '52:54:00:00:00:99');
    put('sys/class/net/eth0/speed', '10000');
    put('sys/real-device/vendor', '');
    symlinkSync(join(root, 'sys/real-device'), join(root, 'sys/class/net/eth0/device'));
    const address = { address: '10.0.0.5', mac: '52:54:00:00:00:11' } as NetworkInterfaceInfo;
    expect(await readInterfaces({ proc: join(root, 'proc'), sys: join(root, 'sys') }, () => ({ eth0: [address] }))).toEqual([
      { name: 'eth0', mac: '52:54:00:00:00:11', physical: true, addresses: ['10.0.0.5'], linkSpeedMbps: null },
    ]);
  });

  it('are told by the kernel alone where /sys lists other names', async () => {
    put('proc/net/dev', ' head\n head\n eth0: 1\n peer0: 1\n');
    put('sys/class/net/eth0/address', '52:54:00:00:00:99');
    put('sys/class/net/eth0/device/vendor', '');
    expect(await readInterfaces({ proc: join(root, 'proc'), sys: join(root, 'sys') }, () => ({}))).toEqual([]);
  });

  it('leave out bridges and their ports in a namespace by what sysfs tells', async () => {
    put('proc/net/dev', ' head\n head\n eth0: 1\n lab: 1\n port: 1\n');
    for (const [name, mac] of [['eth0', '52:54:00:00:00:01'], ['lab', '52:54:00:00:00:02'], ['port', '52:54:00:00:00:03']] as const) put(`sys/class/net/${name}/address`, mac);
    put('sys/class/net/lab/bridge/bridge_id', '');
    put('sys/class/net/port/brport/state', '');
    const nics = await readInterfaces({ proc: join(root, 'proc'), sys: join(root, 'sys') }, () => ({}));
    expect(nics.map((nic) => [nic.name, nic.physical])).toEqual([['eth0', true], ['lab', false], ['port', false]]);
  });
});

describe('reading what the kernel and the tools print', () => {
  it('counts threads as cores where the kernel tells no core ids', () => {
    expect(parseCpuinfo('processor\t: 0\nFeatures\t: fp asimd\n\nprocessor\t: 1\n')).toEqual({ model: 'unknown', flags: ['fp', 'asimd'], cores: 2, threads: 2 });
  });

  it('counts the same core id in two sockets as two cores', () => {
    expect(parseCpuinfo([thread(0, 0, 0), thread(1, 1, 0)].join('\n')).cores).toBe(2);
  });

  it('does not take another file for /proc/meminfo', () => {
    expect(() => parseMeminfo('hello')).toThrow('MemTotal');
  });

  it('prefers the daemon\'s version of libvirt to the library\'s', () => {
    const text = 'Compiled against library: libvirt 9.0.0\nUsing library: libvirt 9.0.0\nUsing API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.22\nRunning against daemon: 9.1.0\n';
    expect(parseVirshVersion(text)).toEqual({ libvirt: '9.1.0', qemu: '7.2.22' });
    expect(parseVirshVersion('error: failed to connect')).toEqual({ libvirt: null, qemu: null });
  });
});
