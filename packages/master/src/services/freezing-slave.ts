import { ParavclError } from '@paravcl/shared/errors';
import { diskSnapshotProtocolVersion } from '@paravcl/shared/protocol/version';
import type { Repositories } from '../repositories/repositories';
import type { AgentPort } from './ports';

/** Throws `slave-offline`, or `conflict` for an agent of an earlier release, unless the slave can freeze the disk of this instance now. */
export async function requireFreezer({ slaves }: Repositories, agents: Pick<AgentPort, 'isConnected' | 'protocolOf'>, instanceName: string, slaveId: string): Promise<void> {
  const protocol = agents.protocolOf(slaveId);
  if (agents.isConnected(slaveId) && (protocol === null || protocol >= diskSnapshotProtocolVersion)) return;
  const slaveName = (await slaves.find(slaveId))?.name ?? 'Its slave';
  if (!agents.isConnected(slaveId)) throw new ParavclError('slave-offline', `${slaveName} is not connected, so the disk of ${instanceName} cannot be taken from it. Ask again when it is back.`);
  throw new ParavclError('conflict', `${slaveName} runs an agent of an earlier release (protocol ${protocol ?? 'unknown'}; it takes ${diskSnapshotProtocolVersion} to freeze disks), which cannot take the disk of ${instanceName}. Update the agent there, which touches no guest, and ask again.`);
}
