import type { Knex } from 'knex';

/** A connection of the driver itself (mysql2), for what Knex has no words for. */
export interface RawConnection {
  readonly config: { readonly clientFlags: number };
  query(sql: string, done: (error: Error | null) => void): void;
  execute(sql: string, values: readonly unknown[], done: (error: Error | null) => void): void;
  destroy(): void;
}

interface Client {
  acquireConnection(): Promise<RawConnection>;
  releaseConnection(connection: RawConnection): Promise<void>;
}

/** Lends one of the pool's, or within a transaction that one's own. */
export async function withConnection<T>(db: Knex, work: (connection: RawConnection) => Promise<T>): Promise<T> {
  const client = db.client as Client;
  const connection = await client.acquireConnection();
  try {
    return await work(connection);
  } finally {
    await client.releaseConnection(connection);
  }
}
