import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import type { BookedInstance, Books } from './pictures';
import { stageOf, type Stage } from './stages';

/** An instance on its way, and the slave it is given to. */
export interface Moving {
  readonly instanceId: string;
  readonly slaveId: string | null;
  readonly stage: Stage;
}

const answersWithinMs = 2000;

/** Reads the master's database over its socket: a witness beside the API. Each read may find no server; then it throws. */
export class BooksReader {
  private connection: Connection | null = null;

  constructor(private readonly socketPath: string) {}

  /** Instances on their way now. */
  async moving(): Promise<readonly Moving[]> {
    const rows = await this.rows<{ id: string; slave_id: string | null; desired: never; observed: never }>(
      "SELECT id, slave_id, desired, observed FROM instances WHERE observed <> 'deleted' AND desired <> observed",
    );
    return rows.flatMap((row) => {
      const stage = stageOf(row);
      return stage === null ? [] : [{ instanceId: row.id, slaveId: row.slave_id, stage }];
    });
  }

  /** How many instances stand how, in words: "2 running, 1 stopped to be running". */
  async standing(): Promise<string> {
    const rows = await this.rows<{ desired: string; observed: string; count: number }>(
      "SELECT desired, observed, COUNT(*) AS `count` FROM instances WHERE observed <> 'deleted' GROUP BY desired, observed ORDER BY observed, desired",
    );
    return rows.map(({ desired, observed, count }) => `${String(count)} ${observed}${desired === observed ? '' : ` to be ${desired}`}`).join(', ') || 'none';
  }

  /** How many answers to keyed requests are kept: one more means that a client's POST was done. */
  async answersKept(): Promise<number> {
    const [row] = await this.rows<{ kept: number }>('SELECT COUNT(*) AS kept FROM idempotency_keys WHERE status IS NOT NULL');
    return Number(row?.kept ?? 0);
  }

  async read(): Promise<Books> {
    return {
      slaves: await this.rows('SELECT id, name, liveness FROM slaves ORDER BY name'),
      instances: (await this.rows<Omit<BookedInstance, 'booted'> & { readonly booted: number }>(
        'SELECT id, name, user_id AS userId, slave_id AS slaveId, desired, observed, generation, observed_generation AS observedGeneration, ' +
          'reason_code AS reasonCode, reason_sentence AS reasonSentence, booted, mac, address FROM instances ORDER BY id',
      )).map((row) => ({ ...row, booted: row.booted !== 0 })),
      operations: await this.rows('SELECT id, kind, subject_id AS instanceId, user_id AS userId, generation, state, sentence FROM operations ORDER BY id'),
      placements: await this.rows('SELECT instance_id AS instanceId, slave_id AS slaveId, state FROM placements ORDER BY id'),
      addresses: await this.rows('SELECT address, mac, instance_id AS instanceId FROM addresses ORDER BY address'),
      transitions: await this.rows('SELECT instance_id AS instanceId, generation, desired, to_state AS `to`, reason_code AS reasonCode, caused_by AS `by` FROM instance_transitions ORDER BY id'),
    };
  }

  close(): void {
    this.connection?.destroy();
    this.connection = null;
  }

  private async rows<T>(sql: string): Promise<T[]> {
    try {
      if (this.connection === null) {
        const connection = await createConnection({ socketPath: this.socketPath, user: 'root', database: 'paravcl', connectTimeout: answersWithinMs });
        // Told of its end by the next query.
        connection.on('error', () => undefined);
        this.connection = connection;
      }
      const [rows] = await this.connection.query<RowDataPacket[]>({ sql, timeout: answersWithinMs });
      return rows as T[];
    } catch (error) {
      this.close();
      throw error;
    }
  }
}
