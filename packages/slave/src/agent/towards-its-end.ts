import type { Reason } from '@paravcl/shared/domain/reasons';
import { ramIsToCome } from './awaited-ram';
import type { Marks } from './marks';
import { domainLost, stoppedByGuest, vanished, wentDownByItself } from './ended-by-itself';
import { cleanUp, givenUp } from './failed-launch';
import { act, bootedSteps, observe, type Plan, type View, type Wanted } from './plan';
import { save } from './towards-suspended';

/**
 * Wanted running, and its time is over: as if it were wanted suspended, under the same generation, and told with
 * the reason TimeEnded. What runs is saved; what is off stays off with its disk, be it that the host was off at
 * the end or that the launch took longer than its time. That its time ended is noted with the first of it, so no
 * clock starts it again; only a newer generation does. No sentence tells the time: an agent does not know the zone of its
 * site. The one of the save is true before and after, as the master may keep it when the guest has long been saved.
 */
export function towardsItsEnd(desired: Wanted, unnoted: View): Plan {
  const noted: Partial<Marks> = unnoted.marks.timeEnded?.generation === desired.generation ? {} : { timeEnded: { generation: desired.generation } };
  const view: View = { ...unnoted, alsoNote: noted };
  const { facts } = view;
  const timeEnded = (sentence: string): Reason => ({ code: 'TimeEnded', sentence });
  const stayOff = (): Plan =>
    ramIsToCome(desired, view)
      ? act(view, [], observe(desired, 'suspended', timeEnded('Its time was over before it went on. Its RAM is kept; give it more time to go on.')))
      : act(view, [], observe(desired, 'stopped', timeEnded('It was off when its time was over. Its disk is kept; give it more time to start it again.')));
  const state = facts.domain?.state ?? null;
  switch (state) {
    case 'saved':
      return act(view, bootedSteps(view.marks), observe(desired, 'suspended', timeEnded('Saved with everything open, because its time was over. Give it more time to go on.')));
    case 'running':
    case 'paused':
    case 'migrating':
    case 'paused-io':
      return save(desired, view, timeEnded('It is saved with everything open, because its time was over. Give it more time to go on.'), 'Its time is over; the guest keeps running and it is tried again.');
    case 'shutting-down':
      return act(view, [], observe(desired, 'stopping'));
    case 'off':
    case 'crashed':
      if (wentDownByItself(desired, view)) return stoppedByGuest(desired, view, state);
      return givenUp(desired, view) ? cleanUp(desired, view) : stayOff();
    case null:
      if (givenUp(desired, view)) return cleanUp(desired, view);
      return vanished(desired, view) ? domainLost(desired, view) : stayOff();
  }
}
