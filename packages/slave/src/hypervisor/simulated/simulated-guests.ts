import type { Clock } from '@paravcl/shared/clock';
import { isActive, type SimulatedDomain, type SimulatedHost } from './simulated-host';
import type { SimulatedSiteNetwork } from './simulated-site-network';

export interface SimulatedGuestsParts {
  readonly clock: Clock;
  readonly host: SimulatedHost;
  readonly network: SimulatedSiteNetwork;
  /** From a fresh start until the guest takes its address. */
  readonly bootMs: number;
  /** From the request to power off until it is off. */
  readonly shutdownMs: number;
  /** Called after each change of a domain. */
  readonly changed: (instanceId: string) => void;
}

/** What the guests of a simulated host do by themselves: boot, take their address, power off. Nothing while the driver is closed. */
export class SimulatedGuests {
  private readonly deaf = new Set<string>();
  private isOpen = false;

  constructor(private readonly parts: SimulatedGuestsParts) {}

  /** Guests went on while the agent was away. */
  open(): void {
    this.isOpen = true;
    for (const domain of this.parts.host.current.domains) {
      if (domain.state === 'running' && !domain.booted) this.bootLater(domain);
      if (domain.state === 'shutting-down') this.powerOffLater(domain.instanceId);
    }
  }

  close(): void {
    this.isOpen = false;
  }

  boot(domain: SimulatedDomain): void {
    const started: SimulatedDomain = { ...domain, state: 'running', booted: false, boots: domain.boots + 1 };
    this.parts.host.putDomain(started);
    this.parts.network.forgetLease(domain.mac);
    this.bootLater(started);
    this.parts.changed(domain.instanceId);
  }

  /** It powers off after a while, unless it ignores that. */
  askToPowerOff({ instanceId }: SimulatedDomain): void {
    if (!this.deaf.has(instanceId)) this.powerOffLater(instanceId);
  }

  ignoreShutdown(instanceId: string): void {
    this.deaf.add(instanceId);
  }

  private bootLater({ instanceId, boots }: SimulatedDomain): void {
    const { clock, host, network, bootMs } = this.parts;
    clock.after(bootMs, () => {
      const now = host.domain(instanceId);
      if (now?.state !== 'running' || now.boots !== boots || !this.isOpen) return;
      host.putDomain({ ...now, booted: true });
      network.takeAddress(now);
    });
  }

  private powerOffLater(instanceId: string): void {
    const { clock, host, shutdownMs, changed } = this.parts;
    clock.after(shutdownMs, () => {
      const now = host.domain(instanceId);
      if (!this.isOpen || now === undefined || !isActive(now)) return;
      host.putDomain({ ...now, state: 'off' });
      changed(instanceId);
    });
  }
}
