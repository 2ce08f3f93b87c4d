/**
 * Para-Scheduling's priority, exactly as the 2014 report published it:
 *
 *   PF = PfV + RAS − log2(R) − ln(E) + MON        Pi = 10 + 0.20 · PF
 *
 * The report's text has the weight 0.20; its code had 0.25 and stored the value in an integer column. 0.20 is right, and
 * the decimals are kept: Pi is compared and stored at six of them (DECIMAL(12,6)).
 */
export interface PriorityFactors {
  /** Platform value of the image, set by the admin, 0 to 5. */
  readonly pfv: number;
  /** The requester registers as a slave: owns a contributing one, or pledges one with the request. */
  readonly ras: boolean;
  /** Member of the group that owns the image or the reservation, or of one of the site's member groups. */
  readonly mon: boolean;
  /** R: RAM of one VM in MiB, taken as the formula's MB. */
  readonly ramMiB: number;
  /** E: requested minutes in all. */
  readonly minutes: number;
}

export interface PrioritySettings {
  /** Share of PF in Pi. */
  readonly weight: number;
  /** What R and E count at least; a site may raise them. Never below 1, where the logarithms would turn around. */
  readonly leastRamMiB: number;
  readonly leastMinutes: number;
}

export const publishedPriority: PrioritySettings = { weight: 0.2, leastRamMiB: 1, leastMinutes: 1 };

/** Every part of the sum as it is shown, and the sum. `pi` has six decimals; the other parts are not rounded. */
export interface PriorityParts {
  readonly pfv: number;
  readonly ras: 0 | 1;
  readonly mon: 0 | 1;
  readonly log2R: number;
  readonly lnE: number;
  readonly pf: number;
  readonly pi: number;
  /** What waiting has added so far, for the order of the queue alone; absent: nothing. */
  readonly aging?: number | undefined;
  /** What past usage takes away, for the order of the queue alone; never above 0; absent: nothing. */
  readonly usage?: number | undefined;
}

/** The parts of a priority and their sum. Throws RangeError for a factor that is no finite number, for what nobody could compare. */
export function priorityOf(factors: PriorityFactors, settings: PrioritySettings = publishedPriority): PriorityParts {
  const { pfv, ramMiB, minutes } = factors;
  for (const [name, value] of Object.entries({ pfv, ramMiB, minutes, ...settings })) {
    if (!Number.isFinite(value)) throw new RangeError(`The priority needs a finite ${name}, not ${String(value)}.`);
  }
  const ras = factors.ras ? 1 : 0;
  const mon = factors.mon ? 1 : 0;
  const log2R = Math.log2(Math.max(1, settings.leastRamMiB, ramMiB));
  const lnE = Math.log(Math.max(1, settings.leastMinutes, minutes));
  const pf = pfv + ras - log2R - lnE + mon;
  return { pfv, ras, mon, log2R, lnE, pf, pi: roundPi(10 + settings.weight * pf) };
}

/** Pi as it is stored and compared. */
export function roundPi(pi: number): number {
  return Math.round(pi * 1e6) / 1e6;
}

/** Difference of two priorities in millionths, so that equal at six decimals is 0 whatever arithmetic made them. */
export function comparePi(a: number, b: number): number {
  return Math.round(a * 1e6) - Math.round(b * 1e6);
}
