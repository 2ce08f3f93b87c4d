import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import { neverUnused, type InstanceRecord } from '../../src/core/instance-record';
import type { ReservationRecord } from '../../src/core/reservation-record';
import type { NewImageRecord } from '../../src/repositories/image-record';

/** A whole second, as every time in the books is to the millisecond. */
export const sampleTime = Date.parse('2026-03-02T08:00:00.000Z');

/** A small instance that runs nowhere yet, but for what the test says. */
export function sampleInstance(facts: Partial<InstanceRecord> = {}): InstanceRecord {
  const id = newId(sampleTime);
  return {
    id, name: `i-${id.slice(-12)}`, type: 'BE', userId: newId(sampleTime), groupId: null, imageId: newId(sampleTime), kernelId: null, ramdiskId: null, kernelArguments: '',
    vcpus: 1, ramMiB: 512, diskMiB: 1024, bandwidthMbps: null, sshPublicKeys: [], slaveId: null, desired: 'running', stopForced: false, observed: 'requested',
    generation: 1, observedGeneration: 0, reason: null, booted: false, progressPercent: null, mac: null, address: null, createdAt: sampleTime, changedAt: sampleTime,
    deadlineAt: null, minutes: 60, endsAt: null, priority: priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: 512, minutes: 60 }), requestedMinutes: 60,
    reservationId: null, queuedAt: null, queuedBecause: null, nominatedSlaveId: null, preemptions: 0, preemptedOn: null, diskEpoch: 1, observedDiskEpoch: 1, diskImageId: null, ramImageId: null, ramSavedOn: null, waitsSince: null, ...neverUnused,
    ...facts,
  };
}

/** Two machines of a person for an hour, confirmed, but for what the test says. */
export function sampleReservation(facts: Partial<ReservationRecord> = {}): ReservationRecord {
  return {
    id: newId(sampleTime), state: 'confirmed', userId: newId(sampleTime), groupId: null, imageId: null, start: sampleTime, end: sampleTime + 3_600_000,
    count: 2, vcpus: 1, ramMiB: 512, diskMiB: 1024, bandwidthMbps: null, priority: priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: 512, minutes: 60 }),
    requestedMinutes: 60, moved: null, atRisk: false, seriesId: null, sentence: 'Confirmed.', createdAt: sampleTime, changedAt: sampleTime,
    ...facts,
  };
}

/** A disk image that is ready and everybody's, but for what the test says. */
export function sampleImage(facts: Partial<NewImageRecord> = {}): NewImageRecord {
  const id = newId(sampleTime);
  return {
    id, friendlyId: `EMI-${id}`, kind: 'disk', name: 'Ubuntu', description: '', format: 'raw', familyId: newId(sampleTime), version: 1, visibility: 'public', sizeBytes: 1024,
    sha256: 'a'.repeat(64), importPath: null, manifestId: null, contentSha256: null, contentBytes: null, checkPercent: null, virtualSizeMiB: 64, state: 'ready', reason: null,
    defaultKernelId: null, defaultRamdiskId: null, defaultVcpus: null, defaultRamMiB: null, kernelArguments: '', platformValue: 1, ownerGroupId: null,
    createdByUserId: newId(sampleTime), createdAt: sampleTime,
    ...facts,
  };
}
