import { desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { reasonCodeSchema, type Reason } from '@paravcl/shared/domain/reasons';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { InstanceRecord } from '../core/instance-record';
import { savedOnFromColumn, savedOnToColumn } from './saved-on-column';
import { priorityColumns, priorityFromRow, priorityToRow, type PriorityColumns } from './priority-columns';

export interface InstanceRow extends PriorityColumns {
  readonly id: string;
  readonly name: string;
  readonly type: 'BE' | 'AR';
  readonly user_id: string;
  readonly group_id: string | null;
  readonly image_id: string;
  readonly kernel_id: string | null;
  readonly ramdisk_id: string | null;
  readonly kernel_arguments: string;
  readonly vcpus: number;
  readonly ram_mib: number;
  readonly disk_mib: number;
  readonly bandwidth_mbps: number | null;
  readonly min_speed: number | null;
  readonly ssh_public_keys: string;
  readonly slave_id: string | null;
  readonly desired: string;
  readonly stop_forced: number;
  readonly observed: string;
  readonly generation: number;
  readonly observed_generation: number;
  readonly reason_code: string | null;
  readonly reason_sentence: string | null;
  readonly booted: number;
  readonly progress_percent: number | null;
  readonly mac: string | null;
  readonly address: string | null;
  readonly created_at: Date;
  readonly changed_at: Date;
  readonly deadline_at: Date | null;
  readonly minutes: number | null;
  readonly ends_at: Date | null;
  readonly requested_minutes: number;
  readonly reservation_id: string | null;
  readonly queued_at: Date | null;
  readonly queued_because: 'preempted' | 'asked' | null;
  readonly nominated_slave_id: string | null;
  readonly preemptions: number;
  readonly preempted_on: string | null;
  readonly disk_epoch: number;
  readonly observed_disk_epoch: number;
  readonly disk_image_id: string | null;
  readonly ram_image_id: string | null;
  readonly ram_saved_on: string | null;
  readonly idle_since: Date | null;
  readonly aging_noticed_at: Date | null;
  readonly recycled_at: Date | null;
  readonly recycle_until: Date | null;
  readonly waits_since: Date | null;
}

export const instanceColumns = [
  'id', 'name', 'type', 'user_id', 'group_id', 'image_id', 'kernel_id', 'ramdisk_id', 'kernel_arguments', 'vcpus', 'ram_mib', 'disk_mib',
  'bandwidth_mbps', 'min_speed', 'ssh_public_keys', 'slave_id', 'desired', 'stop_forced', 'observed', 'generation', 'observed_generation', 'reason_code',
  'reason_sentence', 'booted', 'progress_percent', 'mac', 'address', 'created_at', 'changed_at', 'deadline_at', 'minutes', 'ends_at',
  ...priorityColumns, 'requested_minutes', 'reservation_id', 'queued_at', 'queued_because', 'nominated_slave_id', 'preemptions', 'preempted_on',
  'disk_epoch', 'observed_disk_epoch', 'disk_image_id', 'ram_image_id', 'ram_saved_on', 'idle_since', 'aging_noticed_at', 'recycled_at', 'recycle_until', 'waits_since',
] as const satisfies readonly (keyof InstanceRow)[];

export function instanceFromRow(row: InstanceRow): InstanceRecord {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    userId: row.user_id,
    groupId: row.group_id,
    imageId: row.image_id,
    kernelId: row.kernel_id,
    ramdiskId: row.ramdisk_id,
    kernelArguments: row.kernel_arguments,
    vcpus: row.vcpus,
    ramMiB: row.ram_mib,
    diskMiB: row.disk_mib,
    bandwidthMbps: row.bandwidth_mbps,
    ...(row.min_speed === null ? {} : { minSpeed: row.min_speed }),
    sshPublicKeys: z.array(z.string()).parse(parseJson(row.ssh_public_keys)),
    slaveId: row.slave_id,
    desired: desiredStateSchema.parse(row.desired),
    stopForced: row.stop_forced === 1,
    observed: observedStateSchema.parse(row.observed),
    generation: row.generation,
    observedGeneration: row.observed_generation,
    reason: reasonFromColumns(row.reason_code, row.reason_sentence),
    booted: row.booted === 1,
    progressPercent: row.progress_percent,
    mac: row.mac,
    address: row.address,
    createdAt: row.created_at.getTime(),
    changedAt: row.changed_at.getTime(),
    deadlineAt: row.deadline_at?.getTime() ?? null,
    minutes: row.minutes,
    endsAt: row.ends_at?.getTime() ?? null,
    priority: priorityFromRow(row),
    requestedMinutes: row.requested_minutes,
    reservationId: row.reservation_id,
    queuedAt: row.queued_at?.getTime() ?? null,
    queuedBecause: row.queued_because,
    nominatedSlaveId: row.nominated_slave_id,
    preemptions: row.preemptions,
    preemptedOn: row.preempted_on,
    diskEpoch: row.disk_epoch,
    observedDiskEpoch: row.observed_disk_epoch,
    diskImageId: row.disk_image_id,
    ramImageId: row.ram_image_id,
    ramSavedOn: savedOnFromColumn(row.ram_saved_on),
    idleSince: row.idle_since?.getTime() ?? null,
    agingNoticedAt: row.aging_noticed_at?.getTime() ?? null,
    recycledAt: row.recycled_at?.getTime() ?? null,
    recycleUntil: row.recycle_until?.getTime() ?? null,
    waitsSince: row.waits_since?.getTime() ?? null,
  };
}

