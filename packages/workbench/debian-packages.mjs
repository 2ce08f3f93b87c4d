/**
 * Debian packages the project's commands need, each with files that prove it is there: one of them suffices,
 * because a file may also come from another package (a newer name, a local build).
 * `*` stands for the machine's library directory. Used before anything is built: plain JavaScript.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';

const sbin = (name) => [`/usr/sbin/${name}`, `/sbin/${name}`, `/usr/bin/${name}`, `/usr/local/sbin/${name}`, `/usr/local/bin/${name}`];
const bin = (name) => [`/usr/bin/${name}`, `/bin/${name}`, `/usr/local/bin/${name}`];

export const debianPackages = new Map([
  ['libvirt-daemon-system', ['/usr/lib/systemd/system/libvirtd.service', '/lib/systemd/system/libvirtd.service']],
  ['libvirt-clients', bin('virsh')],
  ['libvirt-daemon-driver-qemu', ['/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so']],
  ['qemu-system-x86', bin('qemu-system-x86_64')],
  ['qemu-utils', bin('qemu-img')],
  ['qemu-block-extra', ['/usr/lib/*/qemu/block-curl.so', '/usr/lib/*/qemu/block-ssh.so']],
  ['mariadb-server-core', sbin('mariadbd')],
  ['dnsmasq-base', sbin('dnsmasq')],
  ['nftables', sbin('nft')],
  ['iptables', sbin('iptables')],
  ['busybox-static', bin('busybox')],
  ['cpio', bin('cpio')],
  ['genisoimage', bin('genisoimage')],
  ['openssl', bin('openssl')],
  ['openssh-client', bin('ssh')],
  // What the installation of hosts is tried against.
  ['openssh-server', sbin('sshd')],
  ['iproute2', [...sbin('ip'), '/bin/ip']],
  ['util-linux', bin('setpriv')],
  // systemd-analyze looks at the units.
  ['systemd', bin('systemd-analyze')],
  ['curl', bin('curl')],
  ['kmod', sbin('depmod')],
  ['e2fsprogs', sbin('mke2fs')],
  // What tests look at the portal with, and letters for its screenshots.
  ['chromium', bin('chromium')],
  ['fonts-dejavu-core', ['/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf']],
]);

/** Names of the packages that are not on this machine. */
export function missingPackages(packages = debianPackages, exists = existsSync) {
  return [...packages].filter(([, proofs]) => !proofs.some((proof) => expand(proof).some(exists))).map(([name]) => name);
}

/** The one command that installs them, for a user who is not root. */
export function installCommand(missing) {
  return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`;
}

function expand(path) {
  const star = path.indexOf('/*/');
  if (star === -1) return [path];
  const parent = path.slice(0, star);
  try {
    return readdirSync(parent).map((name) => join(parent, name, dirname(path.slice(star + 3)), basename(path)));
  } catch {
    return [];
  }
}
