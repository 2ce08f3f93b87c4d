import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { InstanceRecord } from './instance-record';

/** How long instances may lie unused, and what is done then; null: never. */
export interface AgingPolicy {
  /** Saved for so long, an instance goes into the recycle bin. */
  readonly suspendedMs: number | null;
  /** The same for one that is off, or that failed and whose disk is kept. */
  readonly stoppedMs: number | null;
  /** So long before, its owner is told; 0: only when it goes in. */
  readonly noticeMs: number;
  /** After so long in the bin it is deleted. */
  readonly recycleMs: number | null;
}

export type AgingFacts = Pick<
  InstanceRecord,
  | 'observed' | 'desired' | 'slaveId' | 'diskImageId' | 'generation' | 'observedGeneration' | 'reason' | 'reservationId' | 'queuedAt' | 'changedAt'
  | 'idleSince' | 'agingNoticedAt' | 'recycledAt' | 'recycleUntil'
>;

export interface Aging {
  /** When it goes into the bin by policy, if nobody needs it before; null: never, or it is there already. */
  readonly agesOutAt: EpochMs | null;
  /** What is to be done now: tell its owner, put it into the bin (or begin its time there anew), delete it for good. */
  readonly due: 'notice' | 'recycle' | 'delete' | 'none';
}

/**
 * A mark in the books that lies further ahead than this was made under a wrong clock, and counts as not made; less is a clock
 * that was set right by a little.
 */
const wrongClockMs = 86_400_000;

const never: Aging = { agesOutAt: null, due: 'none' };

/**
 * What the site's policy means for an instance now. It ages while it lies saved or off and nobody asked it to go on; nothing goes
 * into the bin whose owner was not told `noticeMs` before, and nothing leaves it for good that was not there for `recycleMs`,
 * whose owner was not told the shorter of both before, or whose owner was told a later end. So neither a master that was
 * away for long nor a policy that was tightened takes anybody by surprise.
 */
export function agingOf(facts: AgingFacts, policy: AgingPolicy, now: EpochMs): Aging {
  if (facts.desired === 'deleted' || facts.observed === 'deleted') return never;
  if (facts.recycledAt !== null) return { agesOutAt: null, due: dueInBin(facts, facts.recycledAt, policy, now) };
  const limitMs = liesUnused(facts) ? (facts.observed === 'suspended' ? policy.suspendedMs : policy.stoppedMs) : null;
  if (limitMs === null) return never;
  const since = facts.idleSince ?? facts.changedAt;
  const told = toldAt(facts, now);
  // What was told before it was used for the last time is about another lying.
  const noticedAt = told !== null && told >= since ? told : null;
  const agesOutAt = Math.max(since + limitMs, (noticedAt ?? now) + policy.noticeMs);
  if (policy.noticeMs > 0 && noticedAt === null) return { agesOutAt, due: now >= since + limitMs - policy.noticeMs ? 'notice' : 'none' };
  return { agesOutAt, due: now >= agesOutAt ? 'recycle' : 'none' };
}

function dueInBin(facts: AgingFacts, recycledAt: EpochMs, { recycleMs, noticeMs }: AgingPolicy, now: EpochMs): Aging['due'] {
  // It went in under a wrong clock: its time there is told anew.
  if (recycledAt > now + wrongClockMs) return 'recycle';
  if (recycleMs === null) return 'none';
  const noticedAt = toldAt(facts, now);
  // It was to lie there for ever, or nobody was told: before it can end, its end is told.
  if (facts.recycleUntil === null || noticedAt === null) return 'recycle';
  const endsAt = Math.max(facts.recycleUntil, recycledAt + recycleMs, noticedAt + Math.min(noticeMs, recycleMs));
  return now >= endsAt ? 'delete' : 'none';
}

/** When its owner was told; null when they were not, or under a clock that was ahead. */
export function toldAt({ agingNoticedAt }: Pick<AgingFacts, 'agingNoticedAt'>, now: EpochMs): EpochMs | null {
  return agingNoticedAt === null || agingNoticedAt > now + wrongClockMs ? null : agingNoticedAt;
}

/**
 * It is saved or off, or failed with its disk kept; nobody asked it to go on, and no reservation counts on it. Not one that was
 * given up at its deadline or that its slave has not answered for: its guest may run.
 */
export function liesUnused(facts: Omit<AgingFacts, 'changedAt' | 'idleSince' | 'agingNoticedAt' | 'recycledAt' | 'recycleUntil'>): boolean {
  const { observed, desired, slaveId, diskImageId, reason, reservationId, queuedAt, generation, observedGeneration } = facts;
  if (queuedAt !== null || reservationId !== null || desired === 'deleted') return false;
  if (observed === 'failed') return (slaveId !== null || diskImageId !== null) && reason?.code !== 'DeadlinePassed' && observedGeneration === generation;
  return (observed === 'suspended' || observed === 'stopped') && desired !== 'running';
}

const unused: readonly ObservedState[] = ['suspended', 'stopped', 'failed'];

/**
 * Since when it lies unused after a change; null when it does not, or nobody knows. A slave that was silent meanwhile, as
 * every night when a lab is switched off, is no use of it; that somebody asked it to go on is.
 */
export function idleSinceAfter(before: Pick<AgingFacts, 'observed' | 'queuedAt' | 'changedAt' | 'idleSince'>, after: Pick<AgingFacts, 'observed' | 'queuedAt'>, now: EpochMs): EpochMs | null {
  const since = before.idleSince ?? (unused.includes(before.observed) ? before.changedAt : null);
  if (after.observed === 'lost') return since;
  if (!unused.includes(after.observed)) return null;
  const wasAsked = before.queuedAt !== null && after.queuedAt === null;
  const same = before.observed === after.observed || before.observed === 'lost';
  return same && !wasAsked ? (since ?? now) : now;
}
