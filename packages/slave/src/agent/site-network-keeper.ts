import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { Logger } from 'pino';
import type { HypervisorDriver } from '../hypervisor/driver';

const longestRetryMs = 15_000;

/** Keeps the site's network on this host: made before the first launch, made again when it was lost. */
export class SiteNetworkKeeper {
  private wanted: SiteNetwork | null = null;
  private made: SiteNetwork | null = null;
  private working = false;
  private attempts = 0;
  private cancel: Cancel | null = null;

  constructor(
    private readonly driver: HypervisorDriver,
    private readonly clock: Clock,
    private readonly log: Logger,
    /** The network is there: what waited for it can go on. */
    private readonly ready: () => void,
  ) {}

  isReady(): boolean {
    return this.made !== null && this.made === this.wanted;
  }

  /** Wants this network; looks even when it was made before, for somebody may have removed it. */
  want(network: SiteNetwork): void {
    if (this.wanted === null || JSON.stringify(this.wanted) !== JSON.stringify(network)) this.wanted = network;
    void this.make();
  }

  /** Looks again: no event tells that somebody took the network away. */
  look(): void {
    void this.make();
  }

  /** Something needed the network and it was not there. */
  lost(): void {
    this.made = null;
    void this.make();
  }

  stop(): void {
    this.cancel?.();
    this.wanted = null;
  }

  private async make(): Promise<void> {
    const network = this.wanted;
    if (network === null || this.working) return;
    this.working = true;
    this.cancel?.();
    try {
      await this.driver.ensureNetwork(network);
      const isNews = this.made !== network;
      this.made = network;
      this.attempts = 0;
      if (isNews) this.ready();
    } catch (error) {
      this.made = null;
      this.attempts += 1;
      const delayMs = Math.min(longestRetryMs, 500 * 2 ** Math.min(this.attempts, 6));
      this.log.error({ err: error, network: network.name, delayMs }, 'the guest network could not be made; no instance starts before it is there');
      this.cancel = this.clock.after(delayMs, () => void this.make());
    } finally {
      this.working = false;
    }
    if (this.wanted !== null && this.wanted !== network) void this.make();
  }
}
