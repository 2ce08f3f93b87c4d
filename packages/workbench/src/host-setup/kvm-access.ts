import { chmod, chown, readFile, stat } from 'node:fs/promises';

/** What decides whether a user may open a device node. */
export interface NodeAccess {
  readonly mode: number;
  readonly gid: number;
}

/** True when members of `kvmGid` (the QEMU user is one) may read and write the node. */
export function groupMayUse(node: NodeAccess, kvmGid: number): boolean {
  const readWrite = 0o6;
  return (node.mode & readWrite) === readWrite || (node.gid === kvmGid && ((node.mode >> 3) & readWrite) === readWrite);
}

/**
 * Lets the QEMU user open /dev/kvm. Where root can open it and QEMU cannot, libvirt asks QEMU for its
 * capabilities about twenty times at every start of a guest: 76 s instead of 0.3 s.
 * Returns the sentence to show when something was changed or should be, null when all is well or there is no KVM.
 */
export async function mendKvmAccess(device = '/dev/kvm'): Promise<string | null> {
  const node = await stat(device).catch(() => null);
  if (node === null) return null;
  const gid = groupId(await readFile('/etc/group', 'utf8'), 'kvm');
  if (gid === null) return `The group kvm does not exist here: ${device} stays as it is. It comes with Debian's package qemu-system-common.`;
  if (groupMayUse(node, gid)) return null;
  if (process.getuid?.() !== 0) return `QEMU may not open ${device}, which makes guests start slowly. Run: sudo chgrp kvm ${device} && sudo chmod 660 ${device}`;
  await chown(device, node.uid, gid);
  await chmod(device, 0o660);
  return `${device} was closed to QEMU: gave it to group kvm (chgrp kvm ${device}; chmod 660 ${device})`;
}

/** Numeric id of a group in the text of group(5); null when it has none. */
export function groupId(groupFile: string, name: string): number | null {
  const line = groupFile.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const id = Number(line?.split(':')[2]);
  return line === undefined || !Number.isInteger(id) ? null : id;
}
