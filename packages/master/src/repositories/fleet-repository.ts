import type { Knex } from 'knex';
import { slaveColumns, slaveRecord, type SlaveRecord, type SlaveRow } from './slave-record';

/** Slaves for whoever needs several of them or one of them locked: the scheduler, the hello, the views of instances. */
export class FleetRepository {
  constructor(private readonly db: Knex) {}

  /** Everything that has not left the pool for good. */
  async unretired(): Promise<readonly SlaveRecord[]> {
    const rows = await this.db<SlaveRow>('slaves').whereNot('admission', 'retired').orderBy('id').select([...slaveColumns]);
    return (rows as unknown as readonly SlaveRow[]).map(slaveRecord);
  }

  async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, SlaveRecord>> {
    const rows = await this.db<SlaveRow>('slaves').whereIn('id', [...ids]).select([...slaveColumns]);
    return new Map((rows as unknown as readonly SlaveRow[]).map((row) => [row.id, slaveRecord(row)]));
  }

  /** Two promises on one slave are made one after the other: the row is locked until the transaction ends. */
  async lock(id: string): Promise<SlaveRecord | null> {
    const row = await this.db<SlaveRow>('slaves').where({ id }).forUpdate().first([...slaveColumns]);
    return row === undefined ? null : slaveRecord(row as unknown as SlaveRow);
  }
}
