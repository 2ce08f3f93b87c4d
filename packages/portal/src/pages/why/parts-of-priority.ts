import type { Decision } from '@paravcl/shared/domain/decision';

export type Priority = NonNullable<Decision['priority']>;
export type PartName = 'pfv' | 'ras' | 'log2R' | 'lnE' | 'mon';

export interface PriorityPart {
  readonly name: PartName;
  /** As it counts: R and E take away. Two decimals. */
  readonly value: number;
}

export interface PrioritySum {
  readonly parts: readonly PriorityPart[];
  /** What the shown parts add up to. */
  readonly pf: number;
  /** Share of the sum in the priority. */
  readonly weight: number;
  readonly pi: number;
  /** Added while waiting; for the order of the queue only. */
  readonly aging: number;
  /** Taken away for past usage; for the order of the queue only. */
  readonly usage: number;
  /** Length of the longest bar. */
  readonly most: number;
}

const base = 10;
const cents = (value: number): number => Math.round(value * 100);

/**
 * The five parts as they are added: Pi = 10 + weight · (PfV + RAS − log2(R) − ln(E) + MON). Rounded so that what is shown
 * adds up to the shown sum: what rounding makes too much or too little goes to the part that it changes least.
 */
export function partsOf({ pfv, ras, mon, log2R, lnE, pf, pi, aging = 0, usage = 0 }: Priority): PrioritySum {
  const exact: readonly PriorityPart[] = [
    { name: 'pfv', value: pfv },
    { name: 'ras', value: ras },
    { name: 'log2R', value: -log2R },
    { name: 'lnE', value: -lnE },
    { name: 'mon', value: mon },
  ];
  const rounded = exact.map(({ name, value }) => ({ name, cents: cents(value), rest: value * 100 - cents(value) }));
  let missing = cents(pf) - rounded.reduce((sum, part) => sum + part.cents, 0);
  while (missing !== 0) {
    const step = Math.sign(missing);
    const nearest = rounded.reduce((best, part) => (part.rest * step > best.rest * step ? part : best));
    nearest.cents += step;
    nearest.rest -= step;
    missing -= step;
  }
  const parts = rounded.map((part) => ({ name: part.name, value: part.cents / 100 }));
  return { parts, pf: cents(pf) / 100, weight: pf === 0 ? 0.2 : Math.round(((pi - base) / pf) * 1000) / 1000, pi, aging, usage, most: Math.max(1, ...parts.map(({ value }) => Math.abs(value))) };
}
