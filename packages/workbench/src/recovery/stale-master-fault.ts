import { duplicates, olderDeletes, olderForgets } from '../faults/stale-orders';
import type { LabHost } from '../lab/lab-host';
import type { LabSite } from '../lab/lab-site';
import { staleMasterFor } from '../lab/stale-master-for';
import type { Injected } from './injected';

const comesWithinMs = 20_000;

/**
 * For one connection the agent meets a master of long ago: it deletes under older generations, forgets what is
 * known better, and repeats what it was told. Then the right master is there again. Null when the agent did not come.
 */
export async function meetStaleMaster(host: LabHost, site: LabSite): Promise<Injected | null> {
  const { link } = host;
  if (link === null) throw new Error(`${host.name} has no fault proxy: make the site with faultProxies.`);
  const known = await staleMasterFor(site, host).catch(() => null);
  if (known === null) return null;
  const { stale, memory } = known;
  try {
    await stale.lure(link, [olderDeletes(memory.desired), olderForgets(memory.desired), duplicates(memory.desired)], comesWithinMs);
  } catch {
    return null;
  } finally {
    await stale.stop();
  }
  return { what: `${host.name} met a master of long ago`, holdMs: 0, heal: async () => undefined };
}
