import { HypervisorError } from '../driver';
import type { GuestBaseline } from './guest-baseline';
import type { Virsh } from './virsh';
import { child, readXml, type XmlElement } from './xml';

/** What a guest's RAM cannot be given to another one for, with how a domain says it. libvirt compares all of it when it restores. */
const traits: readonly { readonly what: string; readonly of: (domain: XmlElement) => string | undefined }[] = [
  { what: 'domain', of: (domain) => child(domain, 'uuid')?.text },
  { what: 'hypervisor', of: (domain) => domain.attributes['type'] },
  { what: 'machine type', of: (domain) => child(child(domain, 'os'), 'type')?.attributes['machine'] },
  { what: 'CPU', of: (domain) => child(child(domain, 'cpu'), 'model')?.text },
  { what: 'number of virtual CPUs', of: (domain) => child(domain, 'vcpu')?.text },
  { what: 'size of RAM in KiB', of: (domain) => child(domain, 'memory')?.text },
];

/**
 * Throws `wrong-state` when what saved `file` was another machine or CPU than guests are given here now, as after an upgrade of QEMU: it still goes
 * on here under its own definition, but no slave that defines it anew would read it.
 */
export async function checkMovableRam(virsh: Pick<Virsh, 'run'>, file: string, now: Pick<GuestBaseline, 'machine' | 'cpu'>): Promise<void> {
  const saved = readXml(await virsh.run(['save-image-dumpxml', '--file', file, '--security-info']));
  const [machine, cpu] = [child(child(saved, 'os'), 'type')?.attributes['machine'], child(child(saved, 'cpu'), 'model')?.text];
  if (machine === now.machine && cpu === now.cpu) return;
  throw new HypervisorError('wrong-state', `it was saved on a machine ${machine ?? 'unknown'} with the CPU ${cpu ?? 'unknown'}, and guests are given ${now.machine} with ${now.cpu} here by now, as they are elsewhere. Its RAM goes on here alone: resume it, and stop and start it once`);
}

/** Throws `save-unusable` unless `file` is RAM that this domain could have saved, by what libvirt wrote at its head. */
export async function checkOwnRam(virsh: Pick<Virsh, 'run'>, uuid: string, file: string): Promise<void> {
  const saved = readXml(
    await virsh.run(['save-image-dumpxml', '--file', file, '--security-info']).catch((error: unknown) => {
      if (!(error instanceof HypervisorError) || error.code !== 'save-unusable') throw error;
      throw new HypervisorError('save-unusable', `${file} is no RAM that a guest was saved with, or is damaged (${error.message}).`, { cause: error });
    }),
  );
  const own = readXml(await virsh.run(['dumpxml', '--domain', uuid, '--inactive', '--security-info']));
  const other = traits.find(({ of }) => of(saved) !== of(own));
  if (other === undefined) return;
  const way = other.what === 'domain' ? '' : ' It can go on only on hosts that are set up as the one it was saved on.';
  throw new HypervisorError('save-unusable', `The RAM in ${file} is of another ${other.what}: ${other.of(saved) ?? 'none'}, where domain ${uuid} has ${other.of(own) ?? 'none'}.${way}`);
}
