import type { EpochMs } from '@paravcl/shared/clock';
import type { PriorityParts } from '@paravcl/shared/priority';
import type { Window } from '../calendar';
import type { Policies } from '../plan';
import type { FixedSlot } from '../reservation-request';
import type { ReservationRules } from '../reservation-rules';
import type { Room, Rules, SlaveView, WaitingInstance } from '../snapshot';

/** One launch of best-effort, and what its person will do with it. */
export interface SimulatedRequest {
  readonly id: string;
  readonly name: string;
  readonly userId: string;
  readonly groupId: string | null;
  /** What it takes (`roomFor`). */
  readonly need: Room;
  readonly priority: PriorityParts;
  /** When it is asked for. */
  readonly at: EpochMs;
  /** Of one that waited before the simulation begins, since when; absent: since it is asked for. */
  readonly waitsSince?: EpochMs;
  /** How long it was asked for; null without end. */
  readonly runMs: number | null;
  /** How long its person really works with it; the rest is given back. Infinity: until its time is over. */
  readonly staysMs: number;
}

/** One who comes to a reserved machine. */
export interface SimulatedClaim {
  readonly userId: string;
  readonly afterStartMs: number;
  /** Given back so long after it began to run; Infinity: stays until the window is over. */
  readonly staysMs: number;
}

/** A request for reserved machines, and who comes to them. */
export interface SimulatedReservation extends Window {
  readonly id: string;
  readonly ownerName: string;
  readonly groupId: string | null;
  readonly askedAt: EpochMs;
  readonly count: number;
  /** What one of its machines takes (`roomFor`). */
  readonly need: Room;
  readonly priority: PriorityParts;
  readonly rules: ReservationRules;
  /** When it is moved, its people come at the new time. More than `count` at a time: the last ones get none. */
  readonly claims: readonly SimulatedClaim[];
  /** Where it is booked already when the simulation begins, with who runs in which slot; absent: it is asked for at `askedAt`. */
  readonly booked?: readonly (Pick<FixedSlot, 'slot' | 'slaveId'> & { readonly instanceId: string | null })[] | undefined;
}

/** What states last that no person ends. */
export interface SimulatedTimes {
  readonly preparingMs: number;
  readonly resumingMs: number;
  readonly stoppingMs: number;
  /** What a host had begun to make of one that was taken back is cleaned away in that time. */
  readonly cleaningMs: number;
}

export const usualTimes: SimulatedTimes = { preparingMs: 20_000, resumingMs: 5000, stoppingMs: 500, cleaningMs: 3000 };

/** Everything a simulation needs to know; equal inputs give equal outcomes. */
export interface SimulatedSite {
  readonly beginsAt: EpochMs;
  /** Nothing is looked at after that. */
  readonly until: EpochMs;
  /** What runs there at the beginning runs on until its end. Their bookings are not read: those of `reservations` count. */
  readonly slaves: readonly SlaveView[];
  /** Who waits already at the beginning. */
  readonly waiting?: readonly WaitingInstance[] | undefined;
  readonly rules: Rules;
  readonly policies: Policies;
  /** How often a day one is suspended for others; 0: nobody ever is, and reserved room is lent to nobody who would stay into its window. */
  readonly preemptionsPerDay: number;
  readonly requests: readonly SimulatedRequest[];
  readonly reservations: readonly SimulatedReservation[];
  /** How much longer than predicted the save of this number (from 0) takes. */
  readonly saveFactor: (save: number) => number;
  /** Utilisation is told as means over so long. */
  readonly intervalMs?: number | undefined;
  readonly times?: SimulatedTimes | undefined;
  /** Told at each midnight of the site's zone, for whoever waits for the outcome. */
  readonly onMidnight?: ((at: EpochMs) => void) | undefined;
}
