import type { Reason } from '@paravcl/shared/domain/reasons';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { ramIsToCome } from './awaited-ram';
import { domainLost, stoppedByGuest, vanished } from './ended-by-itself';
import { givenUp } from './failed-launch';
import { cut, finalReason } from './failures';
import { goneOn } from './marks';
import { act, bootedSteps, observe, type Plan, type View, type Wanted } from './plan';
import type { Step } from './steps';

/** So long a guest stays paused for its turn to be saved; shorter than the master waits for a suspend, so that it hears why. */
export const pausedWaitMs = 4 * 60_000;

/**
 * Wanted suspended. A guest that cannot be saved keeps running and says why; nothing is started to be saved. One whose RAM
 * is still to come is suspended as it is: its RAM is in the store.
 */
export function towardsSuspended(desired: Wanted, view: View): Plan {
  const { facts, marks } = view;
  const state = facts.domain?.state ?? null;
  switch (state) {
    case 'saved':
      return act(view, bootedSteps(marks), observe(desired, 'suspended'));
    case 'running':
    case 'paused':
    case 'migrating':
    case 'paused-io':
      return save(desired, view, null, 'The guest keeps running; it is tried again.');
    case 'shutting-down':
      return act(view, [], observe(desired, 'stopping'));
    case 'off':
    case 'crashed':
      if (ramIsToCome(desired, view) && !givenUp(desired, view)) return act(view, [], observe(desired, 'suspended'));
      if (view.booted && !marks.stopAsked) return stoppedByGuest(desired, view, state);
      return act(view, [], notStarted(desired, view));
    case null:
      if (ramIsToCome(desired, view) && !givenUp(desired, view)) return act(view, [], observe(desired, 'suspended'));
      if (vanished(desired, view)) return domainLost(desired, view);
      return act(view, [], notStarted(desired, view));
  }
}

/**
 * Saves a guest that is active. One whose save has to wait for those of others is paused first, so that guests which are
 * suspended together stop together: whoever talks to another finds him as he was.
 *
 * A guest that is paused is being saved, or waits for its turn, or is continued: it is continued as soon as its save failed
 * once, and when its turn does not come (`pausedWaitMs`). From then on it is not paused beforehand: a save pauses its guest as
 * its first act, and libvirt continues one that ran when it fails. One that came from another slave, or was about to go, goes on first
 * (`goneOn`).
 * @param meanwhile the reason to tell while it is being saved
 * @param otherwise what follows when it cannot be
 */
export function save(desired: Wanted, view: View, meanwhile: Reason | null, otherwise: string): Plan {
  const { marks, recollection } = view;
  const steps: Step[] = [nextOfSave(view), ...bootedSteps(marks)];
  const failure = recollection.failures.get('save');
  const final = failure === undefined ? null : finalReason('save', failure);
  if (final === null) return act(view, steps, observe(desired, 'suspending', meanwhile));
  // The guest holds its cores and its RAM, so it is called what it is.
  const reason: Reason = { code: final.code === 'NotEnoughDisk' ? final.code : 'SlaveRefused', sentence: cut(`${final.sentence} ${otherwise}`) };
  return act(view, steps, observe(desired, 'running', reason));
}

function nextOfSave({ facts, marks, recollection, nowMs }: View): Step {
  const { failures, savesAtOnce, pausedSinceMs } = recollection;
  const state = facts.domain?.state;
  const isPaused = state === 'paused';
  const on = goneOn(marks);
  if (on !== null && (isPaused || state === 'migrating')) return { kind: 'continue', before: {} };
  if (on !== null) return { kind: 'note', marks: on };
  if (failures.has('save')) return isPaused ? { kind: 'continue', before: {} } : { kind: 'save', turnByMs: null };
  if (isPaused) return { kind: 'save', turnByMs: (pausedSinceMs ?? nowMs) + pausedWaitMs };
  // Without having been paused it is saved all the same, a little later than the others.
  const pauses = state === 'running' && !savesAtOnce && !failures.has('pause');
  return pauses ? { kind: 'pause' } : { kind: 'save', turnByMs: null };
}

function notStarted(desired: Wanted, { booted, marks }: View): ObservedInstance {
  if (marks.failed !== null && !booted) return observe(desired, 'failed', marks.failed.reason);
  return observe(desired, 'stopped', { code: 'StoppedByUser', sentence: 'It was not running when it was to be suspended, so there is no RAM to keep. Its disk is kept; start it again when you need it.' });
}
