import type { EpochMs } from '@paravcl/shared/clock';
import { freeOf, type SlaveView, type WaitingInstance } from './snapshot';

/**
 * How waiting instances are ordered and how slaves that could take one are compared. The seam at which
 * scheduling approaches are exchanged by configuration alone; both functions must be total orders.
 */
export interface PlacementPolicy {
  readonly name: string;
  /** In order of service. */
  order(waiting: readonly WaitingInstance[], at: EpochMs): readonly WaitingInstance[];
  /** Negative when `a` is the better slave for the instance. */
  compare(a: SlaveView, b: SlaveView, instance: WaitingInstance): number;
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The 2014 report's choice: the slave with the least used cores. In full:
 * 1. dedicated slaves before volunteers, which serve least (DEFINITIONS, "People and machines");
 * 2. fewer promised cores; 3. more free RAM; 4. name; 5. id.
 * First come, first served; an instance that does not fit yet does not hold up a smaller one behind it.
 */
export const leastUsedCores: PlacementPolicy = {
  name: 'least-used-cores',
  order: (waiting) => [...waiting].sort((a, b) => a.createdAt - b.createdAt || text(a.id, b.id)),
  compare: (a, b) =>
    Number(a.kind === 'volunteer') - Number(b.kind === 'volunteer') ||
    a.promised.vcpus - b.promised.vcpus ||
    freeOf(b).ramMiB - freeOf(a).ramMiB ||
    text(a.name, b.name) ||
    text(a.id, b.id),
};

export const placementPolicies = { 'least-used-cores': leastUsedCores } as const satisfies Record<string, PlacementPolicy>;
export type PlacementPolicyName = keyof typeof placementPolicies;
