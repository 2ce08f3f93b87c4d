import { access, constants, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseVirshVersion } from '../describe/hypervisor-versions';
import { lastComplaint, type RunTool } from '../describe/run-tool';
import { appArmorHooks, type AppArmorFacts, type LibvirtFacts, type ToolFacts } from './diagnose-hypervisor';

const sockets = [
  { daemon: 'libvirtd', path: 'libvirt-sock' },
  { daemon: 'virtqemud', path: 'virtqemud-sock' },
] as const;

/** Asks libvirt at `uri`, and looks which daemon's socket stands in `run/libvirt`. */
export async function collectLibvirt(uri: string, run: RunTool, runDirectory = '/run'): Promise<LibvirtFacts> {
  const answer = await run('virsh', ['--connect', uri, 'version', '--daemon'], 10_000);
  const versions = answer.exitStatus === 0 ? parseVirshVersion(answer.stdout) : { libvirt: null, qemu: null };
  const complaint = lastComplaint(answer).replace(/^error: /, '').replace(/\.$/, '');
  for (const { daemon, path } of sockets) {
    const socket = join(runDirectory, 'libvirt', path);
    if (await stat(socket).then((found) => found.isSocket(), () => false)) return { uri, versions, complaint, daemon, socket };
  }
  return { uri, versions, complaint, daemon: null, socket: null };
}

const tools: readonly Omit<ToolFacts, 'found'>[] = [
  { binary: 'virsh', purpose: 'the agent speaks with libvirt through it', debianPackage: 'libvirt-clients' },
  { binary: 'qemu-system-x86_64', purpose: 'it runs the guests', debianPackage: 'qemu-system-x86' },
  { binary: 'qemu-img', purpose: 'it makes the guests\' disks', debianPackage: 'qemu-utils' },
  { binary: 'genisoimage', purpose: 'it makes the disk that tells a guest its name, user and key', debianPackage: 'genisoimage' },
  { binary: 'dnsmasq', purpose: 'libvirt gives guests their addresses with it', debianPackage: 'dnsmasq-base' },
  { binary: 'nft', purpose: 'public addresses and ports lead to guests by it, where the site has a pool of them', debianPackage: 'nftables', onlySometimes: true },
];

const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** Looks for each tool's binary in `directories`. */
export async function collectTools(directories: readonly string[] = [...(process.env['PATH'] ?? '').split(':'), ...systemDirectories]): Promise<readonly ToolFacts[]> {
  const present = (binary: string) =>
    Promise.any(directories.filter(Boolean).map((directory) => access(join(directory, binary), constants.X_OK))).then(
      () => true,
      () => false,
    );
  return Promise.all(tools.map(async (tool) => ({ ...tool, found: await present(tool.binary) })));
}

/** Whether AppArmor confines guests here and knows our pool. Other roots than / for tests. */
export async function collectAppArmor(poolDir: string, root = '/'): Promise<AppArmorFacts> {
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => '');
  const enabled = (await read('sys/module/apparmor/parameters/enabled')).trim() === 'Y';
  const texts = await Promise.all(appArmorHooks.map(({ file }) => read(join('etc/apparmor.d', file))));
  const missingIn = appArmorHooks
    .filter(({ abstraction }, at) => !new RegExp(`^\\s*#?include (if exists )?<abstractions/${abstraction}>`, 'm').test(texts[at] ?? ''))
    .map(({ file }) => file);
  const rules = await Promise.all(appArmorHooks.map(({ abstraction }) => read(join('etc/apparmor.d/abstractions', abstraction))));
  return { enabled, missingIn, namesPool: rules.every((text) => text.includes(`${poolDir}/`)), poolDir };
}
