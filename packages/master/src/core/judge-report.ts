import { canMove, type ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Reason, ReasonCode } from '@paravcl/shared/domain/reasons';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { saysWhyItGaveWay, type InstanceRecord, type PlacementRecord } from './instance-record';

/** What a slave's report about one instance means. */
export type Verdict =
  /**
   * The books do not say how it came there: never made here, or made after the backup that these books
   * were restored from. It may be somebody's only copy: leave it alone and tell people.
   */
  | { readonly kind: 'unknown' }
  /** Answers an older generation: changes nothing. */
  | { readonly kind: 'ignore' }
  /** The slave is still cleaning away what its tombstone is about. */
  | { readonly kind: 'cleaning' }
  /** Cannot follow what is known, by the table of moves: changes nothing, and is a fault of somebody's. */
  | { readonly kind: 'impossible' }
  /** The slave keeps a tombstone whose end is recorded. */
  | { readonly kind: 'forget' }
  /** A placement proves that it was taken away from this slave, and something of it is there: nothing may remain. */
  | { readonly kind: 'owe-tombstone' }
  /** A tombstone was sent and not seen. */
  | { readonly kind: 'repeat-tombstone'; readonly generation: number }
  /** The slave proves that nothing remains. */
  | { readonly kind: 'cleaned'; readonly placementId: string }
  /** Its holder obeys a newer generation than the books know (they were restored from a backup): take a newer one still. */
  | { readonly kind: 'adopt' }
  /** What is to begin anew is still what it was: no answer yet; the reason says what is in the way, if anything is. */
  | { readonly kind: 'not-anew'; readonly reason: Reason | null }
  /** The launch failed before the guest ever ran: the next slave. */
  | { readonly kind: 'next-candidate'; readonly reason: Reason }
  | {
      readonly kind: 'observe';
      readonly to: ObservedState;
      readonly reason: Reason | null;
      /** The guest switched itself off, or the slave ended its time: that is what is desired from now on. */
      readonly accept: 'stopped' | 'suspended' | null;
    };

/** States in which a guest runs that can switch itself off. `lost` because it may have run while nobody looked. */
const couldPowerOff: readonly ObservedState[] = ['booting', 'running', 'resuming', 'lost'];

/** What a guest's disk has been written in. */
export const bootedStates: readonly ObservedState[] = ['running', 'suspending', 'suspended', 'resuming'];

/**
 * Judges one report. Only the slave that holds the placement, answering the newest generation, may move
 * the instance. What was provably taken away from the slave is cleaned away; what the books cannot
 * explain is left alone (decision 0001: a master restored from an old backup must not wipe a lab).
 *
 * @param placement the newest placement of the instance on the reporting slave
 */
export function judgeReport(
  slave: { readonly id: string; readonly name: string },
  instance: InstanceRecord | null,
  placement: PlacementRecord | null,
  report: ObservedInstance,
): Verdict {
  if (instance === null) return report.state === 'deleted' ? { kind: 'forget' } : { kind: 'unknown' };

  const state = placement?.state ?? 'clean';
  if (report.state === 'deleted') {
    if (placement === null || state === 'clean' || state === 'given-up') return { kind: 'forget' };
    if (state === 'cleaning') {
      return report.generation >= placement.generation
        ? { kind: 'cleaned', placementId: placement.id }
        : { kind: 'repeat-tombstone', generation: placement.generation };
    }
    // Placed here once and elsewhere now: nothing should be here, and nothing is.
    if (instance.slaveId !== slave.id) return { kind: 'cleaned', placementId: placement.id };
    // A tombstone of an earlier placement here, whose `forget` was lost.
    if (report.generation < instance.generation) return { kind: 'forget' };
    return observe(instance, 'lost', { code: 'DomainLost', sentence: `${slave.name} has nothing of ${instance.name} any more.` });
  }

  const holds = instance.slaveId === slave.id && (state === 'active' || (state === 'cleaning' && instance.desired === 'deleted'));
  if (!holds) {
    // No slave obeys a newer generation than it was told, so a newer one than we ever told it is not what we took away.
    const told = placement === null ? 0 : state === 'active' ? instance.generation : placement.generation;
    if (placement === null || report.generation > told) return { kind: 'unknown' };
    if (state !== 'cleaning') return { kind: 'owe-tombstone' };
    return report.generation < placement.generation ? { kind: 'repeat-tombstone', generation: placement.generation } : { kind: 'cleaning' };
  }
  if (report.generation > instance.generation) return { kind: 'adopt' };
  if (report.generation < instance.generation) return { kind: 'ignore' };
  if (instance.desired !== 'deleted' && (report.diskEpoch ?? instance.observedDiskEpoch) < instance.diskEpoch) return { kind: 'not-anew', reason: report.diskEpoch === undefined ? cannotBeginAnew(slave.name, instance.name) : report.reason };

  if (report.state === 'failed' && !instance.booted && instance.desired === 'running' && canMove(instance.observed, 'queued')) {
    return { kind: 'next-candidate', reason: report.reason ?? { code: 'LaunchFailed', sentence: `${slave.name} could not launch it and gave no reason.` } };
  }
  const ended = endedAlone(instance, report);
  if (ended !== null) return { kind: 'observe', to: report.state, reason: report.reason, accept: ended };
  if (report.state === 'stopped' && instance.desired === 'running' && follows(instance.observed, 'stopped') && switchedItselfOff(instance, report)) {
    const reason: Reason = report.reason ?? { code: 'StoppedByGuest', sentence: `${instance.name} was shut down from inside. Start it again when you need it.` };
    return { kind: 'observe', to: 'stopped', reason, accept: 'stopped' };
  }
  if (report.state === 'stopped' && instance.desired === 'suspended' && follows(instance.observed, 'stopped')) {
    // The slave knows that it is to be saved and finds it off: there is no RAM to save, and there never will be.
    const sentence = `${instance.name} was off before it could be saved. Start it again when you need it.`;
    return { kind: 'observe', to: 'stopped', reason: report.reason ?? { code: 'StoppedByGuest', sentence }, accept: 'stopped' };
  }
  return observe(instance, report.state, report.reason);
}

