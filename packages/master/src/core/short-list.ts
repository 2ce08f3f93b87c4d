import { said, sayings, type Columns, type Said } from './columns';
import type { KeptFor } from './kept-for';
import type { Room, WaitingInstance } from './snapshot';

/** So many of the best are kept of each size, and so many sizes. */
export const shortListed = 64;
const mostSizes = 32;

/**
 * What every row says to best-effort of one size, how many say the same, and the first few in the placement policy's order of
 * those that may take it. All of it is kept up as rows change, so that the next of the same size is answered without
 * looking at them; the list is made anew when it has run short.
 */
export class ShortList {
  private readonly counts = new Uint32Array(sayings);
  private best: number[] = [];
  /** The list has all that may take it; else those it has not come after its last. */
  private isWhole = false;

  /** @param says what rows say, when it is not what their figures do */
  constructor(
    private readonly columns: Columns,
    private readonly need: Room,
    private readonly most: number,
    readonly says: Uint8Array = columns.sayAll(need),
  ) {
    for (const answer of says) this.counts[answer] = (this.counts[answer] as number) + 1;
  }

  /** How many rows say this. */
  count(answer: Said): number {
    return this.counts[answer] as number;
  }

  /** Rows that may take it. */
  get open(): number {
    return this.count(said.ask) + this.count(said.able);
  }

  /** All of them, in the order of rows. */
  rows(): number[] {
    const rows = new Array<number>(this.open);
    const { says } = this;
    let found = 0;
    for (let row = 0; row < says.length; row++) if ((says[row] as number) <= said.able) rows[found++] = row;
    return rows;
  }

  /** The first of them in the policy's order: so many at least, if there are; true for the second when these are all. */
  first(atLeast: number): readonly [rows: readonly number[], isWhole: boolean] {
    if (!this.isWhole && this.best.length < atLeast) {
      this.best = this.columns.best(this.rows(), Math.max(this.most, atLeast));
      this.isWhole = this.best.length === this.open;
    }
    return [this.best, this.isWhole];
  }

  /** The figures or keys of this row are others now. */
  changed(row: number): void {
    const { says, counts, best, columns } = this;
    const [before, now] = [says[row] as number, columns.say(row, this.need)];
    if (before !== now) {
      says[row] = now;
      counts[before] = (counts[before] as number) - 1;
      counts[now] = (counts[now] as number) + 1;
    }
    if (!columns.comparable) return;
    const listed = best.indexOf(row);
    if (listed >= 0) best.splice(listed, 1);
    if (now > said.able) return;
    let place = best.length;
    while (place > 0 && columns.compare(row, best[place - 1] as number) < 0) place--;
    // Beyond the last that is listed others may come before it.
    if (place === best.length && !this.isWhole) return;
    best.splice(place, 0, row);
    if (best.length <= this.most) return;
    best.pop();
    this.isWhole = false;
  }
}

/** Short lists of the sizes that were asked for last. */
export class ShortLists {
  private readonly bySize = new Map<string, ShortList>();

  constructor(
    private readonly columns: Columns,
    readonly most: number,
  ) {}

  of(need: Room): ShortList {
    const { vcpus, ramMiB, diskMiB, bandwidthMbps, speed = 0 } = need;
    const size = `${String(vcpus)} ${String(ramMiB)} ${String(diskMiB)} ${String(bandwidthMbps)} ${String(speed)}`;
    const list = this.bySize.get(size) ?? new ShortList(this.columns, need, this.most);
    this.bySize.delete(size);
    this.bySize.set(size, list);
    const [oldest] = this.bySize.keys();
    if (this.bySize.size > mostSizes && oldest !== undefined) this.bySize.delete(oldest);
    return list;
  }

  changed(row: number): void {
    for (const list of this.bySize.values()) list.changed(row);
  }

  /** Another order by name: none of them holds. */
  clear(): void {
    this.bySize.clear();
  }
}

/** What figures say to it; of slaves on which something is of it already, and of those that its deployment leaves out, whatever they say to others. */
export function figuresFor({ columns, lists, keptFor }: { readonly columns: Columns; readonly lists: ShortLists; readonly keptFor: KeptFor }, { id, type, need, boundTo, ramSavedOn, attempts, deployment, booking }: WaitingInstance): ShortList | null {
  if (type === 'AR' || boundTo !== null || ramSavedOn !== undefined || booking !== null) return null;
  const list = lists.of(need);
  const slaveIds = deployment?.slaveIds;
  const partsKept = keptFor.rowsOf(id);
  if (partsKept.length === 0 && attempts.length === 0 && slaveIds == null) return list;
  const toBeAsked = [...partsKept, ...attempts.map(({ slaveId }) => columns.rowOf(slaveId))].filter((row) => row >= 0);
  if (toBeAsked.length === 0 && slaveIds == null) return list;
  const says = Uint8Array.from(list.says);
  for (const row of toBeAsked) says[row] = said.ask;
  if (slaveIds == null) return new ShortList(columns, need, lists.most, says);
  const chosen = new Set(slaveIds.map((slaveId) => columns.rowOf(slaveId)));
  const only = new Uint8Array(says.length).fill(said.NotChosen);
  for (const row of chosen) if (row >= 0) only[row] = says[row] as number;
  return new ShortList(columns, need, lists.most, only);
}
