import { wantedDiskEpoch } from '@paravcl/shared/protocol/desired-instance';
import { cut } from './failures';
import { noMarks, type Marks } from './marks';
import { act, firstFinal, observe, type Plan, type View, type Wanted } from './plan';
import type { Step } from './steps';

/**
 * Of which epoch what is on the host is. Its files say so themselves; where they are gone, the marks say what they were
 * about. Of an instance that has nothing here it is the wanted one: there is nothing older.
 */
export function diskEpochOf(desired: Wanted, { marks, facts }: View): number {
  return facts.diskEpoch ?? marks.diskEpoch ?? wantedDiskEpoch(desired.spec);
}

/** What is here is of an earlier epoch than the order, or the removal of such has not come to its end. */
export function isToBeginAnew(desired: Wanted, view: View): boolean {
  const { facts } = view;
  return isEarlier(desired, view) || (facts.leftovers && !facts.files && facts.domain === null);
}

function isEarlier(desired: Wanted, view: View): boolean {
  return diskEpochOf(desired, view) < wantedDiskEpoch(desired.spec);
}

/**
 * The order is for a higher epoch of its disk: everything of the earlier one goes, power first, without asking the guest,
 * for what it would write down goes too. Then the definition with its saved RAM, then the files; its address stays
 * reserved. When all are gone it is like an instance that was never made, and goes on as one.
 *
 * The files are the last to go, because what they say of themselves is what all of this follows from: until then a
 * crash, or an agent that does not know of epochs, finds the earlier disk whole. That it never booted is noted just
 * before they go, for afterwards nothing tells a disk that was removed from one that vanished.
 */
export function towardsAnew(desired: Wanted, view: View): Plan {
  const { facts, recollection } = view;
  const state = facts.domain?.state ?? null;
  const isOff = state === null || state === 'off' || state === 'saved';
  const steps: readonly Step[] = [isOff ? removalOf(desired, view) : { kind: 'destroy', before: { stopAsked: true } }];
  const stuck = firstFinal(steps, recollection.failures);
  const meanwhile = isOff && desired.desired === 'running' ? 'preparing' : 'stopping';
  if (stuck === null) return act(view, steps, observe(desired, meanwhile));
  const sentence = cut(`It is to begin anew, and what was there is not gone yet. ${stuck.sentence} It is tried again.`);
  return act(view, steps, observe(desired, meanwhile, { code: 'SlaveRefused', sentence }));
}

function removalOf(desired: Wanted, view: View): Step {
  const { facts } = view;
  if (facts.domain !== null) return { kind: 'undefine', before: { stopAsked: true } };
  const { made, booted, ran, up, stopAsked, failed, lost } = noMarks;
  const neverMade: Partial<Marks> = { made, booted, ran, up, stopAsked, failed, lost, diskEpoch: wantedDiskEpoch(desired.spec) };
  // Of what is merely left over nothing follows for the disk it is the rest of.
  const before = isEarlier(desired, view) ? neverMade : {};
  return facts.files || facts.leftovers ? { kind: 'remove-files', before } : { kind: 'note', marks: neverMade };
}
