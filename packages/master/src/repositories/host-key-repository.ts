import type { EpochMs } from '@paravcl/shared/clock';
import type { Knex } from 'knex';

/** The key by which a host showed itself when somebody confirmed it. */
export interface HostKeyRecord {
  /** Resolved. */
  readonly address: string;
  readonly port: number;
  readonly keyType: string;
  readonly fingerprint: string;
  readonly confirmedByUserId: string;
  readonly confirmedAt: EpochMs;
}

/** Keys of hosts, one an address and port. */
export class HostKeyRepository {
  constructor(private readonly db: Knex) {}

  async find(address: string, port: number): Promise<HostKeyRecord | null> {
    const row = (await this.db('host_keys').where({ address, port }).first('key_type', 'fingerprint', 'confirmed_by_user_id', 'confirmed_at')) as
      | { readonly key_type: string; readonly fingerprint: string; readonly confirmed_by_user_id: string; readonly confirmed_at: Date }
      | undefined;
    if (row === undefined) return null;
    return { address, port, keyType: row.key_type, fingerprint: row.fingerprint, confirmedByUserId: row.confirmed_by_user_id, confirmedAt: row.confirmed_at.getTime() };
  }

  /** In the place of whatever was confirmed before. */
  async pin({ address, port, keyType, fingerprint, confirmedByUserId, confirmedAt }: HostKeyRecord): Promise<void> {
    await this.db('host_keys')
      .insert({ address, port, key_type: keyType, fingerprint, confirmed_by_user_id: confirmedByUserId, confirmed_at: new Date(confirmedAt) })
      .onConflict(['address', 'port'])
      .merge();
  }

  async forget(address: string, port: number): Promise<void> {
    await this.db('host_keys').where({ address, port }).delete();
  }
}
