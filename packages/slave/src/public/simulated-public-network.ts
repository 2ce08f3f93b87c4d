import type { Logger } from 'pino';
import type { RefusedMapping } from './judge-mappings';
import type { PublicNetwork } from './public-network';
import type { WantedMapping } from './wanted-mappings';

/** Guests of a simulated hypervisor have no network: nothing leads to them, and that is said once. */
export class SimulatedPublicNetwork implements PublicNetwork {
  private said = false;

  constructor(private readonly log: Pick<Logger, 'warn'>) {}

  apply(wanted: readonly WantedMapping[]): Promise<readonly RefusedMapping[]> {
    if (wanted.length > 0 && !this.said) {
      this.said = true;
      this.log.warn({ mappings: wanted.length }, 'the hypervisor is simulated: public addresses and ports lead to no guest of this host');
    }
    return Promise.resolve([]);
  }
}
