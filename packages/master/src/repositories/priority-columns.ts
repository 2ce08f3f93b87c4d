import type { PriorityParts } from '@paravcl/shared/priority';

/** What a table keeps of a priority: every part as it was at the request, and the sum, to six decimals. */
export interface PriorityColumns {
  readonly pfv: number;
  readonly ras: number;
  readonly mon: number;
  readonly log2_r: number;
  readonly ln_e: number;
  readonly pi: number;
}

export const priorityColumns = ['pfv', 'ras', 'mon', 'log2_r', 'ln_e', 'pi'] as const satisfies readonly (keyof PriorityColumns)[];

/** As it was decided, whatever weight and floors the site has set since. */
export function priorityFromRow(row: PriorityColumns): PriorityParts {
  const { pfv, log2_r: log2R, ln_e: lnE, pi } = row;
  const [ras, mon] = [row.ras === 1 ? 1 : 0, row.mon === 1 ? 1 : 0] as const;
  return { pfv, ras, mon, log2R, lnE, pf: pfv + ras - log2R - lnE + mon, pi };
}

export function priorityToRow({ pfv, ras, mon, log2R, lnE, pi }: PriorityParts): PriorityColumns {
  return { pfv, ras, mon, log2_r: log2R, ln_e: lnE, pi };
}
