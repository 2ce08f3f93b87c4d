import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';

/** MAC and IPv4 addresses in use, each unique in the site by its key. */
export class AddressRepository {
  constructor(private readonly db: Knex) {}

  async taken(): Promise<ReadonlySet<string>> {
    const rows: readonly { address: string }[] = await this.db('addresses').select('address');
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
