import type { HostFinding } from '@paravcl/shared/domain/host-install';
import { hostProofSigningInput } from '@paravcl/shared/protocol/host-proof';
import { shellWord } from '@paravcl/shared/shell-quote';
import { randomBytes } from 'node:crypto';
import type { SlaveRecord } from '../repositories/slave-record';
import { isSignedBy } from './agent-key';
import type { HostVisit } from './host-visit';

/**
 * Has a host prove that it is that slave of the books, by the key of its agent: what it says of itself alone is believed in nothing. The nonce is
 * used this once. Empty: it proved it; otherwise the fault, with the way out.
 */
export async function unproven(visit: HostVisit, slave: Pick<SlaveRecord, 'id' | 'name' | 'publicKey'>, signal: AbortSignal): Promise<readonly HostFinding[]> {
  const nonce = randomBytes(32).toString('base64url');
  const proof = await visit.prove(nonce, signal);
  if ('signature' in proof && isSignedBy(slave.publicKey, hostProofSigningInput(nonce, slave.id), proof.signature)) return [];
  const why = 'fault' in proof ? proof.fault : `its answer is not signed with the key of ${slave.name}.`;
  return [{
    check: 'identity', level: 'fault',
    sentence: `${visit.address} says that it is ${slave.name} and does not prove it: ${why}`,
    remedy: `If it is ${slave.name} and lost its key, retire ${slave.name} first (in the portal, or paravcl slaves retire ${shellWord(slave.name)}), then begin again. If not, somebody makes it say so: look at who has root there.`,
  }];
}
