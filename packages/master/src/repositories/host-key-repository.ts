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

  /** Pins it where none is pinned, and answers the fingerprint of what is pinned then, which nobody changes before the end of the transaction. */
  async pinOrLock(record: HostKeyRecord): Promise<string> {
    const { address, port } = record;
    await this.db('host_keys').insert({ address, port, ...columnsOf(record) }).onConflict(['address', 'port']).ignore();
    const row = (await this.db('host_keys').where({ address, port }).forUpdate().first('fingerprint')) as { readonly fingerprint: string } | undefined;
    return row?.fingerprint ?? record.fingerprint;
  }

  /** In the place of the one that is pinned. */
  async replace(record: HostKeyRecord): Promise<void> {
    await this.db('host_keys').where({ address: record.address, port: record.port }).update(columnsOf(record));
  }

  async forget(address: string, port: number): Promise<void> {
    await this.db('host_keys').where({ address, port }).delete();
  }
}

function columnsOf({ keyType, fingerprint, confirmedByUserId, confirmedAt }: HostKeyRecord): { readonly key_type: string; readonly fingerprint: string; readonly confirmed_by_user_id: string; readonly confirmed_at: Date } {
  return { key_type: keyType, fingerprint, confirmed_by_user_id: confirmedByUserId, confirmed_at: new Date(confirmedAt) };
}
