import type { SlaveNow } from './room-now';

const none: readonly never[] = [];

/** On which rows of a round somebody in particular has a part of the room to itself: its slot is held there, or others leave for it. */
export class KeptFor {
  private readonly rows = new Map<string, readonly number[]>();
  private readonly ids = new Map<number, readonly string[]>();

  /** In the order of rows. */
  rowsOf(instanceId: string): readonly number[] {
    return this.rows.get(instanceId) ?? none;
  }

  /** The slave of this row as it is from now on. */
  write(row: number, { held, nominated }: SlaveNow): void {
    const before = this.ids.get(row);
    if (held.length === 0 && nominated.size === 0 && before === undefined) return;
    for (const id of before ?? none) this.put(id, this.rowsOf(id).filter((one) => one !== row));
    const now = [...new Set([...nominated.keys(), ...held.flatMap(({ instanceId }) => instanceId ?? none)])];
    for (const id of now) this.put(id, [...this.rowsOf(id), row].sort((a, b) => a - b));
    if (now.length === 0) this.ids.delete(row);
    else this.ids.set(row, now);
  }

  private put(id: string, rows: readonly number[]): void {
    if (rows.length === 0) this.rows.delete(id);
    else this.rows.set(id, rows);
  }
}
