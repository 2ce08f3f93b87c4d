import type { DiskChain } from '../driver';
import { agentChannel, chainElements, homeTarget } from './domain-xml';
import { child, childrenNamed, type XmlElement } from './xml';

/** The device that is the guest's own disk. */
export const ownDisk = 'vda';

/** Files of the guest's own disk as its domain names them, from what it writes downwards; what is below and no file is left out. */
export function chainOf(domain: XmlElement): readonly string[] {
  const files: string[] = [];
  for (let at: XmlElement | undefined = diskOf(domain); at !== undefined; at = child(at, 'backingStore')) {
    const file = child(at, 'source')?.attributes['file'];
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** Whether an agent in the guest listens: libvirt shows it in the definition of a running domain. */
export function hasAgent(domain: XmlElement | undefined): boolean {
  const targets = childrenNamed(child(domain, 'devices'), 'channel').map((channel) => child(channel, 'target'));
  return targets.some((target) => target?.attributes['name'] === agentChannel && target.attributes['state'] === 'connected');
}

/** Whether a home volume is attached to it. */
export function hasHome(domain: XmlElement | undefined): boolean {
  return childrenNamed(child(domain, 'devices'), 'disk').some((disk) => child(disk, 'target')?.attributes['dev'] === homeTarget);
}

/** The same domain over another chain. */
export function withChain(domain: XmlElement, chain: DiskChain): XmlElement {
  const disk = diskOf(domain);
  const over = (parent: XmlElement, change: (each: XmlElement) => readonly XmlElement[]): XmlElement => ({ ...parent, children: parent.children.flatMap(change) });
  const isOfChain = ({ name }: XmlElement): boolean => name === 'source' || name === 'backingStore';
  const redirected = (own: XmlElement): XmlElement => {
    const [driver, ...rest] = own.children.filter((each) => !isOfChain(each));
    return { ...own, children: [...(driver === undefined ? [] : [driver]), ...chainElements(chain), ...rest] };
  };
  return over(domain, (part) => (part.name === 'devices' ? [over(part, (device) => [device === disk ? redirected(device) : device])] : [part]));
}

function diskOf(domain: XmlElement): XmlElement | undefined {
  return childrenNamed(child(domain, 'devices'), 'disk').find((disk) => child(disk, 'target')?.attributes['dev'] === ownDisk);
}
