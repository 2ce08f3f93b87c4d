import type { Knex } from 'knex';

/** What one statement answered: rows, or none where it only wrote. */
export type Answer = readonly Readonly<Record<string, unknown>>[];

/** What is written at the end of a transaction, and what its caller is answered. */
export interface GroupedWrites<T> {
  readonly statements: readonly string[];
  readonly done: T;
}

interface Connection {
  readonly config: { readonly clientFlags: number };
  query(sql: string, done: (error: Error | null, answers: unknown) => void): void;
  destroy(): void;
}

interface Client {
  acquireConnection(): Promise<Connection>;
  releaseConnection(connection: Connection): Promise<void>;
}

/** CLIENT_MULTI_STATEMENTS, as the protocol numbers it. */
const takesSeveral = 0x10000;

/**
 * Transactions of two round trips: what has to be looked at, then all that is written of it with the commit. To send a statement
 * and to wake up for its answer costs either side as much as ten rows, so that a transaction of twelve statements costs less than half of what it does
 * one by one. Statements are text with their values in it: make it of `insert-text`, never of what somebody typed.
 */
export class StatementGroups {
  /** @param db whose connections take several statements at once (`connect`); on others they go one by one */
  constructor(private readonly db: Knex) {}

  /**
   * Runs `before` by itself, each statement committed as it is done; then `look` in a transaction, and in the same one what `then` makes of its answers.
   * Nothing of the transaction is left when anything of it fails.
   */
  async transaction<T>(before: readonly string[], look: readonly string[], then: (answers: readonly Answer[]) => GroupedWrites<T>): Promise<T> {
    const client = this.db.client as Client;
    const connection = await client.acquireConnection();
    try {
      const answers = await together(connection, [...before, 'START TRANSACTION', ...look]);
      const { statements, done } = then(answers.slice(before.length + 1));
      await together(connection, [...statements, 'COMMIT']);
      return done;
    } catch (error) {
      // Whatever is not undone so is undone when the connection ends.
      await together(connection, ['ROLLBACK']).catch(() => { connection.destroy(); });
      throw error;
    } finally {
      await client.releaseConnection(connection);
    }
  }
}

async function together(connection: Connection, statements: readonly string[]): Promise<readonly Answer[]> {
  if (statements.length > 1 && (connection.config.clientFlags & takesSeveral) !== 0) {
    return ((await query(connection, statements.join('; '))) as readonly unknown[]).map(rowsOf);
  }
  const answers = [];
  for (const statement of statements) answers.push(rowsOf(await query(connection, statement)));
  return answers;
}

const rowsOf = (answer: unknown): Answer => (Array.isArray(answer) ? (answer as Answer) : []);

function query(connection: Connection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error, answers) => {
      if (error) reject(error);
      else resolve(answers);
    });
  });
}
