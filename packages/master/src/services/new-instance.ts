import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { PriorityParts } from '@paravcl/shared/priority';
import { isDuplicateKey } from '../db/connection';
import { neverUnused, withoutStoredRam, type InstanceRecord } from '../core/instance-record';
import { deadlineAt, type InstanceSettings } from './instance-settings';
import type { Launch } from './launch-request';

/** What a new instance is made of, once everything was checked. */
export interface NewInstance {
  readonly id: string;
  readonly userId: string;
  readonly groupId: string | null;
  readonly launch: Launch;
  readonly sshPublicKeys: readonly string[];
  readonly mac: string;
  readonly address: string;
  readonly minutes: number | null;
  readonly priority: PriorityParts;
  readonly requestedMinutes: number;
  /** The reservation it is claimed from; null: best-effort. */
  readonly reservationId: string | null;
}

/** An instance as it is when it was just asked for. Its name is chosen when it is inserted. */
export function newInstance(asked: NewInstance, now: EpochMs, settings: Pick<InstanceSettings, 'deadlinesMs'>): Omit<InstanceRecord, 'name'> {
  const { launch, ...rest } = asked;
  return {
    ...rest,
    type: asked.reservationId === null ? 'BE' : 'AR',
    imageId: launch.image.id,
    kernelId: launch.kernelId,
    ramdiskId: launch.ramdiskId,
    kernelArguments: launch.kernelArguments,
    vcpus: launch.vcpus,
    ramMiB: launch.ramMiB,
    diskMiB: launch.diskMiB,
    bandwidthMbps: launch.bandwidthMbps,
    minSpeed: launch.minSpeed,
    slaveId: null,
    desired: 'running',
    stopForced: false,
    observed: 'requested',
    generation: 1,
    observedGeneration: 0,
    reason: null,
    booted: false,
    progressPercent: null,
    createdAt: now,
    changedAt: now,
    deadlineAt: deadlineAt('requested', now, settings, launch.ramMiB),
    endsAt: null,
    queuedAt: null,
    queuedBecause: null,
    nominatedSlaveId: null,
    preemptions: 0,
    preemptedOn: null,
    diskEpoch: 1,
    observedDiskEpoch: 1,
    diskImageId: null,
    ...withoutStoredRam,
    waitsSince: null,
    ...neverUnused,
  };
}

/**
 * Writes it under the first name that is free. Of two launches at once that make the same name, the second
 * finds it taken only when it is written, and takes its next one. Throws `already-exists` when none is left.
 */
export async function underFreeName<T>(names: readonly string[], write: (name: string) => Promise<T>): Promise<T> {
  for (const name of names) {
    try {
      return await write(name);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
  const named = names.length > 1 ? 'Try again.' : 'Choose another name, or leave it out.';
  throw new ParavclError('already-exists', `There is an instance named ${names.at(-1) ?? ''} already. ${named}`, { field: 'name', limit: 'unique in the site' });
}
