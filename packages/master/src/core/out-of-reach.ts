import type { Reason } from '@paravcl/shared/domain/reasons';
import { shellWord } from '@paravcl/shared/shell-quote';
import type { InstanceRecord } from './instance-record';

type Stranded = Pick<InstanceRecord, 'name' | 'desired' | 'recycledAt' | 'booted'>;

/**
 * Why an instance is lost whose slave left the pool for good, and what can be done: nothing that is on that slave is reached any more, nor
 * told what becomes of it. `isKept`: it can be recovered.
 */
export function outOfReach(instance: Stranded, slaveName: string, isKept: boolean): Reason {
  const next = instance.desired === 'deleted' ? 'It is deleted as soon as the other hosts that were given it have cleaned up. Nothing is left to do for you.' : wayOut(instance, slaveName, isKept);
  return { code: 'DomainLost', sentence: `${slaveName} has left the pool with the disk of ${instance.name}. ${next}` };
}

function wayOut(instance: Stranded, slaveName: string, isKept: boolean): string {
  if (!isKept) return 'Delete it and launch a new one.';
  return `${sayRecover(instance)}${instance.booted ? ': what it did since is lost' : ''}. If its guest still runs on ${slaveName}, have that ended there first: both would have one address.`;
}

/** "Recovering it (…) starts i-ubuntu-9af elsewhere from its last snapshot", as `InstanceRelocation.recover` has it. */
export function sayRecover({ name, desired, recycledAt, booted }: Stranded): string {
  const recovering = `${recycledAt === null ? 'Recovering' : 'Restore it from the recycle bin; then recovering'} it (on its page, or by “paravcl instances recover ${shellWord(name)}”)`;
  if (!booted) return `${recovering} has ${name} go on elsewhere with what the store has of it`;
  return `${recovering} ${desired === 'running' ? `starts ${name} elsewhere` : `lets ${name} be started elsewhere`} from its last snapshot`;
}
