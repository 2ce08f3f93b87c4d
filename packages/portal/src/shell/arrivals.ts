import type { Notice } from '@paravcl/shared/domain/notice';

/** More than these at once are only counted. */
const mostSaid = 3;

export interface Arrivals {
  /** Oldest first. */
  readonly said: readonly Notice[];
  /** How many more there are. */
  readonly more: number;
  /** What is seen from now on. */
  readonly seen: ReadonlySet<string>;
}

/** Which notices came since those that were seen; none of the first ones that one finds when one comes. */
export function arrivals(seen: ReadonlySet<string> | null, notices: readonly Notice[]): Arrivals {
  const all = new Set([...(seen ?? []), ...notices.map(({ id }) => id)]);
  if (seen === null) return { said: [], more: 0, seen: all };
  const fresh = notices.filter(({ id, readAt }) => readAt === null && !seen.has(id));
  const said = fresh.slice(0, mostSaid);
  return { said: [...said].reverse(), more: fresh.length - said.length, seen: all };
}
