import { z } from 'zod';

/** What should be. Set by people through the API, by the scheduler, never by a slave. */
export const desiredStateSchema = z.enum(['running', 'suspended', 'stopped', 'deleted']);
export type DesiredState = z.infer<typeof desiredStateSchema>;

/** What is, as far as the master knows. */
export const observedStateSchema = z.enum([
  'requested',
  'queued',
  'preparing',
  'booting',
  'running',
  'suspending',
  'suspended',
  'resuming',
  'stopping',
  'stopped',
  'relocating',
  'failed',
  'lost',
  'deleted',
]);
export type ObservedState = z.infer<typeof observedStateSchema>;

/** What each state means to the person who owns the instance. */
export const observedStateMeanings: Readonly<Record<ObservedState, string>> = {
  requested: 'accepted; the scheduler has not looked at it yet',
  queued: 'waits for room, for an image or for a host; its reason says which',
  preparing: 'placed on a host; image, disk, seed and address are being made there',
  booting: 'the domain runs; the guest has not taken its address yet',
  running: 'the guest runs',
  suspending: 'the guest’s RAM is being written to the host’s disk, or it waits for that, paused',
  suspended: 'saved with everything open; uses disk, no cores and no RAM',
  resuming: 'the guest’s RAM is being read back',
  stopping: 'asked to shut down; destroyed at the deadline',
  stopped: 'off, its disk kept',
  relocating: 'moving to another host',
  failed: 'could not be done; the reason says why and what remains',
  lost: 'its host is silent or its domain vanished; nothing is started elsewhere',
  deleted: 'gone, and nothing of it is left on any host of the pool',
};

/**
 * The moves the master accepts, from the table of DESIGN §5. `deleted` is reachable from everywhere
 * because deletion is accepted in every state; `lost` because any slave can fall silent.
 * `queued` follows wherever a launch can turn out to have failed before the guest ever ran; `stopped` and `suspended` follow it, and it
 * follows them, for one that is in the store.
 * A slave's report may skip states that it passed through between two reports, so the table lists
 * every state that can be *seen* next, not only the next one in time. A host that restarted boots what
 * should run anew, so `preparing` follows whatever ran; a guest that was started or paused by hand on its
 * host is brought back from where it is.
 */
export const observedMoves: Readonly<Record<ObservedState, readonly ObservedState[]>> = {
  requested: ['queued', 'preparing', 'failed', 'deleted'],
  queued: ['preparing', 'suspended', 'stopped', 'failed', 'deleted'],
  preparing: ['queued', 'booting', 'running', 'suspending', 'suspended', 'resuming', 'stopping', 'stopped', 'failed', 'lost', 'deleted'],
  booting: ['queued', 'preparing', 'running', 'suspending', 'suspended', 'resuming', 'stopping', 'stopped', 'failed', 'lost', 'deleted'],
  running: ['preparing', 'booting', 'suspending', 'suspended', 'resuming', 'stopping', 'stopped', 'relocating', 'failed', 'lost', 'deleted'],
  suspending: ['preparing', 'booting', 'running', 'suspended', 'resuming', 'stopping', 'stopped', 'failed', 'lost', 'deleted'],
  suspended: ['queued', 'preparing', 'booting', 'running', 'suspending', 'resuming', 'stopping', 'stopped', 'relocating', 'failed', 'lost', 'deleted'],
  resuming: ['queued', 'preparing', 'booting', 'running', 'suspending', 'suspended', 'stopping', 'stopped', 'failed', 'lost', 'deleted'],
  stopping: ['queued', 'preparing', 'booting', 'running', 'suspended', 'resuming', 'stopped', 'failed', 'lost', 'deleted'],
  stopped: ['queued', 'preparing', 'booting', 'running', 'suspending', 'suspended', 'resuming', 'stopping', 'relocating', 'failed', 'lost', 'deleted'],
  relocating: ['running', 'suspended', 'stopped', 'booting', 'resuming', 'failed', 'lost', 'deleted'],
  failed: ['queued', 'preparing', 'booting', 'running', 'suspending', 'suspended', 'resuming', 'stopping', 'stopped', 'lost', 'deleted'],
  lost: ['queued', 'preparing', 'booting', 'running', 'suspending', 'suspended', 'resuming', 'stopping', 'stopped', 'relocating', 'failed', 'deleted'],
  deleted: [],
};

export function canMove(from: ObservedState, to: ObservedState): boolean {
  return observedMoves[from].includes(to);
}

const minute = 60_000;

export interface TransitionalState {
  /** Who has to bring the state to its end. */
  readonly owner: 'scheduler' | 'slave';
  /** After this long without an end the master calls it failed; its cleaning goes on. */
  readonly deadlineMs: number;
}

/**
 * Every state that must end by itself, its owner and its default deadline (DEFINITIONS, "Defaults").
 * `queued` has no deadline: waiting for room is legitimate and its reason is shown.
 * `stopping` allows the slave its two minutes of grace before it destroys the domain, and one more to do so.
 */
export const transitionalStates: Readonly<Partial<Record<ObservedState, TransitionalState>>> = {
  requested: { owner: 'scheduler', deadlineMs: 1 * minute },
  preparing: { owner: 'slave', deadlineMs: 15 * minute },
  booting: { owner: 'slave', deadlineMs: 5 * minute },
  suspending: { owner: 'slave', deadlineMs: 5 * minute },
  resuming: { owner: 'slave', deadlineMs: 5 * minute },
  stopping: { owner: 'slave', deadlineMs: 3 * minute },
  relocating: { owner: 'slave', deadlineMs: 30 * minute },
};

/** States in which the instance holds cores and RAM of its slave. */
export const holdsComputeStates: readonly ObservedState[] = [
  'preparing',
  'booting',
  'running',
  'suspending',
  'resuming',
  'stopping',
  'relocating',
  'lost',
];
