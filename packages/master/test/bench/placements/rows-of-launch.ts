import type { Knex } from 'knex';

/** The tables that a launch writes into, and by which column its rows are found. */
export const tablesOfLaunch = [
  ['instances', 'id'],
  ['placements', 'instance_id'],
  ['instance_transitions', 'instance_id'],
  ['decisions', 'subject_id'],
  ['events', 'subject_id'],
] as const;

export type Cell = string | number | Date | null;
export interface RowsOfTable {
  readonly table: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

/** What a launch left in the books, whoever placed it. Throws when one of the tables has nothing of it. */
export async function rowsOfLaunch(db: Knex, instanceId: string): Promise<readonly RowsOfTable[]> {
  const all = [];
  for (const [table, column] of tablesOfLaunch) {
    const rows = await db<Record<string, Cell>>(table).where({ [column]: instanceId }).select('*');
    if (rows.length === 0) throw new Error(`The launch of ${instanceId} left nothing in ${table}.`);
    all.push({ table, rows });
  }
  return all;
}
