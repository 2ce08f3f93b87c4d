import type { EpochMs } from '@paravcl/shared/clock';
import type { PriorityParts } from '@paravcl/shared/priority';
import type { Rules, WaitingInstance } from './snapshot';
import { hourMs } from './local-time';

/**
 * What stands beside Pi in the order of the queue, and nowhere else: nobody is suspended for it. Waiting adds
 * `agingPerHour` for each hour, without end, so that whoever waits is passed by newcomers for a limited time only.
 */

/** What waiting has added by now; 0 for what is reserved, which waits behind nobody as it is. */
export function agingOf({ type, waitsSince }: Pick<WaitingInstance, 'type' | 'waitsSince'>, at: EpochMs, { agingPerHour }: Pick<Rules, 'agingPerHour'>): number {
  return type === 'AR' ? 0 : (agingPerHour * Math.max(0, at - waitsSince)) / hourMs;
}

/**
 * Where it stands among those who wait: higher is served first. All age alike, so that the moment of asking cancels out
 * and the order of two who wait never turns by itself: Pi and past usage, less aging counted from the epoch on.
 */
export function rankOf({ type, priority: { pi, usage = 0 }, waitsSince }: Pick<WaitingInstance, 'type' | 'priority' | 'waitsSince'>, { agingPerHour }: Pick<Rules, 'agingPerHour'>): number {
  return type === 'AR' ? pi : pi + usage - (agingPerHour * waitsSince) / hourMs;
}

/** A priority with what past usage takes away beside it, where that is anything. */
export function withUsage(priority: PriorityParts, usage: number): PriorityParts {
  return usage === 0 ? priority : { ...priority, usage };
}

/** Its priority as it is told while it waits: with what waiting has added, where that is anything. */
export function whileWaiting(instance: Pick<WaitingInstance, 'type' | 'priority' | 'waitsSince'>, at: EpochMs, rules: Pick<Rules, 'agingPerHour'>): PriorityParts {
  const aging = agingOf(instance, at, rules);
  return aging === 0 ? instance.priority : { ...instance.priority, aging };
}
