import type { Knex } from 'knex';

interface Connection {
  execute(sql: string, values: readonly unknown[], done: (error: Error | null) => void): void;
}

interface Client {
  acquireConnection(): Promise<Connection>;
  releaseConnection(connection: Connection): Promise<void>;
}

/**
 * Runs a prepared statement: its values are bound as they are. As text a value of megabytes is twice as long, and to write it there stops everything
 * else for tens of milliseconds, here and in the server's parser.
 */
export async function runBound(db: Knex, sql: string, values: readonly (string | Buffer | Date)[]): Promise<void> {
  // Within a transaction it is that one's connection.
  const client = db.client as Client;
  const connection = await client.acquireConnection();
  try {
    await new Promise<void>((resolve, reject) => {
      connection.execute(sql, values, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } finally {
    await client.releaseConnection(connection);
  }
}
