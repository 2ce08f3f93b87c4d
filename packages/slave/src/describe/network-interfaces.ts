import { readFile, readdir, stat } from 'node:fs/promises';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import { macSchema } from '@paravcl/shared/domain/limits';
import type { NetworkInterface } from '@paravcl/shared/domain/slave';

/** What the kernel tells of one interface. */
export interface SeenInterface {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly linkSpeedMbps: number | null;
  /** sysfs links it to a device: PCI, USB, virtio. */
  readonly hasDevice: boolean;
  /** Made by software and part of no machine's identity: loopback, bridge, tap, bridge port. */
  readonly made: boolean;
}

/** Names of interfaces that programs make, for where sysfs does not know the interface. */
const madeNames = /^(lo|virbr|br-|br\d|vnet|tap|tun|docker|ifb|dummy|wg|cni|flannel|pvcl)/;

/**
 * Marks the interfaces that identify the machine. Physical is what has a device behind it. Inside a
 * container or a network namespace nothing has: the machine's cable arrives as a veth or macvlan. Only
 * then every interface counts that is not loopback, bridge, tap or the port of a bridge.
 */
export function markPhysical(seen: readonly SeenInterface[]): readonly NetworkInterface[] {
  const anyDevice = seen.some((one) => one.hasDevice);
  return seen.map(({ name, mac, addresses, linkSpeedMbps, hasDevice, made }) => ({
    name,
    mac,
    physical: anyDevice ? hasDevice : !made,
    addresses: [...addresses],
    linkSpeedMbps,
  }));
}

type OsInterfaces = () => NodeJS.Dict<NetworkInterfaceInfo[]>;

async function look(sys: string, name: string, known: readonly NetworkInterfaceInfo[]): Promise<SeenInterface | null> {
  const directory = join(sys, 'class/net', name);
  const read = (file: string) => readFile(join(directory, file), 'utf8').then((text) => text.trim(), () => null);
  const has = (file: string) => stat(join(directory, file)).then(() => true, () => false);
  const written = await read('address');
  // A process that entered a network namespace without mounting its own /sys sees there the interfaces
  // of another one, perhaps under the same name. os.networkInterfaces asks the kernel of *this* one.
  const sysfsIsOurs = written !== null && (known[0] === undefined || known[0].mac === written);
  const mac = macSchema.safeParse(known[0]?.mac ?? written);
  if (!mac.success || mac.data === '00:00:00:00:00:00') return null;
  const speed = sysfsIsOurs ? Number((await read('speed')) ?? NaN) : NaN;
  const [hasDevice, isBridge, isTap, isPort] = await Promise.all(['device', 'bridge', 'tun_flags', 'brport'].map(has));
  return {
    name,
    mac: mac.data,
    addresses: known.map((one) => one.address).slice(0, 64),
    // -1 or an error: the driver does not tell (virtio, wireless, cable out).
    linkSpeedMbps: Number.isInteger(speed) && speed > 0 ? speed : null,
    hasDevice: sysfsIsOurs && hasDevice === true,
    made: madeNames.test(name) || (sysfsIsOurs && (isBridge === true || isTap === true || isPort === true)),
  };
}

/** Interfaces of this network namespace, loopback left out, by name. `roots` are /proc and /sys except in tests. */
export async function readInterfaces(roots: { readonly proc: string; readonly sys: string }, os: OsInterfaces = networkInterfaces): Promise<readonly NetworkInterface[]> {
  // /proc/net/dev follows the process's namespace and lists interfaces without an address too.
  const dev = await readFile(join(roots.proc, 'net/dev'), 'utf8').catch(() => '');
  const listed = dev.split('\n').flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
  const names = listed.length > 0 ? listed : await readdir(join(roots.sys, 'class/net'));
  const addresses = os();
  const seen = await Promise.all(names.filter((name) => name !== 'lo' && name.length <= 64).sort().map((name) => look(roots.sys, name, addresses[name] ?? [])));
  return markPhysical(seen.filter((one) => one !== null).slice(0, 256));
}