export function instanceToRow(instance: InstanceRecord): InstanceRow {
  return {
    id: instance.id,
    name: instance.name,
    type: instance.type,
    user_id: instance.userId,
    group_id: instance.groupId,
    image_id: instance.imageId,
    kernel_id: instance.kernelId,
    ramdisk_id: instance.ramdiskId,
    kernel_arguments: instance.kernelArguments,
    vcpus: instance.vcpus,
    ram_mib: instance.ramMiB,
    disk_mib: instance.diskMiB,
    bandwidth_mbps: instance.bandwidthMbps,
    min_speed: instance.minSpeed ?? null,
    ssh_public_keys: JSON.stringify(instance.sshPublicKeys),
    slave_id: instance.slaveId,
    desired: instance.desired,
    stop_forced: instance.stopForced ? 1 : 0,
    observed: instance.observed,
    generation: instance.generation,
    observed_generation: instance.observedGeneration,
    reason_code: instance.reason?.code ?? null,
    reason_sentence: instance.reason?.sentence ?? null,
    booted: instance.booted ? 1 : 0,
    progress_percent: instance.progressPercent === null ? null : Math.floor(instance.progressPercent),
    mac: instance.mac,
    address: instance.address,
    created_at: new Date(instance.createdAt),
    changed_at: new Date(instance.changedAt),
    deadline_at: instance.deadlineAt === null ? null : new Date(instance.deadlineAt),
    minutes: instance.minutes,
    ends_at: instance.endsAt === null ? null : new Date(instance.endsAt),
    ...priorityToRow(instance.priority),
    requested_minutes: instance.requestedMinutes,
    reservation_id: instance.reservationId,
    queued_at: instance.queuedAt === null ? null : new Date(instance.queuedAt),
    queued_because: instance.queuedBecause,
    nominated_slave_id: instance.nominatedSlaveId,
    preemptions: instance.preemptions,
    preempted_on: instance.preemptedOn,
    disk_epoch: instance.diskEpoch,
    observed_disk_epoch: instance.observedDiskEpoch,
    disk_image_id: instance.diskImageId,
    ram_image_id: instance.ramImageId,
    ram_saved_on: savedOnToColumn(instance.ramSavedOn),
    idle_since: instance.idleSince === null ? null : new Date(instance.idleSince),
    aging_noticed_at: instance.agingNoticedAt === null ? null : new Date(instance.agingNoticedAt),
    recycled_at: instance.recycledAt === null ? null : new Date(instance.recycledAt),
    recycle_until: instance.recycleUntil === null ? null : new Date(instance.recycleUntil),
    waits_since: instance.waitsSince === null ? null : new Date(instance.waitsSince),
  };
}

export function reasonFromColumns(code: string | null, sentence: string | null): Reason | null {
  return code === null ? null : { code: reasonCodeSchema.parse(code), sentence: sentence ?? '' };
}
