import type { Clock } from '@paravcl/shared/clock';
import { isIP } from 'node:net';
import type { UnitOfWork } from '../db/unit-of-work';
import type { SlaveRecord } from '../repositories/slave-record';

/** As long as what was read is believed: a host that is new meanwhile is known this much later. */
const freshMs = 10_000;

/**
 * The addresses of the pool's hosts: where their agents connected from last, and what their interfaces have. Guests leave by them (NAT), so
 * what comes from there may be anybody's guest. Read at most once in ten seconds, however many ask.
 */
export class PoolAddresses {
  private known: { readonly untilMs: number; readonly addresses: Promise<readonly string[]> } | null = null;

  constructor(
    private readonly unit: Pick<UnitOfWork, 'read'>,
    private readonly clock: Clock,
  ) {}

  async addresses(): Promise<readonly string[]> {
    const nowMs = this.clock.monotonicMs();
    if (this.known === null || nowMs >= this.known.untilMs) {
      const reading = { untilMs: nowMs + freshMs, addresses: this.read() };
      this.known = reading;
      // What could not be read is asked for again by the next.
      reading.addresses.catch(() => { if (this.known === reading) this.known = null; });
    }
    return this.known.addresses;
  }

  private async read(): Promise<readonly string[]> {
    return (await this.unit.read.fleet.unretired()).flatMap(addressesOf);
  }
}

function addressesOf({ address, presented, describe }: SlaveRecord): readonly string[] {
  const said = [address, presented?.address ?? null, ...describe.interfaces.flatMap(({ addresses }) => addresses)];
  return said.flatMap((each) => {
    const [bare = ''] = (each ?? '').split(/[%/]/);
    return isIP(bare) === 0 ? [] : [bare];
  });
}
