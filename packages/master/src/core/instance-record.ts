import type { EpochMs } from '@paravcl/shared/clock';
import type { DesiredState, ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Reason } from '@paravcl/shared/domain/reasons';
import type { SavedOn } from './saved-ram';
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
  /** Of the slave it is placed on; null or absent: any. */
  readonly minSpeed?: number | null;
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
  /** Has run at least once since its disk began: it holds something, so it is never placed elsewhere. */
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
  /** How often its disk began anew from its image, counted from 1; rises with every reset. */
  readonly diskEpoch: number;
  /** Of which epoch what its slave has is, by the last report that was accepted; that of the placement before the first. */
  readonly observedDiskEpoch: number;
  /**
   * What its present disk lies over when that is not its image: the disk as it was kept in the store when it left its last
   * slave. A reset goes back to the image.
   */
  readonly diskImageId: string | null;
  /** RAM in the store that its disk goes on with when it starts next; null when it boots, or its slave has its RAM. */
  readonly ramImageId: string | null;
  /** What saved that RAM. */
  readonly ramSavedOn: SavedOn | null;
  /** Since when it lies saved or off and nobody asked for it, also while its slave is silent; null while it is used, and of rows older than this. */
  readonly idleSince: EpochMs | null;
  /** When its owner was told last that it goes, or went, into the recycle bin. */
  readonly agingNoticedAt: EpochMs | null;
  /** When it went into the recycle bin; null: it is not there. */
  readonly recycledAt: EpochMs | null;
  /** Before this it is not deleted from there; null: it is never, or it is not there. */
  readonly recycleUntil: EpochMs | null;
  /** For the order of the queue: since when it waits for room, what it waited before it was suspended for others included. Null: since `queuedAt`, or since it was asked for. */
  readonly waitsSince: EpochMs | null;
}

/** An instance that has its slave. */
export type PlacedRecord = InstanceRecord & { readonly slaveId: string };

/** It never lay unused. */
export const neverUnused = { idleSince: null, agingNoticedAt: null, recycledAt: null, recycleUntil: null } as const satisfies Partial<InstanceRecord>;

/** It has no RAM in the store. */
export const withoutStoredRam = { ramImageId: null, ramSavedOn: null } as const satisfies Partial<InstanceRecord>;

export type PlacementState = 'active' | 'cleaning' | 'clean' | 'given-up';

/** That an instance was given to a slave. `cleaning`: the slave owes the proof that nothing remains; `given-up`: it left the pool without. */
export interface PlacementRecord {
  readonly id: string;
  readonly instanceId: string;
  readonly slaveId: string;
  readonly generation: number;
  readonly state: PlacementState;
}

/** The version that its disk lies over. */
export function diskImageOf({ diskImageId, imageId }: Pick<InstanceRecord, 'diskImageId' | 'imageId'>): string {
  return diskImageId ?? imageId;
}

/** It is off and on no slave; what was on its disk is in the store, and it may start wherever there is room. */
export function isInStore({ slaveId, diskImageId, booted }: Pick<InstanceRecord, 'slaveId' | 'diskImageId' | 'booted'>): boolean {
  return slaveId === null && diskImageId !== null && !booted;
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

/** It is to begin anew, and what was on its disk is not gone yet as far as is known. */
export function beginsAnew({ diskEpoch, observedDiskEpoch }: Pick<InstanceRecord, 'diskEpoch' | 'observedDiskEpoch'>): boolean {
  return observedDiskEpoch < diskEpoch;
}

/**
 * It is off, and its slave has nothing of it that is of worth: it never ran since its disk began, or what is there is to go. What
 * it begins from is in the store.
 */
export function hasNothingThere(instance: Pick<InstanceRecord, 'slaveId' | 'desired' | 'observed' | 'generation' | 'observedGeneration' | 'booted' | 'diskEpoch' | 'observedDiskEpoch'>): boolean {
  if (instance.slaveId === null || instance.desired !== 'stopped') return false;
  const isStill = instance.observed === 'stopped' || instance.observed === 'suspended';
  return (isStill && beginsAnew(instance)) || (settled(instance) && !instance.booted);
}

/** Its domain is gone, people were told, and nobody has asked for it since: the slave must not make it anew by itself. */
export function abandoned(instance: Pick<InstanceRecord, 'observed' | 'reason' | 'generation' | 'observedGeneration'>): boolean {
  return instance.observed === 'lost' && instance.reason?.code === 'DomainLost' && instance.observedGeneration === instance.generation;
}

/** It gave way to others, and its reason still says to whom: more than what it waits for now. */
export function saysWhyItGaveWay({ queuedBecause, reason }: Pick<InstanceRecord, 'queuedBecause' | 'reason'>): boolean {
  return queuedBecause === 'preempted' && (reason?.code === 'LowerPriority' || reason?.code === 'Recalled');
}
