import type { Knex } from 'knex';
import { insertText } from './insert-text';

/** Inserts rows in one statement. */
export async function insertRows(db: Knex, table: string, rows: readonly object[]): Promise<void> {
  await db.raw(insertText(table, rows));
}
