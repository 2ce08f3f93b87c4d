import type { EpochMs } from '@paravcl/shared/clock';
import type { Move } from '../reservation-request';

/** Why one ended: its person left, its time (or window) was over, it was given up before it ever had room, or no host could take it. */
export type SimulatedEnding = 'left' | 'time-over' | 'given-up' | 'refused';

export interface RequestOutcome {
  readonly id: string;
  readonly submittedAt: EpochMs;
  /** When it first got its room; null: never. */
  readonly firstStartAt: EpochMs | null;
  /** Before its first start, and every time it was suspended for others until it went on. */
  readonly totalWaitMs: number;
  /** How often others had it suspended. */
  readonly suspensions: number;
  /** When its room came back for good; null: it runs or waits still. */
  readonly endedAt: EpochMs | null;
  readonly ending: SimulatedEnding | null;
  /** It has no room when the simulation ends. */
  readonly waits: boolean;
}

export interface ClaimOutcome {
  readonly instanceId: string;
  readonly claimedAt: EpochMs;
  /** When it got its room; null: never. */
  readonly startedAt: EpochMs | null;
  /** From its claim until it had room, or until the window or the simulation was over. */
  readonly waitMs: number;
  /** It came before the grace was over, to what was booked early enough to save all that could run there first. */
  readonly promised: boolean;
  /** More than a minute (DEFINITIONS, "Measuring"). */
  readonly late: boolean;
  /** Of one that is late: only best-effort that could have been suspended was in its way, and not a guest of a reservation before that was still being saved (`SiteBooks.hasItsRoom`). */
  readonly roomExisted: boolean;
}

export interface ReservationOutcome {
  readonly id: string;
  readonly answer: 'admitted' | 'refused' | 'unasked';
  /** Why it was refused. */
  readonly sentence: string | null;
  /** It gave way to a stronger one. */
  readonly moved: Pick<Move, 'from' | 'to'> | null;
  readonly claims: readonly ClaimOutcome[];
  /** Who came when every machine was taken, or to a reservation that was refused. */
  readonly turnedAway: number;
}

/** Means over one interval. */
export interface Utilisation {
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Cores that run best-effort, what is being saved included. */
  readonly bestEffortCores: number;
  /** Cores that run what is reserved. */
  readonly reservedCores: number;
  /** How many wait. */
  readonly waiting: number;
}

/** One that was told to go. */
export interface Suspension {
  readonly at: EpochMs;
  readonly instanceId: string;
  /** A higher priority, a claim of a reserved machine, or a reservation whose window is near. */
  readonly cause: 'priority' | 'claim' | 'recall';
}

export interface SimulationOutcome {
  readonly requests: readonly RequestOutcome[];
  readonly reservations: readonly ReservationOutcome[];
  readonly utilisation: readonly Utilisation[];
  readonly suspensions: readonly Suspension[];
  readonly capacityCores: number;
  readonly counts: {
    readonly plans: number;
    readonly admissions: number;
    readonly placements: number;
    readonly resumptions: number;
    readonly saves: number;
    readonly claims: number;
  };
  /** What must be empty: a host with more on it than it has, in a sentence each. */
  readonly oversubscribed: readonly string[];
}
