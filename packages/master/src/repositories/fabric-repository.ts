import type { FabricType } from '@paravcl/shared/api/fabric';
import type { Knex } from 'knex';

/** What has small numbers in the Fabric API. */
export type FabricKind = 'vm' | 'pm' | 'image';

/** What a number stands for. */
export interface FabricNumber {
  readonly number: number;
  readonly subjectId: string;
  /** Of a VM that was made by the Fabric API: its type. */
  readonly tid: number | null;
}

export interface FabricTypeRecord extends FabricType {
  /** No new VM is made of it. */
  readonly retired: boolean;
}

interface NumberRow {
  readonly number: number;
  readonly subject_id: string;
  readonly tid: number | null;
}

interface TypeRow {
  readonly tid: number;
  readonly name: string;
  readonly vcpus: number;
  readonly ram_mib: number;
  readonly disk_mib: number;
  readonly retired: number;
}

/** Names of settings: what was counted last. */
const counterOf = (kind: FabricKind | 'type'): string => `fabric_last_${kind}`;

/** The numbers of the Fabric API, and its types. */
export class FabricRepository {
  constructor(private readonly db: Knex) {}

  /** The number given last; 0 before the first. Whoever else counts this kind waits until the transaction ends. */
  async lockCounter(kind: FabricKind | 'type'): Promise<number> {
    const name = counterOf(kind);
    // The row of a duplicate key is locked at once, and not first shared as by INSERT IGNORE, which two would then both want to write.
    await this.db('settings').insert({ name, value: '0' }).onConflict('name').merge(['name']);
    const row = (await this.db('settings').where({ name }).first('value')) as { readonly value: string } | undefined;
    return Number(row?.value ?? 0);
  }

  async setCounter(kind: FabricKind | 'type', last: number): Promise<void> {
    await this.db('settings').where({ name: counterOf(kind) }).update({ value: String(last) });
  }

  /** By id, of those of these things that have a number. */
  async numbersOf(kind: FabricKind, subjectIds: readonly string[]): Promise<ReadonlyMap<string, FabricNumber>> {
    const rows = (await this.db('fabric_numbers').where({ kind }).whereIn('subject_id', [...subjectIds]).select('number', 'subject_id', 'tid')) as readonly NumberRow[];
    return new Map(rows.map((row) => [row.subject_id, numberFrom(row)]));
  }

  async find(kind: FabricKind, number: number): Promise<FabricNumber | null> {
    const row = (await this.db('fabric_numbers').where({ kind, number }).first('number', 'subject_id', 'tid')) as NumberRow | undefined;
    return row === undefined ? null : numberFrom(row);
  }

  async insertNumbers(kind: FabricKind, numbers: readonly FabricNumber[]): Promise<void> {
    await this.db('fabric_numbers').insert(numbers.map(({ number, subjectId, tid }) => ({ kind, number, subject_id: subjectId, tid })));
  }

  /** Nothing came of the thing; its number is not given again. */
  async removeNumber(kind: FabricKind, subjectId: string): Promise<void> {
    await this.db('fabric_numbers').where({ kind, subject_id: subjectId }).delete();
  }

  /** All types there ever were, by tid. */
  async types(): Promise<readonly FabricTypeRecord[]> {
    const rows = (await this.db('fabric_types').orderBy('tid').select('tid', 'name', 'vcpus', 'ram_mib', 'disk_mib', 'retired')) as readonly TypeRow[];
    return rows.map(({ tid, name, vcpus, ram_mib, disk_mib, retired }) => ({ tid, name, vcpus, ramMiB: ram_mib, diskMiB: disk_mib, retired: retired !== 0 }));
  }

  async putType({ tid, name, vcpus, ramMiB, diskMiB, retired }: FabricTypeRecord): Promise<void> {
    await this.db('fabric_types').insert({ tid, name, vcpus, ram_mib: ramMiB, disk_mib: diskMiB, retired: retired ? 1 : 0 }).onConflict('tid').merge(['retired']);
  }
}

const numberFrom = ({ number, subject_id: subjectId, tid }: NumberRow): FabricNumber => ({ number, subjectId, tid });
