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

/** RAM from the store is what it goes on with next. */
export function awaitsRam({ ramImageId, booted }: Pick<HomeUser, 'ramImageId' | 'booted'>): boolean {
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
 *  1. What leaves its slave leaves the volume behind. Those that go with their instance were moved before (`homeArrived`, `homeSavedWith`).
 *  2. Who keeps it no longer gives it back.
 *  3. RAM in the store that has it open is forgotten once its instance goes on, with it or without.
 *  4. Who is to run gets it when it is free: with the request, with a start, or when it is placed. Nobody gets it while it runs.
 *  5. It goes where its instance goes, under a new epoch.
 */
export function homeAfter(home: HomeRecord, before: HomeUser | null, after: HomeUser, change: HomeChange): HomeOutcome {
  const { home: behind, leftover } = leftBehind(home, before, after, change);
  const free = withoutUsedRam(givenBack(behind, before, after, change), after);
  const begins = before === null || (!holdsHome(before, home) && !awaitsRam(before)) || (before.slaveId === null && after.slaveId !== null);
  const had = begins && change.wish !== false ? taken(free, after) : { home: free, isBusy: false };
  const next = gone(had.home, after);
  return { home: next === home ? home : { ...next, changedAt: change.now }, leftover, isBusy: had.isBusy };
}

function has({ id }: HomeUser, { state, instanceId }: HomeRecord): boolean {
  return state === 'attached' && instanceId === id;
}

/** Nothing in it counts there when its instance never ran; else it has to come back from there, and the instance goes on without. */
function leftBehind(home: HomeRecord, before: HomeUser | null, after: HomeUser, change: HomeChange): Pick<HomeOutcome, 'home' | 'leftover'> {
  const { id: volumeId, slaveId, epoch } = home;
  if (!has(after, home) || slaveId === null || slaveId === after.slaveId) return { home, leftover: null };
  const isUnwritten = before !== null && (change.neverRan === true || hasNotRun(before)) && !home.used;
  return isUnwritten ? { home: { ...home, slaveId: null }, leftover: { volumeId, slaveId, epoch, lost: false } } : { home: returning(home, true, change), leftover: null };
}

/** What may have been written has to come to the store first. */
function givenBack(home: HomeRecord, before: HomeUser | null, after: HomeUser, change: HomeChange): HomeRecord {
  if (!has(after, home) || holdsHome(after, home)) return home;
  const mayBeWritten = home.used || (before !== null && !unstarted.includes(before.observed));
  return home.slaveId === null ? { ...home, ...atHome } : returning(home, mayBeWritten, change);
}

function returning(home: HomeRecord, used: boolean, { returnId }: HomeChange): HomeRecord {
  return { ...home, state: 'returning', used, returnId, received: false, sentence: null };
}

function withoutUsedRam(home: HomeRecord, after: HomeUser): HomeRecord {
  const isUsed = home.openInRamId !== null && (after.booted || after.ramImageId !== home.openInRamId);
  return home.instanceId === after.id && isUsed ? { ...home, openInRamId: null } : home;
}

/** Its last one takes it back on the same slave as long as it has not returned: what was written there is nowhere else. */
function taken(home: HomeRecord, after: HomeUser): Pick<HomeOutcome, 'home' | 'isBusy'> {
  if (!holdsHome(after, home) || home.sizeMiB === 0 || has(after, home)) return { home, isBusy: false };
  if (home.state === 'stored') return { home: { ...home, state: 'attached', instanceId: after.id }, isBusy: false };
  const comesBack = home.state === 'returning' && home.instanceId === after.id && home.slaveId === after.slaveId;
  return comesBack ? { home: { ...home, state: 'attached', returnId: null, received: false, sentence: null }, isBusy: false } : { home, isBusy: true };
}

function gone(home: HomeRecord, after: HomeUser): HomeRecord {
  const goes = has(after, home) && home.slaveId === null && after.slaveId !== null && after.desired === 'running';
  if (!goes) return home;
  const isOpenInRam = home.openInRamId !== null;
  // An operator took it away while it was waited with.
  if (home.sizeMiB === 0 && !isOpenInRam) return { ...home, ...atHome };
  // RAM that has it open goes on with it as large as it was.
  return { ...home, slaveId: after.slaveId, epoch: nextEpoch(home), attachedMiB: isOpenInRam ? home.attachedMiB : home.sizeMiB };
}

/**
 * It was given up with its slave, which is back, and nobody has had it since: whoever had it there has it as before, and when that is off or
 * gone, it comes back from there.
 */
export function homeTakenUp(home: HomeRecord, { slaveId, givenUp }: HomeLeftover, holder: HomeUser | null, { returnId, now }: Pick<HomeChange, 'returnId' | 'now'>): HomeRecord {
  const there = { ...home, slaveId, instanceId: givenUp?.instanceId ?? null, attachedMiB: givenUp?.attachedMiB ?? home.sizeMiB, used: true, changedAt: now };
  const isHeld = holder?.slaveId === slaveId && holdsHome(holder, home);
  return isHeld ? { ...there, state: 'attached' } : { ...there, state: 'returning', returnId };
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
