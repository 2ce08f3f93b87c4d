import type { DiskChain } from '../driver';
import { isActive, type SimulatedDomain, type SimulatedHost, wrongState } from './simulated-host';

/** The layers of guests' disks on a simulated host: names alone. Whose a domain is has been looked at before. */
export class SimulatedGuestDisks {
  constructor(private readonly host: SimulatedHost) {}

  switchTo(domain: SimulatedDomain, layer: string): void {
    if (!isActive(domain)) throw wrongState(domain, 'nobody writes its disk');
    if (domain.disk[0] !== layer) this.host.putDomain({ ...domain, disk: [layer, ...domain.disk] });
  }

  merge(domain: SimulatedDomain, base: string, over: readonly string[]): void {
    if (!isActive(domain)) throw wrongState(domain, 'its layers are merged when it runs');
    const top = over.at(-1) ?? base;
    const [from, to] = [domain.disk.indexOf(top), domain.disk.indexOf(base)];
    if (top === base) return;
    if (from === 0 || (from > 0 && to <= from)) throw wrongState(domain, `${top} cannot be merged into ${base}`);
    const disk = from < 0 ? domain.disk : domain.disk.filter((_, index) => index < from || index >= to);
    if (over.some((layer) => disk.includes(layer))) throw wrongState(domain, `its disk is ${disk.join(' over ')}`);
    this.host.putDomain({ ...domain, disk });
  }

  redirect(domain: SimulatedDomain, chain: DiskChain): void {
    if (isActive(domain)) throw wrongState(domain, 'only one that is off can go on with other files');
    this.host.putDomain({ ...domain, disk: filesOfChain(chain) });
  }
}

export function filesOfChain({ overlay, layers, backing }: DiskChain): string[] {
  return [overlay, ...layers, ...(backing.kind === 'file' ? [backing.path] : [])];
}
