import type { EpochMs } from '@paravcl/shared/clock';
import type { Liveness } from '@paravcl/shared/domain/slave';
import { settled, type InstanceRecord } from './instance-record';

/**
 * Whether an instance waits for its slave, because that does not answer: nobody knows what runs there, and nothing that is asked
 * for is done. What is off or saved as it should be waits for nothing; what has failed or is deleted, for nobody. `liveness` is
 * its slave's; null: it has none.
 */
export function slaveIsAwaited(instance: Pick<InstanceRecord, 'desired' | 'observed' | 'generation' | 'observedGeneration'>, liveness: Liveness | null): boolean {
  if (liveness === null || liveness === 'online') return false;
  if (instance.observed === 'deleted' || instance.observed === 'failed') return false;
  return !settled(instance) || instance.observed === 'running';
}

/** An administrator said of it that it will not come back with what it has, and it has not come back since: what it has may start elsewhere. */
export function isDeclaredDead({ liveness, declaredDeadAt }: { readonly liveness: Liveness; readonly declaredDeadAt: EpochMs | null }): boolean {
  return liveness === 'lost' && declaredDeadAt !== null;
}
