import type { EpochMs } from '@paravcl/shared/clock';
import type { DesiredState, ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Reason } from '@paravcl/shared/domain/reasons';
import type { PriorityParts } from '@paravcl/shared/priority';

/** An instance as the master keeps it. */
export interface InstanceRecord {
  readonly id: string;
  readonly name: string;
  readonly type: 'BE' | 'AR';
  readonly userId: string;
  readonly groupId: string | null;
  readonly imageId: string;
  readonly kernelId: string | null;
  readonly ramdiskId: string | null;
  readonly kernelArguments: string;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly bandwidthMbps: number | null;
  readonly sshPublicKeys: readonly string[];
  readonly slaveId: string | null;
  readonly desired: DesiredState;
  readonly stopForced: boolean;
  readonly observed: ObservedState;
  /**
   * Rises with every change of what is desired *and* of where: a verb, a placement, a failed launch. So one
   * number orders everything a slave can be told about the instance, and an old report is recognised.
   * `nextGeneration` makes them; a tombstone for something left behind may be newer than this.
   */
  readonly generation: number;
  /** Generation that the last accepted observation answers; smaller while the slave has not answered yet. */
  readonly observedGeneration: number;
  readonly reason: Reason | null;
  /** Has run at least once: its disk holds something, so it is never placed elsewhere. */
  readonly booted: boolean;
  readonly progressPercent: number | null;
  readonly mac: string | null;
  readonly address: string | null;
  readonly createdAt: EpochMs;
  /** Last change of `observed`. */
  readonly changedAt: EpochMs;
  readonly deadlineAt: EpochMs | null;
  /** How long it may run at a time; null: without end. */
  readonly minutes: number | null;
  /** When its time is over; null without end, and while it has no slave. It stays while it does not run. */
  readonly endsAt: EpochMs | null;
  /** Fixed at the request; an extension makes it anew with the total time. */
  readonly priority: PriorityParts;
  /** E of the priority: minutes asked for in all, extensions included. */
  readonly requestedMinutes: number;
  /** The reservation it was claimed from, while that holds room. */
  readonly reservationId: string | null;
  /**
   * Since when it is in the queue to go on where its disk is: suspended for others, or asked to run when there was no
   * room. What is desired stays `suspended` or `stopped` meanwhile. Null for everything else; what has no slave yet
   * waits by its observed state.
   */
  readonly queuedAt: EpochMs | null;
  /** How it came into the queue: made to give way, or asked to run; null when it is not in it. */
  readonly queuedBecause: 'preempted' | 'asked' | null;
  /** The slave on which others are being suspended for it. */
  readonly nominatedSlaveId: string | null;
  /** How often it was suspended for others on the site's day `preemptedOn` (YYYY-MM-DD). */
  readonly preemptions: number;
  readonly preemptedOn: string | null;
}

export type PlacementState = 'active' | 'cleaning' | 'clean';

/** That an instance was given to a slave. `cleaning`: the slave owes the proof that nothing remains. */
export interface PlacementRecord {
  readonly id: string;
  readonly instanceId: string;
  readonly slaveId: string;
  readonly generation: number;
  readonly state: PlacementState;
}

/** The observed state in which a desired one is fulfilled. */
export const fulfilment: Readonly<Record<DesiredState, ObservedState>> = {
  running: 'running',
  suspended: 'suspended',
  stopped: 'stopped',
  deleted: 'deleted',
};

/** The slave has answered the newest generation, and what should be is. */
export function settled(instance: Pick<InstanceRecord, 'desired' | 'observed' | 'generation' | 'observedGeneration'>): boolean {
  return instance.observedGeneration === instance.generation && instance.observed === fulfilment[instance.desired];
}

/** Its domain is gone, people were told, and nobody has asked for it since: the slave must not make it anew by itself. */
export function abandoned(instance: Pick<InstanceRecord, 'observed' | 'reason' | 'generation' | 'observedGeneration'>): boolean {
  return instance.observed === 'lost' && instance.reason?.code === 'DomainLost' && instance.observedGeneration === instance.generation;
}

/** It gave way to others, and its reason still says to whom: more than what it waits for now. */
export function saysWhyItGaveWay({ queuedBecause, reason }: Pick<InstanceRecord, 'queuedBecause' | 'reason'>): boolean {
  return queuedBecause === 'preempted' && (reason?.code === 'LowerPriority' || reason?.code === 'Recalled');
}
