import type { Reason } from '@paravcl/shared/domain/reasons';
import type { InstanceRecord } from './instance-record';

type Stranded = Pick<InstanceRecord, 'id' | 'name' | 'desired' | 'recycledAt' | 'booted'>;

/**
 * Why an instance is lost whose slave left the pool for good, and what can be done: nothing that is on that slave is reached any more, nor
 * told what becomes of it. `isKept`: it can be recovered.
 */
export function outOfReach(instance: Stranded, slaveName: string, isKept: boolean): Reason {
  const next = instance.desired === 'deleted' ? 'It is deleted as soon as the other slaves that were given it have cleaned up. Nothing is left to do for you.' : wayOut(instance, slaveName, isKept);
  return { code: 'DomainLost', sentence: `${slaveName} has left the pool with the disk of ${instance.name}. ${next}` };
}

function wayOut(instance: Stranded, slaveName: string, isKept: boolean): string {
  if (!isKept) return 'Delete it and launch a new one.';
  return `${sayRecover(instance)}${instance.booted ? ': what it did since is lost' : ''}. If its guest still runs on ${slaveName}, have that ended there first: both would have one address.`;
}

/** "POST … starts i-ubuntu-9af elsewhere from its last snapshot", as `InstanceRelocation.recover` has it. */
export function sayRecover({ id, name, desired, recycledAt, booted }: Stranded): string {
  const path = `${recycledAt === null ? '' : 'Restore it from the recycle bin; then '}POST /api/v1/instances/${id}/recover`;
  if (!booted) return `${path} has ${name} go on elsewhere with what the store has of it`;
  return `${path} ${desired === 'running' ? `starts ${name} elsewhere` : `lets ${name} be started elsewhere`} from its last snapshot`;
}
