import type { EpochMs } from '@paravcl/shared/clock';
import { plan, type Decision, type Policies } from './plan';
import { keptFrom, type Kept } from './recall';
import { slaveNow, takesPart } from './room-now';
import { within, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/** What somebody who is about to launch has to expect. */
export interface Outlook {
  /** What the scheduler would do with it now. */
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
 * @param instance as it would wait, with the longest time it may ask for
 * @param times minutes to look at
 */
export function outlook(snapshot: Snapshot, instance: WaitingInstance, policies: Policies, at: EpochMs, times: readonly number[]): Outlook {
  const large = snapshot.slaves.filter((slave) => takesPart(slave) && within(instance.need, slave.capacity) && (instance.boundTo === null || slave.id === instance.boundTo));
  const keptOn = (slave: SlaveView, endsAt: EpochMs | null): Kept | null => keptFrom(slaveNow(slave), { id: instance.id, type: 'BE', need: instance.need, pi: Infinity, endsAt, spared: false }, at, snapshot.rules);
  const endsAt = instance.runMs === null ? null : at + instance.runMs;
  const kepts = large.map((slave) => keptOn(slave, endsAt));
  const latest = kepts.reduce<Kept | null>((best, next) => (next !== null && (best === null || next.recalledAt > best.recalledAt) ? next : best), null);
  return {
    decision: plan(snapshot, [instance], policies, at).decisions[0] ?? null,
    minutes: times.filter((minutes) => large.some((slave) => keptOn(slave, at + minutes * 60_000) === null)),
    kept: kepts.includes(null) ? null : latest,
  };
}
