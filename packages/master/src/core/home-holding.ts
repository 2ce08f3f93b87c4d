import type { EpochMs } from '@paravcl/shared/clock';
import type { HomeLeftover, HomeRecord } from './home-record';
import { atHome } from './home-record';
import type { InstanceRecord } from './instance-record';

/** What of an instance decides about the home volume of its owner. */
export type HomeUser = Pick<InstanceRecord, 'id' | 'slaveId' | 'desired' | 'observed' | 'queuedAt' | 'booted' | 'ramImageId'>;

export interface HomeOutcome {
  readonly home: HomeRecord;
  readonly leftover: HomeLeftover | null;
  /** It would have had the volume now, and something else has it. */
  readonly isBusy: boolean;
}

/** States in which no guest can have written anything yet. */
const unstarted: readonly HomeUser['observed'][] = ['requested', 'queued', 'preparing'];

/**
 * Whether an instance keeps its owner's home volume: while it is to run, and while it waits to; and saved too, for its RAM has the
 * volume open. One that was given up without a slave does not: nothing of it will run before somebody asks again. Nor does one that
 * goes on with RAM from the store, for that RAM knows of no volume.
 */
export function holdsHome(instance: HomeUser): boolean {
  const { desired, observed, slaveId, queuedAt } = instance;
  if (desired === 'deleted' || observed === 'deleted' || awaitsRam(instance)) return false;
  if (queuedAt !== null || desired === 'suspended') return true;
  return desired === 'running' && !(observed === 'failed' && slaveId === null);
}

function awaitsRam({ ramImageId, booted }: HomeUser): boolean {
  return ramImageId !== null && !booted;
}

/** Whether the change of an instance can mean anything for a home volume: what is looked at before anything is read. */
export function concernsHome(before: HomeUser | null, after: HomeUser): boolean {
  return before === null || before.slaveId !== after.slaveId || holdsHome(before) !== holdsHome(after) || (before.desired !== 'running' && after.desired === 'running');
}

/**
 * What becomes of a home volume when an instance of its owner changes; `before` is null of one that was just asked for. In this order:
 *
 *  1. What leaves its slave leaves the volume behind: with nothing in it that counts when it never ran there, else it has to
 *     come back from there first, and the instance goes on without.
 *  2. Who keeps it no longer gives it back. What may have been written has to come to the store first.
 *  3. Who is to run gets it when it is free: with the request, with a start, or when it is placed. Nobody gets it while it runs.
 *     Its last one takes it back on the same slave as long as it has not returned.
 *  4. It goes where its instance goes, under a new epoch.
 *
 * @param wish true: never without; false: never with it; null: where it is free
 */
export function homeAfter(home: HomeRecord, before: HomeUser | null, after: HomeUser, { wish, returnId, now }: { readonly wish: boolean | null; readonly returnId: string; readonly now: EpochMs }): HomeOutcome {
  let next = home;
  let leftover: HomeLeftover | null = null;
  let isBusy = false;
  const isMine = (): boolean => next.instanceId === after.id;

  if (isMine() && next.state === 'attached' && next.slaveId !== null && next.slaveId !== after.slaveId) {
    if (before !== null && !before.booted && unstarted.includes(before.observed) && !next.used) {
      leftover = { volumeId: next.id, slaveId: next.slaveId, epoch: next.epoch, lost: false };
      next = { ...next, slaveId: null, attachedMiB: null };
    } else next = { ...next, state: 'returning', used: true, returnId, received: false, sentence: null };
  }
  if (isMine() && next.state === 'attached' && !holdsHome(after)) {
    const used = next.used || (before !== null && !unstarted.includes(before.observed));
    next = next.slaveId === null ? { ...next, ...atHome } : { ...next, state: 'returning', used, returnId, received: false, sentence: null };
  }
  const begins = before === null || (!holdsHome(before) && !awaitsRam(before)) || (before.slaveId === null && after.slaveId !== null);
  if (begins && holdsHome(after) && wish !== false && next.sizeMiB > 0 && !(isMine() && next.state === 'attached')) {
    const comesBack = isMine() && next.state === 'returning' && next.slaveId === after.slaveId;
    if (next.state === 'stored') next = { ...next, state: 'attached', instanceId: after.id };
    // What was written there before it was to return is nowhere else.
    else if (comesBack) next = { ...next, state: 'attached', returnId: null, received: false, sentence: null };
    else isBusy = true;
  }
  if (isMine() && next.state === 'attached' && next.slaveId === null && after.slaveId !== null && after.desired === 'running') {
    next = { ...next, slaveId: after.slaveId, epoch: next.epoch + 1, attachedMiB: next.sizeMiB };
  }
  return { home: next === home ? home : { ...next, changedAt: now }, leftover, isBusy };
}
