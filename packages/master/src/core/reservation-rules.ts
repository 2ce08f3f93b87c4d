/** What the site, or a group of it, allows reservations to be. Times of day are of `timeZone`, in minutes since midnight. */
export interface ReservationRules {
  readonly timeZone: string;
  /** The whole window lies between these. 1440 is midnight at the end of the day. */
  readonly opensAtMinute: number;
  readonly closesAtMinute: number;
  /** Latest start; null: whatever still ends in time. */
  readonly latestStartMinute: number | null;
  /** Starts and lengths are whole steps, counted from midnight; a reservation that gives way moves by one. */
  readonly stepMinutes: number;
  readonly minMinutes: number;
  readonly maxMinutes: number;
  /** First and last day one may reserve for, counted from today (0). */
  readonly firstDay: number;
  readonly lastDay: number;
  /** Reservations of one user or group that are confirmed or active at a time. */
  readonly mostOpen: number;
  /** How many steps a weaker reservation may be moved to make room. */
  readonly moveSteps: number;
}
