import { placementPolicies, type PlacementPolicy } from '../core/rank';

/**
 * A placement policy that always answers: a module of the site's own may fail, and neither those who wait nor what is
 * reserved can wait until it is mended. At its first fault that is told, and `para` places from then on, under its own
 * name in the decisions, until the master is started anew.
 */
export function dependable(policy: PlacementPolicy, onFault: (error: unknown) => void): PlacementPolicy {
  const { para } = placementPolicies;
  let inForce = policy;
  const ask = <T>(question: (asked: PlacementPolicy) => T): T => {
    try {
      return question(inForce);
    } catch (error) {
      if (inForce === para) throw error;
      onFault(error);
      inForce = para;
      return question(para);
    }
  };
  return {
    get name() {
      return inForce.name;
    },
    compare: (a, b, instance, world) => ask((asked) => asked.compare(a, b, instance, world)),
    score: (slave, instance, world) => ask((asked) => asked.score(slave, instance, world)),
  };
}
