import { cut } from './failures';
import { act, firstFinal, observe, type Plan, type View, type Wanted } from './plan';
import { leftovers, removalSteps } from './removal';

/** Its launch failed for good under this generation, before the guest ever ran. */
export function givenUp(desired: Wanted, { booted, marks }: View): boolean {
  return marks.failed !== null && marks.failed.generation === desired.generation && !booted;
}

/** Takes away what the failed launch had made, then says that it failed: `failed` means clean. */
export function cleanUp(desired: Wanted, view: View): Plan {
  const reason = view.marks.failed?.reason ?? { code: 'LaunchFailed', sentence: 'The launch failed.' };
  const steps = removalSteps(view.facts);
  const stuck = firstFinal(steps, view.recollection.failures);
  // "failed" lets the master give the address to another: not before it is known that nothing holds it here.
  if (steps.length === 0 && view.facts.reservationUnknown) return act(view, [], observe(desired, 'preparing', reason));
  if (steps.length > 0 && stuck === null) return act(view, steps, observe(desired, 'preparing', reason));
  const remains = steps.length === 0 ? '' : ` What is left is still being removed: ${leftovers(view.facts)}.`;
  return act(view, steps, observe(desired, 'failed', { code: reason.code, sentence: cut(`${reason.sentence}${remains}`) }));
}
