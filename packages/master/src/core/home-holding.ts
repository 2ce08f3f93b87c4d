import type { EpochMs } from '@paravcl/shared/clock';
import type { HomeLeftover, HomeRecord } from './home-record';
import { atHome } from './home-record';
import type { InstanceRecord } from './instance-record';

/** What of an instance decides about the home volume of its owner. */
export type HomeUser = Pick<InstanceRecord, 'id' | 'slaveId' | 'desired' | 'observed' | 'queuedAt' | 'booted' | 'ramImageId'>;

export interface HomeChange {
  /** true: never without; false: never with it; null: where it is free. */
  readonly wish: boolean | null;
  readonly returnId: string;
  readonly now: EpochMs;
  /** Its slave has proved that it never ran there, whatever was heard of it before. */
  readonly neverRan?: boolean | undefined;
}

export interface HomeOutcome {
  readonly home: HomeRecord;
  readonly leftover: HomeLeftover | null;
  /** It would have had the volume now, and something else has it. */
  readonly isBusy: boolean;
}

/** States in which no guest can have written anything yet. */
const unstarted: readonly HomeUser['observed'][] = ['requested', 'queued', 'preparing'];

/** RAM that is restored is read before it goes on. */
function hasNotRun(instance: HomeUser): boolean {
  return !instance.booted && (unstarted.includes(instance.observed) || (instance.observed === 'resuming' && awaitsRam(instance)));
}

/**
 * Whether an instance keeps its owner's home volume: while it is to run, and while it waits to; and saved too, for its RAM has the
 * volume open. One that was given up without a slave does not: nothing of it will run before somebody asks again. Nor does one that
 * goes on with RAM from the store which knows of no volume.
 */
export function holdsHome(instance: HomeUser, { openInRamId }: Pick<HomeRecord, 'openInRamId'>): boolean {
  const { desired, observed, slaveId, queuedAt, ramImageId } = instance;
  if (desired === 'deleted' || observed === 'deleted' || (desired === 'stopped' && queuedAt === null)) return false;
  if (awaitsRam(instance)) return ramImageId === openInRamId;
  if (queuedAt !== null || desired === 'suspended') return true;
  return desired === 'running' && !(observed === 'failed' && slaveId === null);
}

function awaitsRam({ ramImageId, booted }: HomeUser): boolean {
  return ramImageId !== null && !booted;
}

const withoutRam = { openInRamId: null };

/** Whether the change of an instance can mean anything for a home volume: what is looked at before anything is read. */
export function concernsHome(before: HomeUser | null, after: HomeUser): boolean {
  if (before === null || before.slaveId !== after.slaveId || before.desired !== after.desired) return true;
  return awaitsRam(before) || awaitsRam(after) || holdsHome(before, withoutRam) !== holdsHome(after, withoutRam);
}

/**
 * What becomes of a home volume when an instance of its owner changes; `before` is null of one that was just asked for. In this order:
 *
 *  1. What leaves its slave leaves the volume behind: with nothing in it that counts when it never ran there, else it has to
 *     come back from there first, and the instance goes on without. Those that go with their instance were moved before (`homeArrived`, `homeSavedWith`).
 *  2. Who keeps it no longer gives it back. What may have been written has to come to the store first.
 *  3. Who is to run gets it when it is free: with the request, with a start, or when it is placed. Nobody gets it while it runs.
 *     Its last one takes it back on the same slave as long as it has not returned.
 *  4. It goes where its instance goes, under a new epoch.
 *
 */
export function homeAfter(home: HomeRecord, before: HomeUser | null, after: HomeUser, { wish, returnId, now, neverRan = false }: HomeChange): HomeOutcome {
  let next = home;
  let leftover: HomeLeftover | null = null;
  let isBusy = false;
  const isMine = (): boolean => next.instanceId === after.id;

  if (isMine() && next.state === 'attached' && next.slaveId !== null && next.slaveId !== after.slaveId) {
    if (before !== null && (neverRan || hasNotRun(before)) && !next.used) {
      leftover = { volumeId: next.id, slaveId: next.slaveId, epoch: next.epoch, lost: false };
      next = { ...next, slaveId: null };
    } else next = { ...next, state: 'returning', used: true, returnId, received: false, sentence: null };
  }
  if (isMine() && next.state === 'attached' && !holdsHome(after, next)) {
    const used = next.used || (before !== null && !unstarted.includes(before.observed));
    next = next.slaveId === null ? { ...next, ...atHome } : { ...next, state: 'returning', used, returnId, received: false, sentence: null };
  }
  // It begins without that RAM, or has gone on with it and writes.
  if (isMine() && next.openInRamId !== null && (after.booted || after.ramImageId !== next.openInRamId)) next = { ...next, openInRamId: null };
  const begins = before === null || (!holdsHome(before, home) && !awaitsRam(before)) || (before.slaveId === null && after.slaveId !== null);
  if (begins && holdsHome(after, next) && wish !== false && next.sizeMiB > 0 && !(isMine() && next.state === 'attached')) {
    const comesBack = isMine() && next.state === 'returning' && next.slaveId === after.slaveId;
    if (next.state === 'stored') next = { ...next, state: 'attached', instanceId: after.id };
    // What was written there before it was to return is nowhere else.
    else if (comesBack) next = { ...next, state: 'attached', returnId: null, received: false, sentence: null };
    else isBusy = true;
  }
  const goes = isMine() && next.state === 'attached' && next.slaveId === null && after.slaveId !== null && after.desired === 'running';
  // An operator took it away while it was waited with.
  if (goes && next.sizeMiB === 0 && next.openInRamId === null) next = { ...next, ...atHome };
  else if (goes) {
    // RAM that has it open goes on with it as large as it was.
    const attachedMiB = next.openInRamId === null ? next.sizeMiB : next.attachedMiB;
    next = { ...next, slaveId: after.slaveId, epoch: nextEpoch(next), attachedMiB };
  }
  return { home: next === home ? home : { ...next, changedAt: now }, leftover, isBusy };
}

/** Of its next way to a slave. */
export function nextEpoch({ epoch, toldEpoch }: Pick<HomeRecord, 'epoch' | 'toldEpoch'>): number {
  return Math.max(epoch, toldEpoch) + 1;
}

/** What becomes of it when its instance goes from a slave that has it: what is there still is nobody's then. */
export interface HomeTaken {
  readonly home: HomeRecord;
  readonly leftover: HomeLeftover;
}

/** It has gone with its instance, which runs, to another slave, and is there what it was here: also when it is to come back by now. */
export function homeArrived(home: HomeRecord, fromSlaveId: string, toSlaveId: string, epoch: number, now: EpochMs): HomeTaken {
  return { home: { ...home, slaveId: toSlaveId, epoch, used: true, received: false, changedAt: now }, leftover: { volumeId: home.id, slaveId: fromSlaveId, epoch: home.epoch, lost: false } };
}

/** It is in the store with the RAM that has it open, and waits there with its instance. `imageId`: what it holds; null: what it held before. */
export function homeSavedWith(home: HomeRecord, slaveId: string, { ramId, imageId }: { readonly ramId: string; readonly imageId: string | null }, now: EpochMs): HomeTaken {
  const next = { ...home, ...atHome, state: 'attached', instanceId: home.instanceId, attachedMiB: home.attachedMiB, imageId: imageId ?? home.imageId, openInRamId: ramId, changedAt: now } as const;
  return { home: next, leftover: { volumeId: home.id, slaveId, epoch: home.epoch, lost: false } };
}
