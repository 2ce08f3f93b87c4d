import type { EpochMs } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import { addressesFor, guestAddressCount, macFor } from '../core/addresses';
import { isDuplicateKey } from '../db/connection';
import type { Repositories } from '../repositories/repositories';

/** Concurrent launches that wanted the same address; each round reads afresh what is taken. */
const rounds = 20;

/** So many are asked about first: all that are taken are read only where the network is nearly full. */
const triedFirst = 32;

/**
 * Gives an instance a MAC and an IPv4 address, unique in the site, in the caller's transaction. The keys
 * of the table decide races; a refused address costs one more look. Throws `conflict` when none is left.
 */
export async function allocateAddress(
  repositories: Repositories,
  network: SiteNetwork,
  instanceId: string,
  now: EpochMs,
): Promise<{ readonly mac: string; readonly address: string }> {
  const lost = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const address = await freeAddress(repositories, network, instanceId, lost);
    if (address === null) {
      throw new ParavclError(
        'conflict',
        `All ${guestAddressCount(network)} addresses of the guest network (gateway ${network.gateway}/${network.prefix}) are in use. Delete an instance you no longer need, or ask an administrator for a larger network.`,
      );
    }
    const mac = macFor(instanceId, round);
    try {
      await repositories.addresses.insert(address, mac, instanceId, now);
      return { mac, address };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // Which key refused is not asked: the next round takes another MAC, and another address if this one is gone.
      if (!(await repositories.addresses.macTaken(mac))) lost.add(address);
    }
  }
  throw new ParavclError('conflict', 'Too many instances are being launched at this moment. Try again in a few seconds.', { retryAfterSeconds: 3 });
}

/** The first that neither the books nor `lost` have; null when there is none. */
async function freeAddress({ addresses }: Pick<Repositories, 'addresses'>, network: SiteNetwork, instanceId: string, lost: ReadonlySet<string>): Promise<string | null> {
  const first = [...addressesFor(network, instanceId, triedFirst)];
  const isFree = (taken: ReadonlySet<string>) => (address: string) => !taken.has(address) && !lost.has(address);
  const found = first.find(isFree(await addresses.taken(first)));
  if (found !== undefined) return found;
  const free = isFree(await addresses.taken());
  for (const address of addressesFor(network, instanceId)) if (free(address)) return address;
  return null;
}
