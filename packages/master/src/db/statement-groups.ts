import type { Knex } from 'knex';
import { withConnection, type RawConnection } from './raw-connection';

/** What one statement answered: rows, or none where it only wrote. */
export type Answer = readonly Readonly<Record<string, unknown>>[];

/** What is written at the end of a transaction, and what its caller is answered. */
export interface GroupedWrites<T> {
  readonly statements: readonly string[];
  readonly done: T;
}

/** CLIENT_MULTI_STATEMENTS, as the protocol numbers it. */
const takesSeveral = 0x10000;

/**
 * Transactions of two round trips: what has to be looked at, then all that is written of it with the commit. To send a statement
 * and to wake up for its answer costs either side as much as ten rows, so that a transaction of twelve statements costs less than half of what it does
 * one by one. Statements are text with their values in it: make it of `insert-text`, never of what somebody typed.
 */
export class StatementGroups {
  /** @param db whose connections take several statements at once (`connectForGroups`); on others they go one by one */
  constructor(private readonly db: Knex) {}

  /** Runs `look` in a transaction, and in the same one what `then` makes of its answers. Nothing is left of it when anything of it fails. */
  transaction<T>(look: readonly string[], then: (answers: readonly Answer[]) => GroupedWrites<T>): Promise<T> {
    return withConnection(this.db, async (connection) => {
      try {
        const [, ...answers] = await together(connection, ['START TRANSACTION', ...look]);
        const { statements, done } = then(answers);
        await together(connection, [...statements, 'COMMIT']);
        return done;
      } catch (error) {
        // Whatever is not undone so is undone when the connection ends.
        await together(connection, ['ROLLBACK']).catch(() => { connection.destroy(); });
        throw error;
      }
    });
  }
}

async function together(connection: RawConnection, statements: readonly string[]): Promise<readonly Answer[]> {
  if (statements.length > 1 && (connection.config.clientFlags & takesSeveral) !== 0) {
    return ((await query(connection, statements.join('; '))) as readonly unknown[]).map(rowsOf);
  }
  const answers = [];
  for (const statement of statements) answers.push(rowsOf(await query(connection, statement)));
  return answers;
}

const rowsOf = (answer: unknown): Answer => (Array.isArray(answer) ? (answer as Answer) : []);

function query(connection: RawConnection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error, answers) => {
      if (error) reject(error);
      else resolve(answers);
    });
  });
}
