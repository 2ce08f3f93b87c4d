import type { EpochMs } from '@paravcl/shared/clock';
import type { GuestProcessor } from '@paravcl/shared/protocol/agent-to-master';

/**
 * Whether a guest gets what it was promised of its host's processor.
 *
 * Its due is one core for each of its virtual CPUs, or as much less as the site promises each core more often than once
 * (`coreOvercommit`). What it wanted is what it ran and what it was ready to run and did not. Below its due counts only what it
 * wanted: a guest that idles is owed nothing, and one that gets its due is short of nothing, however much more it wanted.
 *
 * A violation begins when that share of its due is over the limit in a whole window, and ends when it is under half of the limit:
 * what swings about the limit is one violation.
 */
export interface SlaRules {
  /** Of what is due to a guest, so much may be missing: 0 to 1. */
  readonly share: number;
  readonly windowMs: number;
  /** Cores that may be promised per physical core. */
  readonly coreOvercommit: number;
}

/** What a guest did in a stretch of time that ended then. */
export type Stretch = Omit<GuestProcessor, 'instanceId'> & { readonly endedAt: EpochMs };

/** Of a window: how much of one core the guest wanted, got, and should have got. */
export interface ProcessorUse {
  readonly wanted: number;
  readonly got: number;
  readonly due: number;
  /** The part of its due that it wanted and did not get: 0 to 1. */
  readonly missing: number;
}

/** A window of which less than this part was told of says nothing. */
const leastTold = 2 / 3;

/** Those that are in the window that ends now, oldest first. */
export function inWindow(stretches: readonly Stretch[], now: EpochMs, { windowMs }: Pick<SlaRules, 'windowMs'>): readonly Stretch[] {
  return stretches.filter(({ endedAt }) => endedAt > now - windowMs);
}

/** What it got of its processor in the window that ends now; null when too little of that is known, or its size changed in it. */
export function processorUse(stretches: readonly Stretch[], now: EpochMs, rules: SlaRules): ProcessorUse | null {
  const seen = inWindow(stretches, now, rules);
  const vcpus = seen[0]?.vcpus;
  const overMs = sum(seen, (stretch) => stretch.overMs);
  if (vcpus === undefined || overMs < rules.windowMs * leastTold || seen.some((stretch) => stretch.vcpus !== vcpus)) return null;
  const got = sum(seen, ({ ranMs }) => ranMs) / overMs;
  // Two counts of the same time, by different parts of the kernel, one of which is often off.
  const wanted = Math.min(vcpus, got + sum(seen, ({ delayedMs, waitedMs }) => Math.max(delayedMs, waitedMs)) / overMs);
  const due = vcpus / Math.max(1, rules.coreOvercommit);
  return { wanted, got, due, missing: Math.max(0, Math.min(wanted, due) - got) / due };
}

/** Whether one is short now, who was or was not before. Of one that nothing is known of nothing changes. */
export function isShort(before: boolean, use: ProcessorUse | null, { share }: Pick<SlaRules, 'share'>): boolean {
  if (use === null) return before;
  return use.missing > (before ? share / 2 : share);
}

const tell = (amount: number): string => String(Math.round(amount * 100) / 100);

/** "i-ubuntu-9af gets too little of a processor on lab-3: …", for its owner. */
export function shortSentence(name: string, slaveName: string, { wanted, got, due }: ProcessorUse, { windowMs }: Pick<SlaRules, 'windowMs'>): string {
  return `${name} gets too little of a processor on ${slaveName}: over ${tell(windowMs / 1000)} s it could use ${tell(wanted)} of a core, its due is ${tell(due)}, and it got ${tell(got)}. It goes on, slower. If that lasts, suspend it and ask an operator of the lab to look at ${slaveName}.`;
}

const sum = <T>(all: readonly T[], amount: (each: T) => number): number => all.reduce((total, each) => total + amount(each), 0);
