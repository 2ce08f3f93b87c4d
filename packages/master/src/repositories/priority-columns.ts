import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';

/** What a table keeps of a priority: what was decided at the request, and the sum, to six decimals. */
export interface PriorityColumns {
  readonly pfv: number;
  readonly ras: number;
  readonly mon: number;
  readonly pi: number;
}

interface PricedRow extends PriorityColumns {
  readonly ram_mib: number;
  readonly requested_minutes: number;
}

export const priorityColumns = ['pfv', 'ras', 'mon', 'pi'] as const satisfies readonly (keyof PriorityColumns)[];

/** Both logarithms follow from the row's size and minutes; the sum stays as it was decided, whatever the site has set since. */
export function priorityFromRow(row: PricedRow): PriorityParts {
  const parts = priorityOf({ pfv: row.pfv, ras: row.ras === 1, mon: row.mon === 1, ramMiB: row.ram_mib, minutes: row.requested_minutes });
  return { ...parts, pi: row.pi };
}

export function priorityToRow({ pfv, ras, mon, pi }: PriorityParts): PriorityColumns {
  return { pfv, ras, mon, pi };
}
