import type { HostFacts } from './host-facts';
import { act, firstFinal, type Plan, type View, type Wanted } from './plan';
import type { Step } from './steps';

/** Its first start of this epoch is to go on with RAM: its disk was made for that, or is not made yet. */
export function ramIsToCome({ spec }: Wanted, { facts, booted }: View): boolean {
  return spec.ram !== undefined && (facts.awaitsRam || (!facts.files && !booted));
}

/**
 * RAM that its disk awaits is not to come: the order knows of none, or stops it, which is to boot afterwards, or somebody started it past
 * the agent, and what runs is never given RAM. What it was given already is its saved RAM as any.
 */
export function givesUpRam(desired: Wanted, facts: HostFacts): boolean {
  const state = facts.domain?.state ?? null;
  const runs = state !== null && state !== 'off' && state !== 'saved';
  return facts.awaitsRam && (runs || desired.desired === 'stopped' || desired.spec.ram === undefined);
}

/** Before anything else of the plan, so that nothing is started while its disk says that it awaits RAM. */
export function givingUpRam(view: View, { observed }: Plan): Plan {
  const steps: readonly Step[] = [{ kind: 'give-up-ram' }];
  const stuck = firstFinal(steps, view.recollection.failures);
  const told = observed === null || stuck === null ? observed : { ...observed, reason: stuck };
  return told === null ? { steps, observed, wakeAtMs: null } : act(view, steps, told);
}
