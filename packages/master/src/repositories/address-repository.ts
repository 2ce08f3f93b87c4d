import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';

/** MAC and IPv4 addresses in use, each unique in the site by its key. */
export class AddressRepository {
  constructor(private readonly db: Knex) {}

  /** Of these, or of all. */
  async taken(of: readonly string[] | null = null): Promise<ReadonlySet<string>> {
    const query = this.db('addresses').select('address');
    if (of !== null) void query.whereIn('address', [...of]);
    const rows: readonly { address: string }[] = await query;
    return new Set(rows.map(({ address }) => address));
  }

  async macTaken(mac: string): Promise<boolean> {
    return (await this.db('addresses').where({ mac }).first('mac')) !== undefined;
  }

  /** Throws a duplicate-key error when address or MAC is taken. */
  async insert(address: string, mac: string, instanceId: string, now: EpochMs): Promise<void> {
    await this.db('addresses').insert({ address, mac, instance_id: instanceId, created_at: new Date(now) });
  }

  async release(instanceId: string): Promise<void> {
    await this.db('addresses').where({ instance_id: instanceId }).delete();
  }
}
