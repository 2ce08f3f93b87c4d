import type { EpochMs } from '@paravcl/shared/clock';
import { plan, type Decision, type Policies } from './plan';
import { keptFrom, type Kept } from './recall';
import { slaveNow, takesPart } from './room-now';
import { within, type Rules, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/** What somebody who is about to launch has to expect. */
export interface Outlook {
  /** What the scheduler would do with it now, those before it served first. */
  readonly decision: Decision | null;
  /** Of the times asked about, those that coming reservations leave room for somewhere, in minutes. */
  readonly minutes: readonly number[];
  /** The reservation that would call its room back, on the slave that could keep it longest; null when none would. */
  readonly kept: Kept | null;
}

/**
 * Looks ahead for a best-effort launch: reservations alone decide how long it can count on, for other best-effort may
 * give way or go first.
 *
 * @param instance as it would wait
 * @param others who wait beside it
 * @param asked minutes to look at, and how far reservations are looked for: the longest time it may ask for; null: without end
 */
export function outlook(snapshot: Snapshot, instance: WaitingInstance, others: readonly WaitingInstance[], policies: Policies, at: EpochMs, asked: { readonly times: readonly number[]; readonly longestMs: number | null }): Outlook {
  const large = largeEnough(snapshot.slaves, instance);
  const { rules } = snapshot;
  return {
    decision: plan(snapshot, [...others, instance], policies, at).decisions.find((each) => each.instance.id === instance.id) ?? null,
    minutes: asked.times.filter((minutes) => large.some((slave) => keptOn(slave, instance, rules, { at, endsAt: at + minutes * 60_000 }) === null)),
    kept: keptLongest(snapshot, instance, at, asked.longestMs),
  };
}

/**
 * The reservation that would call its room back, on the slave that could keep it longest; null when none would. Of one that has its slave only that
 * one is looked at.
 *
 * @param longestMs null: it stays without end
 */
export function keptLongest({ slaves, rules }: Pick<Snapshot, 'slaves' | 'rules'>, instance: WaitingInstance, at: EpochMs, longestMs: number | null): Kept | null {
  const span = { at, endsAt: longestMs === null ? null : at + longestMs };
  let latest: Kept | null = null;
  for (const slave of largeEnough(slaves, instance)) {
    const kept = keptOn(slave, instance, rules, span);
    if (kept === null) return null;
    if (latest === null || kept.recalledAt > latest.recalledAt) latest = kept;
  }
  return latest;
}

const largeEnough = (slaves: readonly SlaveView[], { boundTo, need }: WaitingInstance): readonly SlaveView[] =>
  slaves.filter((slave) => (boundTo === null || slave.id === boundTo) && takesPart(slave) && within(need, slave.capacity));

function keptOn(slave: SlaveView, { id, need }: WaitingInstance, rules: Rules, { at, endsAt }: { readonly at: EpochMs; readonly endsAt: EpochMs | null }): Kept | null {
  return keptFrom(slaveNow(slave), { id, type: 'BE', need, pi: Infinity, endsAt, spared: false }, at, rules);
}
