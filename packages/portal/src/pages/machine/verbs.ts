import type { Instance } from '@paravcl/shared/domain/instance';

/** What one can do to a machine of one's own, by the routes of instances and snapshots. */
export const verbs = ['open', 'resume', 'start', 'retry', 'restore', 'suspend', 'stop', 'powerOff', 'moreTime', 'snapshot', 'move', 'recover', 'reset', 'recycle', 'delete'] as const;
export type Verb = (typeof verbs)[number];

export interface Offered {
  /** The next thing one wants of it; null while it is on its way or nothing can be done. */
  readonly primary: Verb | null;
  /** In the order of the menu; what destroys comes last. */
  readonly others: readonly Verb[];
}

type Standing = Pick<Instance, 'observed' | 'desired' | 'queuedAt' | 'recycledAt' | 'type' | 'slaveId' | 'inStore'>;

/** What a machine as it stands offers; the master has the last word about each. */
export function offeredBy({ observed, desired, queuedAt, recycledAt, type, slaveId, inStore }: Standing): Offered {
  if (desired === 'deleted') return { primary: null, others: [] };
  if (recycledAt !== null) return { primary: 'restore', others: ['delete'] };
  // A reservation's machine has the reservation's time.
  const time: readonly Verb[] = type === 'BE' ? ['moreTime'] : [];
  switch (observed) {
    case 'running':
      return { primary: 'open', others: ['suspend', ...time, 'snapshot', 'stop', 'powerOff', 'reset', 'delete'] };
    case 'booting':
      return { primary: 'open', others: [...time, 'stop', 'powerOff', 'delete'] };
    case 'suspended':
      // While it waits to go on, what one may want is to have it wait no longer.
      if (queuedAt !== null) return { primary: null, others: ['suspend', 'snapshot', 'delete'] };
      return { primary: 'resume', others: ['snapshot', 'powerOff', 'reset', 'recycle', 'delete'] };
    case 'stopped':
      return { primary: desired === 'running' ? null : 'start', others: ['snapshot', ...(slaveId !== null && !inStore ? (['move'] as const) : []), 'reset', 'recycle', 'delete'] };
    case 'failed':
      return { primary: 'retry', others: ['reset', 'delete'] };
    case 'lost':
      return { primary: null, others: ['recover', 'delete'] };
    case 'stopping':
      return { primary: null, others: ['powerOff', 'delete'] };
    case 'requested':
    case 'queued':
    case 'preparing':
    case 'suspending':
    case 'resuming':
    case 'relocating':
      return { primary: null, others: ['delete'] };
    case 'deleted':
      return { primary: null, others: [] };
  }
}
