import type { EpochMs } from '@paravcl/shared/clock';
import type { ReservationState } from '@paravcl/shared/domain/reservation';
import type { Reason } from '@paravcl/shared/domain/reasons';
import type { Window } from './calendar';
import type { ReservationRules } from './reservation-rules';
import type { Room } from './snapshot';

/** A reservation that holds room, beside its slots, which stand with their slaves (`SlaveView.bookings`). */
export interface HeldReservation extends Window {
  readonly id: string;
  /** Whose it is, as people are told: the group's name, else the user's. */
  readonly ownerName: string;
  /** The person it is for; absent for a group's, which goes by its name. */
  readonly userId?: string | undefined;
  /** One of the holding states; only a confirmed one may be moved. */
  readonly state: ReservationState;
  readonly count: number;
  /** What one of its VMs takes (`roomFor`). */
  readonly need: Room;
  readonly pi: number;
  /** It gave way once already, and never does again. */
  readonly moved: boolean;
  readonly createdAt: EpochMs;
  /** Those of its owner: wherever it is moved, it stays within them. */
  readonly rules: ReservationRules;
}

/** A slot that has to stay on its slave. */
export interface FixedSlot {
  readonly slot: number;
  readonly slaveId: string;
  /** Disk, with its RAM's, of the instance that was claimed from it: promised there already, so only the rest is asked for. 0 while there is none. */
  readonly promisedDiskMiB: number;
  /** Its present end: whoever is booked there after it counts on that disk. */
  readonly heldUntil: EpochMs;
}

/**
 * So many identical VMs for a time that the rules allow (`windowFault`). One request serves three ways:
 * - new: an id that nobody has yet, nothing fixed;
 * - another time for a reservation that has not begun: its own id, whose present slots are then not in its way;
 * - a later end: its own id, start and the new end; once it has begun, every claimed slot fixed to its slave.
 */
export interface ReservationRequest extends Window {
  readonly id: string;
  readonly count: number;
  /** What one VM takes (`roomFor`). */
  readonly need: Room;
  readonly pi: number;
  readonly rules: ReservationRules;
  readonly fixed: readonly FixedSlot[];
  /** Who reads the answer: their own reservations are named as theirs. */
  readonly askedBy?: string | undefined;
}

/** Which slave one slot is booked on. */
export interface SlotOnSlave {
  readonly slot: number;
  readonly slaveId: string;
}

/** A weaker reservation that gives way, and all its slots at its new time. */
export interface Move {
  readonly reservationId: string;
  readonly ownerName: string;
  readonly from: Window;
  readonly to: Window;
  readonly bookings: readonly SlotOnSlave[];
}

/** What one can have instead (`shared/domain/decision`, with times as the core has them). */
export interface ReservationOffer extends Window {
  readonly kind: 'time' | 'size' | 'best-effort';
  readonly count: number;
  /** Of all VMs together. */
  readonly vcpus: number;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly bookings: readonly SlotOnSlave[]; readonly moves: readonly Move[] }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly offers: readonly ReservationOffer[] };
