import { HypervisorError } from '../driver';
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
  const way = other.what === 'domain' ? '' : ' It can go on only on slaves that are set up as the one it was saved on.';
  throw new HypervisorError('save-unusable', `The RAM in ${file} is of another ${other.what}: ${other.of(saved) ?? 'none'}, where domain ${uuid} has ${other.of(own) ?? 'none'}.${way}`);
}
