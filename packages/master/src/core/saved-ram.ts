import type { Describe } from '@paravcl/shared/domain/slave';
import { movingRamProtocolVersion } from '@paravcl/shared/protocol/version';

/** The hypervisor that saved RAM: it is read back where guests have the same machine and the same processor. */
export type SavedOn = Pick<Describe['hypervisor'], 'kind' | 'machine' | 'cpu' | 'qemu'>;

/** What this slave saves RAM with. */
export function savedOnOf({ hypervisor: { kind, machine, cpu, qemu } }: Pick<Describe, 'hypervisor'>): SavedOn {
  return { kind, machine, cpu, qemu };
}

/**
 * Why a slave cannot go on with RAM that another one saved; null when it can. Machine type and processor are part of what was
 * saved, and an older QEMU does not read what a newer one wrote (libvirt, "Domain save and restore"; QEMU, "Migration: firmware and versions").
 * @param protocol of its agent; null while nobody knows
 */
export function whyNotWithRam(saved: SavedOn, there: SavedOn, protocol: number | null): string | null {
  if (protocol !== null && protocol < movingRamProtocolVersion) return `its agent is of an earlier release (protocol ${protocol}; it takes ${movingRamProtocolVersion})`;
  if (there.kind !== saved.kind) return `its RAM was saved under ${saved.kind}, and guests run under ${there.kind} there`;
  // What nobody told when it was saved the slave sees for itself: the RAM says it at its head.
  if (saved.machine !== null && there.machine !== saved.machine) return `its RAM was saved on a machine of type ${saved.machine}, and guests have ${there.machine ?? 'an unknown one'} there`;
  if (saved.cpu !== null && there.cpu !== saved.cpu) return `its RAM was saved on a processor ${saved.cpu}, and guests have ${there.cpu ?? 'an unknown one'} there`;
  if (isOlder(there.qemu, saved.qemu)) return `its RAM was saved by QEMU ${saved.qemu ?? ''}, and ${there.qemu ?? ''} there is older`;
  return null;
}

function isOlder(version: string | null, than: string | null): boolean {
  if (version === null || than === null) return false;
  const [own, other] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let at = 0; at < 2; at += 1) {
    const difference = (own?.[at] ?? 0) - (other?.[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
