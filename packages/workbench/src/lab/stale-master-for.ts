import { join } from 'node:path';
import { readAgentMemory, type AgentMemory } from '../faults/agent-memory';
import { StaleMaster } from '../faults/stale-master';
import type { LabHost } from './lab-host';
import { labLayout } from './lab-layout';
import type { LabSite } from './lab-site';

/** A stale master that the host's agent believes, started, and what that agent remembers. Whoever asks for it stops it. */
export async function staleMasterFor(site: LabSite, host: LabHost): Promise<{ readonly stale: StaleMaster; readonly memory: AgentMemory }> {
  const memory = await readAgentMemory(join(host.options.directory, 'agent'));
  const stale = new StaleMaster({
    listen: { host: site.master.options.host, port: 0 },
    tlsDirectory: join(labLayout(site.options.stateDir).masterState, 'tls'),
    siteId: memory.siteId,
    network: memory.network,
    now: () => site.clock.now(),
  });
  await stale.start();
  return { stale, memory };
}
