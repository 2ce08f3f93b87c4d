import { ParavclError } from '@paravcl/shared/errors';
import { diskSnapshotProtocolVersion, movingRamProtocolVersion, streamProtocolVersion } from '@paravcl/shared/protocol/version';
import type { Repositories } from '../repositories/repositories';
import type { AgentPort } from './ports';

type Agents = Pick<AgentPort, 'isConnected' | 'protocolOf'>;

/** Throws `slave-offline`, or `conflict` for an agent of an earlier release, unless the slave can freeze the disk of this instance now. */
export function requireFreezer(repositories: Repositories, agents: Agents, instanceName: string, slaveId: string): Promise<void> {
  return requireProtocol(repositories, agents, slaveId, diskSnapshotProtocolVersion, `the disk of ${instanceName}`);
}

/** The same of the RAM that this instance is saved with. */
export function requireRamKeeper(repositories: Repositories, agents: Agents, instanceName: string, slaveId: string): Promise<void> {
  return requireProtocol(repositories, agents, slaveId, movingRamProtocolVersion, `the RAM of ${instanceName}`);
}

/** The same of RAM that has the home volume of its instance's owner open, which leaves together with it. */
export function requireHomeKeeper(repositories: Repositories, agents: Agents, instanceName: string, slaveId: string): Promise<void> {
  return requireProtocol(repositories, agents, slaveId, streamProtocolVersion, `the RAM of ${instanceName} together with the home volume that it has open`);
}

async function requireProtocol({ slaves }: Repositories, agents: Agents, slaveId: string, needed: number, what: string): Promise<void> {
  const protocol = agents.protocolOf(slaveId);
  if (agents.isConnected(slaveId) && (protocol === null || protocol >= needed)) return;
  const slaveName = (await slaves.find(slaveId))?.name ?? 'Its host';
  if (!agents.isConnected(slaveId)) throw new ParavclError('slave-offline', `${slaveName} is not connected, so ${what} cannot be taken from it. Ask again when it is back.`);
  throw new ParavclError('conflict', `${slaveName} runs an agent of an earlier release (protocol ${protocol ?? 'unknown'}; it takes ${needed}), which cannot take ${what}. Update the agent there, which touches no guest, and ask again.`);
}
