import type { ReservationState } from '@paravcl/shared/domain/reservation';
import type { ReservationRecord } from '../core/reservation-record';
import { priorityColumns, priorityFromRow, priorityToRow, type PriorityColumns } from './priority-columns';

export interface ReservationRow extends PriorityColumns {
  readonly id: string;
  readonly state: ReservationState;
  readonly user_id: string;
  readonly group_id: string | null;
  readonly image_id: string | null;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly count: number;
  readonly vcpus: number;
  readonly ram_mib: number;
  readonly disk_mib: number;
  readonly bandwidth_mbps: number | null;
  readonly min_speed: number | null;
  readonly requested_minutes: number;
  readonly moved_from: Date | null;
  readonly moved_to: Date | null;
  readonly moved_decision_id: string | null;
  readonly moved_accepted: number;
  readonly at_risk: number;
  readonly series_id: string | null;
  readonly sentence: string;
  readonly created_at: Date;
  readonly changed_at: Date;
}

export const reservationColumns = [
  'id', 'state', 'user_id', 'group_id', 'image_id', 'starts_at', 'ends_at', 'count', 'vcpus', 'ram_mib', 'disk_mib', 'bandwidth_mbps', 'min_speed', ...priorityColumns,
  'requested_minutes', 'moved_from', 'moved_to', 'moved_decision_id', 'moved_accepted', 'at_risk', 'series_id', 'sentence', 'created_at', 'changed_at',
] as const satisfies readonly (keyof ReservationRow)[];

export function reservationFromRow(row: ReservationRow): ReservationRecord {
  return {
    id: row.id,
    state: row.state,
    userId: row.user_id,
    groupId: row.group_id,
    imageId: row.image_id,
    start: row.starts_at.getTime(),
    end: row.ends_at.getTime(),
    count: row.count,
    vcpus: row.vcpus,
    ramMiB: row.ram_mib,
    diskMiB: row.disk_mib,
    bandwidthMbps: row.bandwidth_mbps,
    ...(row.min_speed === null ? {} : { minSpeed: row.min_speed }),
    priority: priorityFromRow(row),
    requestedMinutes: row.requested_minutes,
    moved: movedFromRow(row),
    atRisk: row.at_risk === 1,
    seriesId: row.series_id,
    sentence: row.sentence,
    createdAt: row.created_at.getTime(),
    changedAt: row.changed_at.getTime(),
  };
}

/** The columns of those fields that are given. */
export function reservationToRow(change: Partial<ReservationRecord>): Partial<ReservationRow> {
  return {
    ...(change.id !== undefined && { id: change.id }),
    ...(change.state !== undefined && { state: change.state }),
    ...(change.userId !== undefined && { user_id: change.userId }),
    ...(change.groupId !== undefined && { group_id: change.groupId }),
    ...(change.imageId !== undefined && { image_id: change.imageId }),
    ...(change.start !== undefined && { starts_at: new Date(change.start) }),
    ...(change.end !== undefined && { ends_at: new Date(change.end) }),
    ...(change.count !== undefined && { count: change.count }),
    ...(change.vcpus !== undefined && { vcpus: change.vcpus }),
    ...(change.ramMiB !== undefined && { ram_mib: change.ramMiB }),
    ...(change.diskMiB !== undefined && { disk_mib: change.diskMiB }),
    ...(change.bandwidthMbps !== undefined && { bandwidth_mbps: change.bandwidthMbps }),
    ...(change.minSpeed !== undefined && { min_speed: change.minSpeed }),
    ...(change.priority !== undefined && priorityToRow(change.priority)),
    ...(change.requestedMinutes !== undefined && { requested_minutes: change.requestedMinutes }),
    ...(change.moved !== undefined && movedToRow(change.moved)),
    ...(change.atRisk !== undefined && { at_risk: change.atRisk ? 1 : 0 }),
    ...(change.seriesId !== undefined && { series_id: change.seriesId }),
    ...(change.sentence !== undefined && { sentence: change.sentence.slice(0, 1000) }),
    ...(change.createdAt !== undefined && { created_at: new Date(change.createdAt) }),
    ...(change.changedAt !== undefined && { changed_at: new Date(change.changedAt) }),
  };
}

function movedFromRow(row: ReservationRow): ReservationRecord['moved'] {
  if (row.moved_from === null || row.moved_to === null || row.moved_decision_id === null) return null;
  return { from: row.moved_from.getTime(), to: row.moved_to.getTime(), decisionId: row.moved_decision_id, accepted: row.moved_accepted === 1 };
}

function movedToRow(moved: ReservationRecord['moved']): Pick<ReservationRow, 'moved_from' | 'moved_to' | 'moved_decision_id' | 'moved_accepted'> {
  if (moved === null) return { moved_from: null, moved_to: null, moved_decision_id: null, moved_accepted: 0 };
  return { moved_from: new Date(moved.from), moved_to: new Date(moved.to), moved_decision_id: moved.decisionId, moved_accepted: moved.accepted ? 1 : 0 };
}
