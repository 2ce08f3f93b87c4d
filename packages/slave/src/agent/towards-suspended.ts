import type { Reason } from '@paravcl/shared/domain/reasons';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { domainLost, stoppedByGuest, vanished } from './ended-by-itself';
import { cut } from './failures';
import { act, bootedSteps, firstFinal, observe, type Plan, type View, type Wanted } from './plan';
import type { Step } from './steps';

/** Wanted suspended. A guest that cannot be saved keeps running and says why; nothing is started to be saved. */
export function towardsSuspended(desired: Wanted, view: View): Plan {
  const { facts, marks } = view;
  const state = facts.domain?.state ?? null;
  switch (state) {
    case 'saved':
      return act(view, bootedSteps(marks), observe(desired, 'suspended'));
    case 'running':
    case 'paused':
    case 'paused-io':
      return save(desired, view, null, 'The guest keeps running; it is tried again.');
    case 'shutting-down':
      return act(view, [], observe(desired, 'stopping'));
    case 'off':
    case 'crashed':
      if (view.booted && !marks.stopAsked) return stoppedByGuest(desired, view, state);
      return act(view, [], notStarted(desired, view));
    case null:
      if (vanished(desired, view)) return domainLost(desired, view);
      return act(view, [], notStarted(desired, view));
  }
}

/**
 * Saves a guest that is active.
 * @param meanwhile the reason to tell while it is being saved
 * @param otherwise what follows when it cannot be
 */
export function save(desired: Wanted, view: View, meanwhile: Reason | null, otherwise: string): Plan {
  const steps: Step[] = [{ kind: 'save' }, ...bootedSteps(view.marks)];
  const final = firstFinal(steps, view.recollection.failures);
  if (final === null) return act(view, steps, observe(desired, 'suspending', meanwhile));
  // The guest holds its cores and its RAM, so it is called what it is.
  const reason: Reason = { code: final.code === 'NotEnoughDisk' ? final.code : 'SlaveRefused', sentence: cut(`${final.sentence} ${otherwise}`) };
  return act(view, steps, observe(desired, 'running', reason));
}

function notStarted(desired: Wanted, { booted, marks }: View): ObservedInstance {
  if (marks.failed !== null && !booted) return observe(desired, 'failed', marks.failed.reason);
  return observe(desired, 'stopped', { code: 'StoppedByUser', sentence: 'It was not running when it was to be suspended, so there is no RAM to keep. Its disk is kept; start it again when you need it.' });
}
