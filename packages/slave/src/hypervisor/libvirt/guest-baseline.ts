import { HypervisorError } from '../driver';
import type { Virsh } from './virsh';
import { child, readXml } from './xml';

/** What every guest of the pool is built on, so that RAM saved on one slave can be read back on another. */
export interface GuestBaseline {
  readonly type: 'kvm' | 'qemu';
  /** Versioned machine type such as `pc-q35-7.2`: an alias (`q35`) means another machine after an upgrade of QEMU. */
  readonly machine: string;
  /** Named CPU model, see `defaultCpuModel`. */
  readonly cpu: string;
}

/**
 * `host-model` and `host-passthrough` would differ from slave to slave, and RAM saved under one CPU does
 * not restore under another. KVM: Nehalem is the oldest model with everything of x86-64-v2, which today's
 * distributions require, and every lab PC since about 2011, Intel or AMD, can offer it.
 * TCG: qemu64 is what the emulator does without loss.
 */
export const defaultCpuModel: Readonly<Record<GuestBaseline['type'], string>> = { kvm: 'Nehalem', qemu: 'qemu64' };

/** The versioned machine type that this host's `q35` stands for. Throws `unsupported` when QEMU names none. */
export async function ownMachine(virsh: Pick<Virsh, 'run'>, type: GuestBaseline['type']): Promise<string> {
  const xml = readXml(await virsh.run(['domcapabilities', '--virttype', type, '--arch', 'x86_64', '--machine', 'q35']));
  const machine = child(xml, 'machine')?.text ?? '';
  if (!/^pc-q35-\d/.test(machine)) throw new HypervisorError('unsupported', `QEMU names no versioned q35 machine (it says "${machine}"); set the machine type in the agent's configuration`);
  return machine;
}
