import type { Knex } from 'knex';

/**
 * Inserts rows in one statement. Columns that are NULL in all of them are left out: NULL is what a column has that is not named
 * (every nullable column of the schema), and most of a wide row is empty.
 */
export async function insertRows(db: Knex, table: string, rows: readonly object[]): Promise<void> {
  const columns = new Set<string>();
  for (const row of rows) for (const [column, value] of Object.entries(row)) if (value !== null && value !== undefined) columns.add(column);
  const names = [...columns];
  const values = rows.map((row) => names.map((name) => (row as Record<string, unknown>)[name] ?? null));
  // A list of lists is written as rows by the driver itself.
  await db.raw(`INSERT INTO ?? (${names.map(() => '??').join(', ')}) VALUES ?`, [table, ...names, values] as unknown as Knex.RawBinding[]);
}
