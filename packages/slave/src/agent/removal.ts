import type { HostFacts } from './host-facts';
import type { Step } from './steps';

/** Takes away what there is of an instance that is off, all at once. */
export function removalSteps(facts: HostFacts): readonly Step[] {
  const steps: Step[] = [];
  if (facts.domain !== null) steps.push({ kind: 'undefine', before: {} });
  if (facts.reservedMac !== null) steps.push({ kind: 'release-address', mac: facts.reservedMac });
  if (facts.files || facts.leftovers) steps.push({ kind: 'remove-files', before: {} });
  return steps;
}

/** What is still to be removed, in words. */
export function leftovers(facts: HostFacts): string {
  const left = [...(facts.domain === null ? [] : ['its domain']), ...(facts.reservedMac === null ? [] : ['its address']), ...(facts.files || facts.leftovers ? ['its files'] : [])];
  return left.join(', ');
}
