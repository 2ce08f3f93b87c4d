import { comparePi } from '@paravcl/shared/priority';
import { rankOf } from './queue-terms';
import type { Rules, WaitingInstance } from './snapshot';

/** In which order those who wait are served, and whether anybody may take the room of somebody who runs. */
export interface OrderingPolicy {
  readonly name: 'para' | 'fifo';
  /** Negative when `a` is served first. A total order: it ends in the id. */
  compare(a: WaitingInstance, b: WaitingInstance, rules: Pick<Rules, 'agingPerHour'>): number;
  /** Whether a best-effort requester of this priority may have a best-effort instance of that one suspended: Pi alone, whatever either has waited. Never when equal. */
  outranks(requesterPi: number, runningPi: number): boolean;
}

/** What was reserved is promised already; it waits behind nobody, whatever the policy. */
const reservedFirst = (a: WaitingInstance, b: WaitingInstance): number => Number(a.type === 'BE') - Number(b.type === 'BE');

const firstCome = (a: WaitingInstance, b: WaitingInstance): number => a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Highest Pi with what waiting adds first, equal at six decimals: as-slave first, then first come, then id. */
const para: OrderingPolicy = {
  name: 'para',
  compare: (a, b, rules) => reservedFirst(a, b) || comparePi(rankOf(b, rules), rankOf(a, rules)) || b.priority.ras - a.priority.ras || firstCome(a, b),
  outranks: (requesterPi, runningPi) => comparePi(requesterPi, runningPi) > 0,
};

/** First come, first served: nobody outranks anybody. */
const fifo: OrderingPolicy = {
  name: 'fifo',
  compare: (a, b) => reservedFirst(a, b) || firstCome(a, b),
  outranks: () => false,
};

export const orderingPolicies = { para, fifo } as const satisfies Record<OrderingPolicy['name'], OrderingPolicy>;

/** The queue in the order of service. */
export function inOrder(waiting: readonly WaitingInstance[], ordering: OrderingPolicy, rules: Pick<Rules, 'agingPerHour'>): readonly WaitingInstance[] {
  return [...waiting].sort((a, b) => ordering.compare(a, b, rules));
}
