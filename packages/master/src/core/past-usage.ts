import type { EpochMs } from '@paravcl/shared/clock';
import { hourMs } from './local-time';

/** Core-hours that somebody had, as much as is left of them at a moment: half is forgotten in each half-life. */
export interface PastUsage {
  readonly coreHours: number;
  readonly countedAt: EpochMs;
}

/** How past usage counts in the order of the queue. */
export interface UsageRules {
  /** Taken away for each doubling of 1 + core-hours: of the person, and of the course it is for; 0: not at all. */
  readonly userWeight: number;
  readonly groupWeight: number;
  readonly halfLifeMs: number;
}

/** Whose usage counts against a request. */
export interface UsageOwner {
  readonly userId: string;
  readonly groupId: string | null;
}

/** What people and groups had, by id. */
export interface UsageBook {
  readonly user: ReadonlyMap<string, PastUsage>;
  readonly group: ReadonlyMap<string, PastUsage>;
}

export const noUsage: UsageBook = { user: new Map(), group: new Map() };

export function isCounted({ userWeight, groupWeight }: UsageRules): boolean {
  return userWeight > 0 || groupWeight > 0;
}

/** What is left of it at that moment, in core-hours; a clock that went back forgets nothing and adds nothing. */
export function leftOf(past: PastUsage | undefined, at: EpochMs, { halfLifeMs }: Pick<UsageRules, 'halfLifeMs'>): number {
  return past === undefined ? 0 : past.coreHours * 2 ** (-Math.max(0, at - past.countedAt) / halfLifeMs);
}

/** What is left at the end of so many cores that were held from `from` to `to`: forgetting goes on while they are. */
export function accruedBy(cores: number, from: EpochMs, to: EpochMs, { halfLifeMs }: Pick<UsageRules, 'halfLifeMs'>): number {
  const heldMs = Math.max(0, to - from);
  return (cores * (halfLifeMs / hourMs) * (1 - 2 ** (-heldMs / halfLifeMs))) / Math.LN2;
}

/** Beside Pi in the order of the queue: −weight · log2(1 + core-hours), of the person and of the course. */
export function usageTerm(book: UsageBook, { userId, groupId }: UsageOwner, rules: UsageRules, at: EpochMs): number {
  const of = (weight: number, past: PastUsage | undefined): number => (weight === 0 ? 0 : weight * Math.log2(1 + leftOf(past, at, rules)));
  const taken = of(rules.userWeight, book.user.get(userId)) + (groupId === null ? 0 : of(rules.groupWeight, book.group.get(groupId)));
  return taken === 0 ? 0 : -taken;
}
