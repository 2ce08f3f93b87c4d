import { HypervisorError } from '../driver';
import { isActive, type SimulatedDomain, type SimulatedHost, wrongState } from './simulated-host';

const simulatedRam = '/simulated/ram/';
/** Of a guest whose RAM came through the simulated pool: as often as this one it has booted elsewhere. */
const bootsElsewhere = 1000;

/**
 * The RAM of saved guests on a simulated host. There is nothing in a file of it: its name tells whose RAM it is, and one of the
 * simulated pool is believed. Whose a domain is has been looked at before.
 */
export class SimulatedSavedRam {
  private readonly damaged = new Set<string>();

  constructor(
    private readonly host: SimulatedHost,
    /** Called after each change of a domain. */
    private readonly changed: (instanceId: string) => void,
  ) {}

  save(domain: SimulatedDomain): void {
    if (domain.state === 'saved') return;
    if (!isActive(domain) || domain.state === 'shutting-down') throw wrongState(domain, 'only a running guest has RAM to save');
    this.put({ ...domain, state: 'saved' });
  }

  /** Name of the file it would be in. */
  file(domain: SimulatedDomain): string {
    if (domain.state !== 'saved') throw wrongState(domain, 'only of one that is saved its RAM is kept in a file');
    return `${simulatedRam}${domain.instanceId}/${domain.boots}`;
  }

  adopt(domain: SimulatedDomain, file: string): void {
    const { instanceId, state } = domain;
    if (state === 'saved') return;
    if (state !== 'off') throw wrongState(domain, 'only one that is off can be given RAM');
    const [owner, boots] = file.startsWith(simulatedRam) ? file.slice(simulatedRam.length).split('/') : file.startsWith('/simulated/images/') ? [instanceId, bootsElsewhere] : [];
    if (owner !== instanceId) throw new HypervisorError('save-unusable', `simulated: ${file} is no RAM of ${instanceId}`);
    this.put({ ...domain, state: 'saved', booted: true, boots: Number(boots) });
  }

  restore(domain: SimulatedDomain): void {
    if (this.damaged.has(domain.instanceId)) throw new HypervisorError('save-unusable', `simulated: the saved RAM of ${domain.instanceId} cannot be read back`);
    this.put({ ...domain, state: 'running' });
  }

  /** What it has of a domain that goes. */
  forget(instanceId: string): void {
    this.damaged.delete(instanceId);
  }

  /** It cannot be read back from now on. */
  damage(instanceId: string): void {
    this.damaged.add(instanceId);
  }

  private put(domain: SimulatedDomain): void {
    this.host.putDomain(domain);
    this.changed(domain.instanceId);
  }
}
