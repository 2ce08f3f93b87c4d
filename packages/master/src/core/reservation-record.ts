import type { EpochMs } from '@paravcl/shared/clock';
import type { ReservationState } from '@paravcl/shared/domain/reservation';
import type { PriorityParts } from '@paravcl/shared/priority';

/** A reservation as the master keeps it. */
export interface ReservationRecord {
  readonly id: string;
  readonly state: ReservationState;
  readonly userId: string;
  readonly groupId: string | null;
  readonly imageId: string | null;
  readonly start: EpochMs;
  readonly end: EpochMs;
  readonly count: number;
  readonly vcpus: number;
  readonly ramMiB: number;
  readonly diskMiB: number;
  readonly bandwidthMbps: number | null;
  /** Of the slaves it is booked on; null or absent: any. */
  readonly minSpeed?: number | null;
  readonly priority: PriorityParts;
  /** E of the priority: minutes asked for in all, extensions included. */
  readonly requestedMinutes: number;
  readonly moved: { readonly from: EpochMs; readonly to: EpochMs; readonly decisionId: string; readonly accepted: boolean } | null;
  /** Its people were told that some of its machines have no slave to run on, and it is still so. */
  readonly atRisk: boolean;
  readonly seriesId: string | null;
  readonly sentence: string;
  readonly createdAt: EpochMs;
  readonly changedAt: EpochMs;
}

/** A slot of a reservation: one VM, booked on one slave. What is confirmed can be packed because every slot has its slave. */
export interface BookingRecord {
  readonly reservationId: string;
  readonly slot: number;
  readonly slaveId: string;
  /** Who claimed it; null while nobody has. */
  readonly instanceId: string | null;
}

/** A weekly repeat: what is asked for anew each week, at the same time of day of the site. */
export interface SeriesRecord {
  readonly id: string;
  readonly userId: string;
  /** Its first one; the later ones take size, group, image and factors of the priority from it. */
  readonly reservationId: string;
  /** Local start of the next one to be admitted, "2026-10-27T10:00", in the site's zone; null when all are. */
  readonly nextStart: string | null;
  /** Last local date, "2026-12-22". */
  readonly until: string;
  readonly minutes: number;
}
