import { randomInt } from 'node:crypto';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Admission, Liveness } from '@paravcl/shared/domain/slave';
import type { Knex } from 'knex';
import { pulseColumns, slaveColumns, slaveRecord, type SlaveRecord, type SlaveRow } from './slave-record';

/** What the last heartbeat of a slave said. */
export interface StoredPulse {
  readonly slaveId: string;
  readonly seenAt: EpochMs;
  readonly load1: number;
  readonly ramAvailableMiB: number;
  readonly poolAvailableMiB: number;
  /** Null when it was not measured yet: then the one before stays. */
  readonly clockOffsetMs: number | null;
}

/** A slave locked for its hello. Its long texts are as stored: they are only compared. */
export interface GreetedSlave {
  readonly record: Omit<SlaveRecord, 'describe' | 'foreignDomains'>;
  readonly describeText: string;
  readonly foreignDomainsText: string;
}

/** No other promise has it: one of 2^47. */
export const newStamp = (): number => randomInt(1, 2 ** 47);

/** Rows of one statement: about 60 KiB of text, far below max_allowed_packet. */
const pulsesPerStatement = 500;

/** Slaves for whoever needs several of them or one of them locked: the scheduler, the hello, the views of instances. */
export class FleetRepository {
  constructor(private readonly db: Knex) {}

  /** Everything that has not left the pool for good, or of these slaves those that have not. */
  async unretired(ids: readonly string[] | null = null): Promise<readonly SlaveRecord[]> {
    const query = this.withPulses();
    if (ids !== null) void query.whereIn('id', [...ids]);
    return ((await query.whereNot('admission', 'retired').orderBy('id').select([...slaveColumns, ...pulseColumns])) as SlaveRow[]).map(slaveRecord);
  }

  async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, SlaveRecord>> {
    const rows = (await this.withPulses().whereIn('id', [...ids]).select([...slaveColumns, ...pulseColumns])) as SlaveRow[];
    return new Map(rows.map((row) => [row.id, slaveRecord(row)]));
  }

  /** Whether these are heard, by id; those that left the pool, of which nobody waits to hear, are not in it. */
  async liveness(ids: readonly string[]): Promise<ReadonlyMap<string, Liveness>> {
    const rows = (await this.db('slaves').whereIn('id', [...ids]).whereNot('admission', 'retired').select('id', 'liveness')) as readonly { readonly id: string; readonly liveness: Liveness }[];
    return new Map(rows.map(({ id, liveness }) => [id, liveness]));
  }

  /** Two promises on one slave are made one after the other: the row is locked until the transaction ends. */
  async lock(id: string): Promise<SlaveRecord | null> {
    const row = (await this.db('slaves').where({ id }).forUpdate().first([...slaveColumns])) as SlaveRow | undefined;
    if (row === undefined) return null;
    // Read without a lock: heartbeats are written all the time, and nobody waits for them here.
    const pulse = (await this.db('slave_pulses').where({ slave_id: id }).first([...pulseColumns])) as Partial<SlaveRow> | undefined;
    return slaveRecord({ ...row, ...pulse });
  }

  /** The stamp of the newest promise of room on each, by id: on all, or on these. */
  async promises(ids: readonly string[] | null = null): Promise<ReadonlyMap<string, number>> {
    const query = this.db('slaves').select('id', 'promises');
    if (ids !== null) void query.whereIn('id', [...ids]);
    const rows = (await query) as readonly { readonly id: string; readonly promises: number }[];
    return new Map(rows.map(({ id, promises }) => [id, promises]));
  }

  /** The same with whether it may be; nobody else promises there until the transaction ends. */
  async lockPromises(ids: readonly string[]): Promise<ReadonlyMap<string, { readonly promises: number; readonly admission: Admission }>> {
    // In the order of ids, so that two who promise on several do not lock crosswise.
    const rows = (await this.db('slaves').whereIn('id', [...ids]).orderBy('id').forUpdate().select('id', 'promises', 'admission')) as readonly { readonly id: string; readonly promises: number; readonly admission: Admission }[];
    return new Map(rows.map(({ id, promises, admission }) => [id, { promises, admission }]));
  }

  /** Room of each was promised, and this stamp is of nobody else's promise (`newStamp`): who promises by what is in memory sees that there was another. */
  async promise(ids: readonly string[], stamp: number): Promise<void> {
    await this.db('slaves').whereIn('id', [...ids].sort()).update({ promises: stamp });
  }

  /** Locks slaves for their hellos, in the order of their ids, so that two such batches wait and do not lock crosswise. */
  async lockForHello(ids: readonly string[]): Promise<ReadonlyMap<string, GreetedSlave>> {
    const rows = (await this.db('slaves').whereIn('id', [...ids].sort()).orderBy('id').forUpdate().select([...slaveColumns])) as SlaveRow[];
    return new Map(
      rows.map((row) => {
        const { describe_data: describeText, foreign_domains: foreignDomainsText } = row;
        return [row.id, { record: slaveRecord({ ...row, describe_data: '{}', foreign_domains: '[]' }), describeText, foreignDomainsText }];
      }),
    );
  }

  /** Of these slaves, those with instances that are not deleted, or with something of one that is elsewhere: on its way there, or to be removed. */
  async withInstances(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const instances = this.db('instances').whereIn('slave_id', [...ids]).whereNot('observed', 'deleted').distinct('slave_id');
    const owed = this.db('placements').whereIn('slave_id', [...ids]).whereIn('state', ['active', 'cleaning']).distinct('slave_id');
    const [one, other] = (await Promise.all([instances, owed])) as { readonly slave_id: string }[][];
    return new Set([...(one ?? []), ...(other ?? [])].map((row) => row.slave_id));
  }

  /** Writes what heartbeats said, in few statements, each slave's row of its own table. */
  async storePulses(pulses: readonly StoredPulse[]): Promise<void> {
    // In the order of ids, so that two writers do not lock crosswise.
    const sorted = [...pulses].sort((one, other) => (one.slaveId < other.slaveId ? -1 : 1));
    for (let from = 0; from < sorted.length; from += pulsesPerStatement) {
      const part = sorted.slice(from, from + pulsesPerStatement);
      const rows = part.map(() => '(?, ?, ?, ?, ?, ?)').join(', ');
      const values = part.flatMap((pulse) => [pulse.slaveId, new Date(pulse.seenAt), pulse.load1, pulse.ramAvailableMiB, pulse.poolAvailableMiB, pulse.clockOffsetMs]);
      await this.db.raw(
        `INSERT INTO slave_pulses (slave_id, seen_at, load1, ram_available_mib, pool_available_mib, clock_offset_ms) VALUES ${rows}
         ON DUPLICATE KEY UPDATE seen_at = VALUES(seen_at), load1 = VALUES(load1), ram_available_mib = VALUES(ram_available_mib),
           pool_available_mib = VALUES(pool_available_mib), clock_offset_ms = COALESCE(VALUES(clock_offset_ms), clock_offset_ms)`,
        values as Knex.RawBinding[],
      );
    }
  }

  private withPulses(): Knex.QueryBuilder {
    return this.db('slaves').leftJoin('slave_pulses', 'slave_id', 'id') as Knex.QueryBuilder;
  }
}
