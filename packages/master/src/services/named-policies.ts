import { ParavclError } from '@paravcl/shared/errors';
import { orderingPolicies } from '../core/ordering';
import type { Policies } from '../core/plan';
import { placementPolicies, type PlacementPolicy } from '../core/rank';

/** Names of policies as the configuration has them; what is left out is as it is in force. */
export interface PolicyNames {
  readonly ordering?: string | undefined;
  readonly placement?: string | undefined;
}

/** The policies of these names. Throws `invalid-input` naming those there are. */
export function policiesNamed({ ordering, placement }: PolicyNames, inForce: Policies): Policies {
  return {
    ordering: ordering === undefined ? inForce.ordering : (orderingNamed(ordering) ?? unknown('ordering', ordering, Object.keys(orderingPolicies))),
    placement: placement === undefined ? inForce.placement : (placementNamed(placement, inForce) ?? unknown('placement', placement, [...new Set([...Object.keys(placementPolicies), inForce.placement.name])])),
  };
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
