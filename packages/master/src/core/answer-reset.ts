import { beginsAnew, isInStore, type InstanceRecord } from './instance-record';

export type ResetAnswer =
  /** It is at its image's start already, or on its way there. */
  | { readonly kind: 'already' }
  /** No slave has anything of it: it waits for one, and begins from its image once it runs. */
  | { readonly kind: 'unmade' }
  /** It never got as far as to a slave: look for one again. */
  | { readonly kind: 'requeue' }
  /** Its slave removes what is there; it runs again from its image when it was to run, and is off otherwise. */
  | { readonly kind: 'anew'; readonly desired: 'running' | 'stopped'; readonly observed: 'preparing' | null }
  /** What was on its disk is in the store: it is forgotten, and the next start begins from its image. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'conflict'; readonly sentence: string };

/**
 * What a reset means for an instance as it is now. What is saved or on its way to be is off afterwards, for its save is gone; a
 * place in the queue stays as it is. The sentence of a conflict names the way out.
 * @param toOther it is to begin from another version of its image than the one it is of
 */
export function answerReset(instance: InstanceRecord, toOther: boolean): ResetAnswer {
  const { name, observed, desired, slaveId, booted, diskImageId } = instance;
  if (desired === 'deleted' || observed === 'deleted') return { kind: 'conflict', sentence: `${name} is being deleted. Launch a new one instead.` };
  // What lies over the disk that it left a slave with is not at its image's start.
  const changes = toOther || diskImageId !== null;
  if (observed === 'requested' || observed === 'queued') return { kind: changes ? 'unmade' : 'already' };
  if (isInStore(instance) && desired !== 'running') return { kind: 'forget' };
  if (slaveId === null) return { kind: 'requeue' };
  if (observed === 'relocating') return { kind: 'conflict', sentence: `${name} is on its way to another host. Reset it once it is there.` };
  const next = desired === 'running' ? 'running' : 'stopped';
  const untouched = !booted && (observed === 'preparing' || observed === 'stopped');
  if (!changes && desired === next && (beginsAnew(instance) || untouched) && observed !== 'failed') return { kind: 'already' };
  // Of one whose slave is silent nobody knows what it does, and what is off or saved says so until its slave has done it.
  return { kind: 'anew', desired: next, observed: next === 'running' && observed !== 'lost' ? 'preparing' : null };
}
