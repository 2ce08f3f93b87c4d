import type { Transport } from '@paravcl/shared/domain/public-mapping';
import { ParavclError } from '@paravcl/shared/errors';
import { isDuplicateKey } from '../db/connection';
import type { PublicMappingRecord } from '../repositories/public-mapping-repository';
import type { Repositories } from '../repositories/repositories';
import type { PublicPoolSettings } from './public-pool';

/** People who wanted the same at the same moment; each round reads afresh what is taken. */
const rounds = 20;

export type NewMapping = Omit<PublicMappingRecord, 'mapping' | 'leavingGeneration'>;

/** Gives an instance the first free address of the pool, in the caller's transaction; the table's keys decide races. Throws `conflict` when none is left. */
export async function allocatePublicAddress(repositories: Repositories, { addresses, ports }: PublicPoolSettings, made: NewMapping, before: string | null): Promise<PublicMappingRecord> {
  return insertFirst(repositories, made, async (lost) => {
    const taken = await repositories.publicMappings.takenAddresses();
    const free = [...(before === null ? [] : [before]), ...addresses].find((each) => !taken.has(each) && !lost.has(each));
    if (free !== undefined) return { kind: 'address', address: free };
    const [are, all] = addresses.length === 1 ? ['is', 'The one public address'] : ['are', `All ${addresses.length} public addresses`];
    throw new ParavclError('conflict', `${all} of the site ${are} in use. ${ports === null ? '' : 'Map a port instead, or '}${ports === null ? 'T' : 't'}ake one back that you no longer need, or ask an administrator for more.`);
  });
}

/** Gives a port of a guest the first free public port, as `allocatePublicAddress` does. It is one in the site, whichever slave the guest is on: so it may move. */
export async function allocatePublicPort(repositories: Repositories, { from, to }: { readonly from: number; readonly to: number }, made: NewMapping, guest: { readonly transport: Transport; readonly guestPort: number }, before: number | null): Promise<PublicMappingRecord> {
  const { transport, guestPort } = guest;
  return insertFirst(repositories, made, async (lost) => {
    const taken = await repositories.publicMappings.takenPorts(transport);
    const isFree = (port: number): boolean => !taken.has(port) && !lost.has(String(port));
    if (before !== null && isFree(before)) return { kind: 'port', transport, publicPort: before, guestPort };
    for (let port = from; port <= to; port++) if (isFree(port)) return { kind: 'port', transport, publicPort: port, guestPort };
    throw new ParavclError('conflict', `All public ${transport} ports of the site, ${from} to ${to}, are in use. Take one back that you no longer need, or ask an administrator for more.`);
  });
}

async function insertFirst({ publicMappings }: Repositories, made: NewMapping, choose: (lost: ReadonlySet<string>) => Promise<PublicMappingRecord['mapping']>): Promise<PublicMappingRecord> {
  const lost = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const mapping = await choose(lost);
    const record: PublicMappingRecord = { ...made, mapping, leavingGeneration: null };
    try {
      await publicMappings.insert(record);
      return record;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      lost.add(mapping.kind === 'address' ? mapping.address : String(mapping.publicPort));
    }
  }
  throw new ParavclError('conflict', 'Too many people map something at this moment. Try again in a few seconds.', { retryAfterSeconds: 3 });
}
