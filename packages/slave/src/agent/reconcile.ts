import type { Reason } from '@paravcl/shared/domain/reasons';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { givesUpRam, givingUpRam } from './awaited-ram';
import type { HostFacts, KnownInstance, Recollection } from './host-facts';
import { noMarks } from './marks';
import { plainStates } from './plain-states';
import type { Plan, View, Wanted } from './plan';
import { diskEpochOf, isToBeginAnew, towardsAnew } from './towards-anew';
import { towardsDeleted } from './towards-deleted';
import { towardsItsEnd } from './towards-its-end';
import { towardsReceived } from './towards-received';
import { towardsRunning } from './towards-running';
import { towardsSent } from './towards-sent';
import { towardsStopped } from './towards-stopped';
import { towardsSuspended } from './towards-suspended';

/**
 * Compares what should be with what the host has, for one instance, and says what to do next.
 *
 * The steps of one plan do not depend on each other and may run at the same time; after them the host
 * is read again and a new plan is made, so a plan never looks further than one move ahead. A step that
 * failed is planned again when its back-off has passed. When there is nothing to do the plan is empty
 * and `wakeAtMs` says when to look again without being woken.
 *
 * Two traces of what `marks` carry over a gap are in docs/states.md, "An agent's memory".
 *
 * What never happens, whatever the facts: a domain that is wanted running is not destroyed, but with its disk; a disk that
 * has booted is removed only by `deleted`, or because the order is for a higher epoch of it, never for an equal or
 * lower one; what is ordered to another slave, or from one, is started by no other order than `running`; a disk that was written is never given RAM that it was not saved with, nor started while it awaits some; an older generation than the host's own mark is not obeyed; what has no time left is not started.
 */
export function reconcile(known: KnownInstance, facts: HostFacts, recollection: Recollection, nowMs: number): Plan {
  const { desired } = known;
  // Whether or not the journal knows it: what is active or saved has booted, and a disk this journal did not make may have, but
  // for one that still awaits the RAM of its first start.
  const hasRun = facts.domain !== null && facts.domain.state !== 'off';
  const booted = known.marks.booted || hasRun || (facts.files && !known.marks.made && !facts.awaitsRam);
  const view: View = { marks: known.marks, booted, facts, recollection, nowMs, alsoNote: {} };
  if (desired === null) return asFound(facts, null);
  if (facts.domain !== null && facts.domain.generation > desired.generation) {
    const sentence = `Generation ${desired.generation} is older than generation ${facts.domain.generation} written on the domain; it is not obeyed.`;
    return asFound(facts, { code: 'SlaveRefused', sentence });
  }
  if (desired.desired === 'deleted') return towardsDeleted(desired, view);
  if (desired.desired === 'sent') return towardsSent(desired, view);
  if (desired.desired === 'received') return towardsReceived(desired, view);
  const plan = isToBeginAnew(desired, view) ? towardsAnew(desired, view) : towardsOrder(desired, view, known.timeOver);
  return plan.observed === null ? plan : { ...plan, observed: { ...plan.observed, diskEpoch: diskEpochOf(desired, view) } };
}

function towardsOrder(desired: Wanted, view: View, timeOver: boolean): Plan {
  const plan = towardsWanted(desired, view, timeOver);
  return givesUpRam(desired, view.facts) ? givingUpRam(view, plan) : plan;
}

function towardsWanted(desired: Wanted, view: View, timeOver: boolean): Plan {
  switch (desired.desired) {
    case 'running':
      return timeOver ? towardsItsEnd(desired, view) : towardsRunning(desired, view);
    case 'suspended':
      return towardsSuspended(desired, view);
    case 'stopped':
      return towardsStopped(desired, view);
  }
}

/** What the host has, told as it is; nothing is done about it. */
function asFound(facts: HostFacts, reason: Reason | null): Plan {
  const { domain } = facts;
  if (domain === null) return { steps: [], observed: null, wakeAtMs: null };
  const { state, instanceId, generation } = domain;
  const observed: ObservedInstance = { instanceId, generation, state: plainStates[state], reason, progressPercent: null };
  return { steps: [], observed, wakeAtMs: null };
}

/** An instance nobody has told the agent of. */
export const unknownInstance: KnownInstance = { desired: null, marks: noMarks, timeOver: false };
