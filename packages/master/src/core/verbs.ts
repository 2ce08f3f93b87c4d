import type { DesiredState } from '@paravcl/shared/domain/instance-state';
import { isInStore, type InstanceRecord } from './instance-record';

export const verbs = ['start', 'stop', 'suspend', 'resume', 'delete'] as const;
export type Verb = (typeof verbs)[number];

export const desiredByVerb: Readonly<Record<Verb, DesiredState>> = {
  start: 'running',
  resume: 'running',
  stop: 'stopped',
  suspend: 'suspended',
  delete: 'deleted',
};

export type VerbAnswer =
  /** It is so already, or on its way there. */
  | { readonly kind: 'already' }
  | { readonly kind: 'change'; readonly desired: DesiredState }
  /** Never placed and never run: look for a slave again. */
  | { readonly kind: 'requeue' }
  /** It is to run where its disk is: the scheduler says when there is room. */
  | { readonly kind: 'enqueue' }
  /** It waited to go on, and is to stay as it is. */
  | { readonly kind: 'dequeue' }
  /** On no slave, its disk in the store: it is to stay saved with its RAM there, or off without. */
  | { readonly kind: 'withdraw'; readonly to: 'stopped' | 'suspended' }
  | { readonly kind: 'conflict'; readonly sentence: string };

const change = (verb: Verb): VerbAnswer => ({ kind: 'change', desired: desiredByVerb[verb] });
const conflict = (sentence: string): VerbAnswer => ({ kind: 'conflict', sentence });
const already: VerbAnswer = { kind: 'already' };

/** What a verb means for an instance as it is now; the sentence of a conflict names the way out. */
export function answerVerb(instance: InstanceRecord, verb: Verb, force: boolean): VerbAnswer {
  const { name, observed, desired, ramImageId } = instance;
  if (desired === 'deleted' || observed === 'deleted') {
    return verb === 'delete' ? already : conflict(`${name} is being deleted. Launch a new one instead.`);
  }
  if (verb === 'delete') return change(verb);
  if (verb === 'stop' && isInStore(instance) && (desired === 'running' || ramImageId !== null)) return { kind: 'withdraw', to: 'stopped' };
  if (verb === 'suspend' && desired === 'running' && isInStore(instance) && ramImageId !== null) return { kind: 'withdraw', to: 'suspended' };
  if (observed === 'requested' || observed === 'queued') {
    if (verb === 'start') return already;
    return conflict(`${name} has not started yet: it waits for a host. ${instance.diskImageId === null ? 'Delete it if you no longer want it.' : `Its disk is in the store; wait until it runs, or ${ramImageId === null ? 'stop' : 'suspend'} it.`}`);
  }
  switch (verb) {
    case 'stop':
      if (isInStore(instance)) return already;
      if (instance.slaveId === null) return conflict(`${name} was never launched, so there is nothing to stop. Start it again or delete it.`);
      return desired === 'stopped' && instance.queuedAt === null && !(force && !instance.stopForced && observed !== 'stopped') && observed !== 'failed' ? already : change(verb);
    case 'suspend':
      return answerSuspend(instance);
    case 'resume':
      if (desired === 'stopped' || observed === 'stopped') return conflict(`${name} is off, so there is nothing to resume. Start it instead.`);
      return answerRun(instance, verb);
    case 'start':
      return answerRun(instance, verb);
  }
}

function answerSuspend(instance: InstanceRecord): VerbAnswer {
  const { name, observed, desired, slaveId, queuedAt, ramImageId } = instance;
  if (queuedAt !== null && desired === 'suspended') return { kind: 'dequeue' };
  if (isInStore(instance) && ramImageId !== null) return already;
  if (isInStore(instance)) return conflict(`${name} is off and its disk is in the store, so there is nothing to save. Start it first.`);
  if (slaveId === null) return conflict(`${name} was never launched, so there is nothing to save. Start it again or delete it.`);
  if (desired === 'suspended' && observed !== 'failed') return already;
  if (observed === 'preparing') return conflict(`${name} is still being prepared. Suspend it once it boots, or stop it now.`);
  if (desired === 'stopped') return conflict(`${name} is off or shutting down, so there is nothing to save. Start it first.`);
  if (desired === 'running' && (observed === 'stopped' || observed === 'stopping')) return conflict(`${name} has not booted yet, so there is nothing to save. Suspend it once it boots, or stop it now.`);
  return change('suspend');
}

function answerRun(instance: InstanceRecord, verb: 'start' | 'resume'): VerbAnswer {
  if (instance.slaveId === null) return { kind: 'requeue' };
  const { desired, observed, queuedAt, reason } = instance;
  const answered = instance.observedGeneration === instance.generation;
  // It holds its room: it should run, or its guest still does because it cannot be saved, or may though its time to go was over.
  const cannotBeSaved = desired === 'suspended' && observed === 'running' && reason !== null && answered;
  const holdsItsRoom = cannotBeSaved || (observed === 'failed' && reason?.code === 'DeadlinePassed');
  if (holdsItsRoom || (desired === 'running' && (observed === 'failed' || observed === 'lost'))) return change(verb);
  if (desired === 'running' || queuedAt !== null) return already;
  return { kind: 'enqueue' };
}
