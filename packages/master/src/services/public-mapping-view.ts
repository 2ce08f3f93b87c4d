import type { PublicMappingView } from '@paravcl/shared/api/public-mappings';
import { ipv4Schema } from '@paravcl/shared/domain/limits';
import { publicMappingProtocolVersion } from '@paravcl/shared/protocol/version';
import { knownName } from '../core/deleted-name';
import type { InstanceRecord } from '../core/instance-record';
import type { PublicMappingRecord } from '../repositories/public-mapping-repository';
import type { SlaveRecord } from '../repositories/slave-record';

/** As people see it. `protocol`: what the agent of its slave speaks; null while that is not connected. */
export function publicMappingView({ id, mapping, createdAt }: PublicMappingRecord, instance: InstanceRecord, userName: string, slave: Pick<SlaveRecord, 'address'> | null, protocol: number | null): PublicMappingView {
  const runs = instance.desired === 'running' && instance.observed === 'running';
  const isTold = protocol !== null && protocol >= publicMappingProtocolVersion && instance.observedGeneration >= instance.generation;
  return {
    id, mapping,
    instanceId: instance.id,
    instanceName: knownName(instance),
    userName,
    reachedAt: reachedAt(mapping, slave),
    runs,
    inForce: runs && isTold,
    createdAt: new Date(createdAt).toISOString(),
  };
}

function reachedAt(mapping: PublicMappingRecord['mapping'], slave: Pick<SlaveRecord, 'address'> | null): PublicMappingView['reachedAt'] {
  if (mapping.kind === 'address') return { address: mapping.address, port: null };
  // An IPv4 address that came in by a socket for both families.
  const address = ipv4Schema.safeParse(slave?.address?.replace(/^::ffff:/i, ''));
  return address.success ? { address: address.data, port: mapping.publicPort } : null;
}
