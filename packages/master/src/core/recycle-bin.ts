import type { EpochMs } from '@paravcl/shared/clock';
import { shellWord } from '@paravcl/shared/shell-quote';
import { liesUnused } from './aging';
import type { InstanceRecord } from './instance-record';
import { tellDatedMoment } from './tell-time';

/** What a person's wish to put an instance into the recycle bin comes to. */
export type RecycleAnswer =
  | { readonly kind: 'already' }
  | { readonly kind: 'recycle' }
  | { readonly kind: 'conflict'; readonly sentence: string };

/** Only what lies unused can go into the bin; the sentence of a conflict names the way out. */
export function answerRecycle(instance: InstanceRecord): RecycleAnswer {
  const { name, observed, desired, slaveId, reservationId, queuedAt } = instance;
  const conflict = (sentence: string): RecycleAnswer => ({ kind: 'conflict', sentence });
  const orDelete = 'Or delete it at once, without the recycle bin.';
  if (desired === 'deleted' || observed === 'deleted') return conflict(`${name} is being deleted already.`);
  if (instance.recycledAt !== null) return { kind: 'already' };
  if (reservationId !== null) return conflict(`${name} is one of a reservation’s machines until that is over. Put it into the recycle bin then. ${orDelete}`);
  if (queuedAt !== null) return conflict(`${name} waits to go on. Stop it first, then put it into the recycle bin. ${orDelete}`);
  if (liesUnused(instance)) return { kind: 'recycle' };
  if (observed === 'lost') return conflict(`Nobody knows what ${name} does: ${instance.reason?.code === 'DomainLost' ? 'its host does not have it any more' : 'its host is silent'}. Put it into the recycle bin once its host has said so. ${orDelete}`);
  if (slaveId === null) return conflict(`${name} has nothing on a disk yet that could be kept in the recycle bin. Delete it without the recycle bin.`);
  if (desired !== 'running') return conflict(`${name} is not ${desired} yet. Put it into the recycle bin once it is. ${orDelete}`);
  return conflict(`${name} runs or is on its way to run. Stop or suspend it first, then put it into the recycle bin. ${orDelete}`);
}

const restoreWay = ({ name }: Pick<InstanceRecord, 'name'>): string => `on its page, or by “paravcl instances restore ${shellWord(name)}”`;

/** "i-ubuntu-9af is in the recycle bin until Sat 9 May 14:20; restore it first: on its page, …": why it cannot be used; null for what is not in the bin. */
export function inBinSentence(instance: Pick<InstanceRecord, 'name' | 'recycledAt' | 'recycleUntil'>, zone: string, now: EpochMs): string | null {
  if (instance.recycledAt === null) return null;
  const until = instance.recycleUntil === null ? '' : ` until ${tellDatedMoment(instance.recycleUntil, zone, now)}`;
  return `${instance.name} is in the recycle bin${until}; restore it first: ${restoreWay(instance)}.`;
}

type Unused = Pick<InstanceRecord, 'id' | 'name' | 'observed' | 'idleSince' | 'changedAt'>;

const lies: Readonly<Partial<Record<InstanceRecord['observed'], { readonly is: string; readonly use: string }>>> = {
  suspended: { is: 'has been saved', use: 'Resume it' },
  stopped: { is: 'has been off', use: 'Start it' },
  failed: { is: 'has failed and lain unused', use: 'Start it' },
};

function unusedSince(instance: Unused, zone: string, now: EpochMs): string {
  return `${instance.name} ${lies[instance.observed]?.is ?? 'has lain unused'} since ${tellDatedMoment(instance.idleSince ?? instance.changedAt, zone, now)}`;
}

/** What its owner is told ahead. `recycleMs`: how long it will lie in the bin; null: for ever. */
export function agingSentence(instance: Unused, agesOutAt: EpochMs, recycleMs: number | null, zone: string, now: EpochMs): string {
  const then = recycleMs === null ? '' : `, and on ${tellDatedMoment(agesOutAt + recycleMs, zone, now)} it is deleted with its disk`;
  return `${unusedSince(instance, zone, now)}. On ${tellDatedMoment(agesOutAt, zone, now)} it goes into the recycle bin${then}. ${lies[instance.observed]?.use ?? 'Start it'} before, if you want to keep it.`;
}

/** What its owner is told when it went in by policy. */
export function recycledSentence(instance: Unused, recycleUntil: EpochMs | null, zone: string, now: EpochMs): string {
  return `${unusedSince(instance, zone, now)} and is in the recycle bin now. ${keepSentence(instance, recycleUntil, zone, now)}`;
}

/** What can be done about what is in the bin, and until when. */
export function keepSentence(instance: Pick<InstanceRecord, 'name'>, recycleUntil: EpochMs | null, zone: string, now: EpochMs): string {
  if (recycleUntil === null) return `Its disk is kept. To use it again, restore it: ${restoreWay(instance)}.`;
  return `To keep it, restore it (${restoreWay(instance)}) before ${tellDatedMoment(recycleUntil, zone, now)}, when it is deleted with its disk.`;
}

/** What its owner is told when its time in the bin is over. */
export function binnedOutSentence({ name }: Pick<InstanceRecord, 'name'>, recycledAt: EpochMs, zone: string, now: EpochMs): string {
  return `${name} is deleted with its disk: it was in the recycle bin since ${tellDatedMoment(recycledAt, zone, now)} and nobody restored it.`;
}
