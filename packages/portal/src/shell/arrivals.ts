import type { Notice } from '@paravcl/shared/domain/notice';

/** More than these at once are only counted. */
const mostSaid = 3;

export interface Arrivals {
  /** Oldest first. */
  readonly said: readonly Notice[];
  /** How many more there are. */
  readonly more: number;
  /** What is seen from now on. */
  readonly seen: Seen;
}

/** What was seen so far. */
export interface Seen {
  /** When the newest of them came; empty: none was there. */
  readonly newestAt: string;
  readonly ids: ReadonlySet<string>;
}

/**
 * Which notices came since those that were seen; none of the first ones that one finds when one comes. One that is older than the newest
 * that was seen did not come now: only the newest are read, and others follow into that window as they are marked as read.
 */
export function arrivals(seen: Seen | null, notices: readonly Notice[]): Arrivals {
  const newestAt = notices.reduce((newest, { at }) => (at > newest ? at : newest), seen?.newestAt ?? '');
  const now: Seen = { newestAt, ids: new Set([...(seen?.ids ?? []), ...notices.map(({ id }) => id)]) };
  if (seen === null) return { said: [], more: 0, seen: now };
  const fresh = notices.filter(({ id, at, readAt }) => readAt === null && at >= seen.newestAt && !seen.ids.has(id));
  const said = fresh.slice(0, mostSaid);
  return { said: [...said].reverse(), more: fresh.length - said.length, seen: now };
}
