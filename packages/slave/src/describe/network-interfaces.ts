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

const named = (names: readonly string[]) => names.filter((name) => name !== 'lo' && name !== 'bonding_masters' && name.length <= 64).sort();

/** /proc/net/dev follows the process's namespace and lists interfaces without an address too. */
async function listed(proc: string): Promise<readonly string[]> {
  const dev = await readFile(join(proc, 'net/dev'), 'utf8');
  return named(dev.split('\n').flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []));
}

/**
 * Whether /sys shows the interfaces of our own network namespace. A process that entered another one
 * without mounting its own /sys still sees the old one's there, perhaps under the same names. Asked
 * again when the names differ, because taps come and go with guests between the two readings.
 */
async function sysfsIsOurs(roots: { readonly proc: string; readonly sys: string }, attempts = 3): Promise<boolean> {
  const [here, there] = await Promise.all([listed(roots.proc), readdir(join(roots.sys, 'class/net')).then(named, () => [])]);
  return here.join() === there.join() || (attempts > 1 && sysfsIsOurs(roots, attempts - 1));
}

async function look(sys: string | null, name: string, known: readonly NetworkInterfaceInfo[]): Promise<SeenInterface | null> {
  const path = (file: string) => join(sys ?? '/nowhere', 'class/net', name, file);
  const read = (file: string) => readFile(path(file), 'utf8').then((text) => text.trim(), () => null);
  const has = (file: string) => stat(path(file)).then(() => true, () => false);
  const written = await read('address');
  // The kernel's answer for this namespace goes before a file of what may be another one.
  const trusted = written !== null && (known[0] === undefined || known[0].mac === written);
  const mac = macSchema.safeParse(known[0]?.mac ?? written);
  if (!mac.success || mac.data === '00:00:00:00:00:00') return null;
  const speed = trusted ? Number((await read('speed')) ?? NaN) : NaN;
  const [hasDevice, isBridge, isTap, isPort] = await Promise.all([has('device'), has('bridge'), has('tun_flags'), has('brport')]);
  return {
    name,
    mac: mac.data,
    addresses: known.map((one) => one.address).slice(0, 64),
    // -1 or an error: the driver does not tell (virtio, wireless, cable out).
    linkSpeedMbps: Number.isInteger(speed) && speed > 0 ? speed : null,
    hasDevice: trusted && hasDevice,
    made: madeNames.test(name) || (trusted && (isBridge || isTap || isPort)),
  };
}

/**
 * Interfaces of this network namespace, loopback left out, by name. `roots` are /proc and /sys except
 * in tests. Where /sys shows another namespace, an interface without an address cannot be told.
 */
export async function readInterfaces(roots: { readonly proc: string; readonly sys: string }, os: OsInterfaces = networkInterfaces): Promise<readonly NetworkInterface[]> {
  const sys = (await sysfsIsOurs(roots)) ? roots.sys : null;
  const addresses = os();
  const seen = await Promise.all((await listed(roots.proc)).map((name) => look(sys, name, addresses[name] ?? [])));
  return markPhysical(seen.filter((one) => one !== null).slice(0, 256));
}
