import type { EpochMs } from '@paravcl/shared/clock';
import { plan, type Decision, type Policies } from './plan';
import { keptFrom, type Kept } from './recall';
import { slaveNow, takesPart } from './room-now';
import { within, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

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
  const large = snapshot.slaves.filter((slave) => takesPart(slave) && within(instance.need, slave.capacity) && (instance.boundTo === null || slave.id === instance.boundTo));
  const keptOn = (slave: SlaveView, endsAt: EpochMs | null): Kept | null => keptFrom(slaveNow(slave), { id: instance.id, type: 'BE', need: instance.need, pi: Infinity, endsAt, spared: false }, at, snapshot.rules);
  const endsAt = asked.longestMs === null ? null : at + asked.longestMs;
  const kepts = large.map((slave) => keptOn(slave, endsAt));
  const latest = kepts.reduce<Kept | null>((best, next) => (next !== null && (best === null || next.recalledAt > best.recalledAt) ? next : best), null);
  return {
    decision: plan(snapshot, [...others, instance], policies, at).decisions.find((each) => each.instance.id === instance.id) ?? null,
    minutes: asked.times.filter((minutes) => large.some((slave) => keptOn(slave, at + minutes * 60_000) === null)),
    kept: kepts.includes(null) ? null : latest,
  };
}
