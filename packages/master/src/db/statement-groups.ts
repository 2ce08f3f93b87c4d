import type { Knex } from 'knex';
import { withConnection, type RawConnection } from './raw-connection';

/** CLIENT_MULTI_STATEMENTS, as the protocol numbers it. */
const takesSeveral = 0x10000;

/**
 * Transactions of which all statements are known before: one round trip for all of them. A statement that is sent by itself costs as much
 * again as the writing of ten rows. A connection that takes one statement at a time is given them one by one. Statements are text with their values in it: make it of
 * `insert-text`, never of what somebody typed.
 */
export class StatementGroups {
  /** @param db whose connections take several statements at once (`connectForGroups`); on others they go one by one */
  constructor(private readonly db: Knex) {}

  /** Runs them in one transaction, in their order. The first that fails is thrown, and nothing is left of them. */
  transaction(statements: readonly string[]): Promise<void> {
    return withConnection(this.db, async (connection) => {
      try {
        await together(connection, ['START TRANSACTION', ...statements, 'COMMIT']);
      } catch (error) {
        // Whatever is not undone so is undone when the connection ends.
        await query(connection, 'ROLLBACK').catch(() => { connection.destroy(); });
        throw error;
      }
    });
  }
}

async function together(connection: RawConnection, statements: readonly string[]): Promise<void> {
  if ((connection.config.clientFlags & takesSeveral) !== 0) return query(connection, statements.join('; '));
  for (const statement of statements) await query(connection, statement);
}

function query(connection: RawConnection, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