function cannotBeginAnew(slave: string, instance: string): Reason {
  return { code: 'SlaveRefused', sentence: `The agent of ${slave} is of an earlier release, which cannot begin ${instance} anew: what was on its disk is still there. Update the agent; it then does so by itself.` };
}

/** Why something is off that was wanted otherwise. */
const whyItIsOff: ReadonlySet<ReasonCode> = new Set(['StoppedByGuest', 'StoppedByUser', 'TimeEnded']);

const isOff = (state: ObservedState): boolean => state === 'stopped' || state === 'stopping';

/** Seen again, or one of the moves that can be seen next. */
const follows = (from: ObservedState, to: ObservedState): boolean => to === from || canMove(from, to);

function observe(instance: InstanceRecord, to: ObservedState, reason: Reason | null): Verdict {
  if (!follows(instance.observed, to)) return { kind: 'impossible' };
  // The answer to "stay off" must not wipe out why it went off, nor the way to "saved" why it is saved. What crashed is off once more on its way there.
  const staysOff = instance.desired === 'stopped' && isOff(instance.observed) && isOff(to) && instance.reason !== null && whyItIsOff.has(instance.reason.code);
  const toSaved = instance.desired === 'suspended' && (instance.reason?.code === 'TimeEnded' || saysWhyItGaveWay(instance));
  // One that gave way and was reset meanwhile is off, and waits on.
  const toOff = instance.desired === 'stopped' && saysWhyItGaveWay(instance);
  const again = instance.reason?.code === 'StoppedByGuest' && to === instance.observed;
  const keeps = again || staysOff || toSaved || toOff;
  // What waits to go on keeps what it waits for, when its slave only says again that it is off.
  const waits = instance.queuedAt !== null && to === instance.observed;
  const kept = keeps || waits ? instance.reason : null;
  return { kind: 'observe', to, reason: reason ?? kept, accept: null };
}

/** The slave keeps the end of an instance's time alone while the master is away; what it made of it, or null. */
function endedAlone(instance: InstanceRecord, { state, reason }: ObservedInstance): 'stopped' | 'suspended' | null {
  if (reason?.code !== 'TimeEnded' || instance.desired !== 'running') return null;
  if (state !== 'suspending' && state !== 'suspended' && state !== 'stopped') return null;
  if (!follows(instance.observed, state)) return null;
  return state === 'stopped' ? 'stopped' : 'suspended';
}

/**
 * The slave says so, or gives no reason and it was seen running under this very generation, so that
 * `stopped` is not merely the state before the start. With any other reason the slave tries on.
 */
function switchedItselfOff(instance: InstanceRecord, report: ObservedInstance): boolean {
  if (report.reason !== null) return report.reason.code === 'StoppedByGuest';
  return instance.observedGeneration === instance.generation && couldPowerOff.includes(instance.observed);
}
