import type { Knex } from 'knex';
import { withConnection } from './raw-connection';

/**
 * Runs a prepared statement: its values are bound as they are. As text a value of megabytes is twice as long, and to write it there stops everything
 * else for tens of milliseconds, here and in the server's parser.
 */
export function runBound(db: Knex, sql: string, values: readonly (string | Buffer | Date)[]): Promise<void> {
  return withConnection(db, (connection) => new Promise((resolve, reject) => {
    connection.execute(sql, values, (error) => {
      if (error) reject(error);
      else resolve();
    });
  }));
}
