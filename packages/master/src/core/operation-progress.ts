import type { Operation } from '@paravcl/shared/api/operations';
import { fit } from './say';
import { abandoned, beginsAnew, isInStore, settled, type InstanceRecord } from './instance-record';

export interface OperationProgress {
  readonly state: Exclude<Operation['state'], 'superseded'>;
  readonly sentence: string;
}

/**
 * How the operation under the instance's newest generation stands: done when what should be is, failed
 * when the slave (or the master's deadline) says so under that generation, or has nothing of it any more, else where it is, in words.
 * @param leftOn slaves that left the pool with something of it; asked of one that is deleted
 */
export function operationProgress(instance: InstanceRecord, slaveName: string | null, leftOn: readonly string[] = []): OperationProgress {
  const { name } = instance;
  const where = slaveName ?? 'its host';
  if (instance.queuedAt !== null) return { state: 'pending', sentence: fit(instance.reason?.sentence ?? asked(instance, where)) };
  if (settled(instance)) return { state: 'done', sentence: fit(fulfilled(instance, where, leftOn)) };
  // A deletion goes on: others may have something of it.
  const isGone = abandoned(instance) && instance.desired !== 'deleted';
  if (isGone || (instance.observed === 'failed' && instance.observedGeneration === instance.generation)) {
    return { state: 'failed', sentence: fit(instance.reason?.sentence ?? `${name} failed on ${where}.`) };
  }
  return { state: 'pending', sentence: fit(underWay(instance, where)) };
}

/** To go on where its disk is, and nobody has looked yet whether there is room: most often there is, and it goes on within the second. */
function asked({ name, observed }: InstanceRecord, where: string): string {
  return observed === 'lost' ? `${where} is offline; ${name} waits for it, and for room there` : `looking for room for ${name} on ${where}, where its disk is`;
}

function fulfilled(instance: InstanceRecord, where: string, leftOn: readonly string[]): string {
  const { desired, name, address, booted } = instance;
  switch (desired) {
    case 'running':
      return `${name} runs on ${where}${address === null ? '' : ` at ${address}`}.`;
    case 'suspended':
      return isInStore(instance) ? `${name} is saved with everything open, its disk and its RAM in the store. Resume it, and it goes on wherever guests have the same machine.` : `${name} is saved on ${where} with everything open.`;
    case 'stopped':
      if (isInStore(instance)) return `${name} is off, and its disk is in the store. Start it, and it goes on wherever there is room.`;
      return booted ? `${name} is off. Its disk is kept.` : `${name} is off, and nothing is on its disk yet: it begins from its image.`;
    case 'deleted':
      if (leftOn.length > 0) return `${name} is deleted here. ${leftOn.join(' and ')} left the pool with what it had of it: whoever runs that machine ends it there by hand.`;
      return `${name} is gone, and nothing of it is left.`;
  }
}

function underWay(instance: InstanceRecord, where: string): string {
  const { name, desired, observed, reason } = instance;
  if (desired === 'deleted') return `deleting ${name} on ${where}`;
  if (beginsAnew(instance)) return reason?.sentence ?? `${name} begins anew on ${where}: what was on its disk goes first`;
  switch (observed) {
    case 'requested':
      return `looking for a host for ${name}`;
    case 'queued':
      return reason?.sentence ?? `${name} waits for a host`;
    case 'preparing':
      return `preparing on ${where}${instance.progressPercent === null ? '' : `: image ${Math.floor(instance.progressPercent)} %`}`;
    case 'booting':
      return `booting on ${where}`;
    case 'suspending':
      return `saving ${name} on ${where}`;
    case 'resuming':
      return `${name} is coming back on ${where}`;
    case 'stopping':
      return `shutting ${name} down on ${where}`;
    case 'lost':
      return reason?.sentence ?? `${where} is offline; ${name} waits for it`;
    default:
      return `${where} was asked to ${{ running: 'start', suspended: 'save', stopped: 'stop' }[desired]} ${name}`;
  }
}
