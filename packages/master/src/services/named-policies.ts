import { ParavclError } from '@paravcl/shared/errors';
import { policyName } from '../core/decision-of-plan';
import { orderingPolicies } from '../core/ordering';
import type { Policies } from '../core/plan';
import { placementPolicies, type PlacementPolicy } from '../core/rank';
import type { TriedPolicy } from '../core/replay';

/** A policy as the configuration has it; policies that are left out are as they are in force, rules as they were at the time. */
export interface PolicyNames {
  readonly ordering?: string | undefined;
  readonly placement?: string | undefined;
  readonly criticalLimitPercent?: number | undefined;
  readonly agingPerHour?: number | undefined;
}

/** The policy of these names. Throws `invalid-input` naming those there are. */
export function policyTried({ ordering, placement, criticalLimitPercent, agingPerHour }: PolicyNames, inForce: Policies): TriedPolicy {
  const policies = {
    ordering: ordering === undefined ? inForce.ordering : (orderingNamed(ordering) ?? unknown('ordering', ordering, Object.keys(orderingPolicies))),
    placement: placement === undefined ? inForce.placement : (placementNamed(placement, inForce) ?? unknown('placement', placement, [...new Set([...Object.keys(placementPolicies), inForce.placement.name])])),
  };
  const rules = {
    ...(criticalLimitPercent !== undefined && { criticalShare: criticalLimitPercent / 100 }),
    ...(agingPerHour !== undefined && { agingPerHour }),
  };
  const told = [
    ...(criticalLimitPercent === undefined ? [] : [`a critical limit of ${String(criticalLimitPercent)} %`]),
    ...(agingPerHour === undefined ? [] : [`aging of ${String(agingPerHour)} an hour`]),
  ];
  return { name: `${policyName(policies)}${told.length === 0 ? '' : ` with ${told.join(' and ')}`}`, policies, rules };
}

/** The policies that a record names ("para/para"); null when this master does not have one of them: a module of the site's own that is in force no more. */
export function policiesOfRecord(policy: string, inForce: Policies): Policies | null {
  const [first = '', ...rest] = policy.split('/');
  const ordering = orderingNamed(first);
  const placement = placementNamed(rest.join('/'), inForce);
  return ordering === null || placement === null ? null : { ordering, placement };
}

const orderingNamed = (name: string): Policies['ordering'] | null => Object.values(orderingPolicies).find((policy) => policy.name === name) ?? null;

function placementNamed(name: string, { placement }: Policies): PlacementPolicy | null {
  return placement.name === name ? placement : (Object.values(placementPolicies).find((policy) => policy.name === name) ?? null);
}

function unknown(field: string, said: string, names: readonly string[]): never {
  throw new ParavclError('invalid-input', `There is no ${field} policy "${said}" here; there is ${names.join(', ')}.`, { field, limit: names.join(', ') });
}
