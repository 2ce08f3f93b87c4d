import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { type AddressReservation, HypervisorError } from '../driver';
import type { SimulatedDomain, SimulatedHost } from './simulated-host';

/** The site's network on a simulated host. */
export class SimulatedSiteNetwork {
  private isDown = false;

  constructor(private readonly host: SimulatedHost) {}

  ensure(network: SiteNetwork): void {
    this.host.change(() => ({ network }));
    this.isDown = false;
  }

  reserve({ mac, address, name }: AddressReservation): void {
    this.requireKnown();
    this.requireUp();
    const differs = (each: AddressReservation): boolean => each.mac !== mac && each.address !== address && each.name !== name;
    this.host.change(({ reservations }) => ({ reservations: [...reservations.filter(differs), { mac, address, name }] }));
    const waiting = this.host.current.domains.find((domain) => domain.mac === mac && domain.state === 'running' && domain.booted);
    if (waiting !== undefined) this.takeAddress(waiting);
  }

  release(mac: string): void {
    this.requireKnown();
    this.requireUp();
    this.host.change(({ reservations, leases }) => ({
      reservations: reservations.filter((each) => each.mac !== mac),
      leases: leases.filter((each) => each !== mac),
    }));
  }

  reservations(): readonly AddressReservation[] {
    this.requireKnown();
    return this.host.current.reservations;
  }

  leasedMacs(): ReadonlySet<string> {
    this.requireKnown();
    return new Set(this.host.current.leases);
  }

  /** Before a guest boots: its lease of the boot before must not count. */
  forgetLease(mac: string): void {
    this.host.change(({ leases }) => ({ leases: leases.filter((each) => each !== mac) }));
  }

  /** A booted guest asks for its address again and again, so a reservation that comes late is found. */
  takeAddress({ mac }: SimulatedDomain): void {
    const reserved = this.host.current.reservations.some((each) => each.mac === mac);
    if (reserved) this.host.change(({ leases }) => ({ leases: [...leases.filter((each) => each !== mac), mac] }));
  }

  goDown(): void {
    this.isDown = true;
  }

  /** Throws `network-down` when it was taken down and not ensured since. */
  requireUp(): void {
    if (this.isDown) throw new HypervisorError('network-down', `simulated: network '${this.host.current.network?.name ?? ''}' is not active`);
  }

  /** Throws `wrong-state` before the first `ensure`. */
  requireKnown(): void {
    if (this.host.current.network === null) throw new HypervisorError('wrong-state', 'the site network is not known yet: call ensureNetwork first');
  }
}
