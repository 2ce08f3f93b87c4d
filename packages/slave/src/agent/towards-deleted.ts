import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import { cut } from './failures';
import { noMarks, type Marks } from './marks';
import { act, firstFinal, noteSteps, observe, type Plan, type View } from './plan';
import { leftovers, removalSteps } from './removal';
import type { Step } from './steps';

/** To be deleted: power, then definition, address and files. `deleted` is told only when nothing is left. */
export function towardsDeleted(desired: DesiredInstance, view: View): Plan {
  const { facts } = view;
  const state = facts.domain?.state ?? null;
  const isOff = state === null || state === 'off' || state === 'saved';
  const steps: readonly Step[] = isOff ? removalSteps(facts) : [{ kind: 'destroy', before: { stopAsked: true } }];
  // Nothing in sight is not nothing: the network wakes every instance when it is ready.
  if (steps.length === 0 && facts.reservationUnknown) return act(view, [], observe(desired, 'stopping'));
  if (steps.length === 0) return act(view, noteSteps(changesOf(view.marks, noMarks)), observe(desired, 'deleted'));
  const stuck = firstFinal(steps, view.recollection.failures);
  if (stuck === null) return act(view, steps, observe(desired, 'stopping'));
  const sentence = cut(`${stuck.sentence} What is left is still being removed: ${leftovers(facts)}.`);
  // While the guest runs it holds its cores, and the master must not give them away.
  return act(view, steps, observe(desired, isOff ? 'failed' : 'stopping', { code: 'SlaveRefused', sentence }));
}

/** What of `marks` must change to become `to`. */
function changesOf(marks: Marks, to: Marks): Partial<Marks> {
  const keys = (Object.keys(to) as (keyof Marks)[]).filter((key) => marks[key] !== to[key]);
  return Object.fromEntries(keys.map((key) => [key, to[key]]));
}
