import { combinedRoom, noPoolRoom, poolRoom, type Asking, type PoolRoom, type SlaveNow } from './room-now';

const fields = ['vcpus', 'ramMiB', 'freeVcpus', 'freeRamMiB', 'comingVcpus', 'comingRamMiB'] as const satisfies readonly (keyof PoolRoom)[];

/**
 * The room of all slaves of a round together, in a tree of sums (leaf i at `slaves + i`, node n over 2n and 2n + 1). So a
 * change costs O(log n), and the same slaves have the same sum to the last digit, whatever they were before: capacities need
 * not be whole numbers.
 */
export class PoolSum {
  private readonly trees: readonly Float64Array[];

  constructor(private readonly slaves: number) {
    this.trees = fields.map(() => new Float64Array(2 * slaves));
  }

  /** What one slave adds to it now. */
  write(row: number, room: PoolRoom): void {
    const leaf = this.slaves + row;
    for (let field = 0; field < fields.length; field++) {
      const tree = this.trees[field] as Float64Array;
      const amount = room[fields[field] as keyof PoolRoom];
      if (tree[leaf] === amount) continue;
      tree[leaf] = amount;
      for (let node = leaf >>> 1; node >= 1; node >>>= 1) tree[node] = (tree[2 * node] as number) + (tree[2 * node + 1] as number);
    }
  }

  /** The same for all of them at once. */
  writeAll(rooms: readonly PoolRoom[]): void {
    for (let field = 0; field < fields.length; field++) {
      const tree = this.trees[field] as Float64Array;
      for (let row = 0; row < rooms.length; row++) tree[this.slaves + row] = (rooms[row] as PoolRoom)[fields[field] as keyof PoolRoom];
      for (let node = this.slaves - 1; node >= 1; node--) tree[node] = (tree[2 * node] as number) + (tree[2 * node + 1] as number);
    }
  }

  /** What whoever asks finds: on those slaves that keep a part for it, that is not in its way. */
  sum(keepers: readonly number[], slaves: readonly SlaveNow[], asking: Asking): PoolRoom {
    let sum = this.at(1);
    for (const row of keepers) sum = combinedRoom(combinedRoom(sum, this.at(this.slaves + row), -1), poolRoom(slaves[row] as SlaveNow, asking), 1);
    return sum;
  }

  private at(node: number): PoolRoom {
    if (this.slaves === 0) return noPoolRoom;
    const of = (field: number): number => (this.trees[field] as Float64Array)[node] as number;
    return { vcpus: of(0), ramMiB: of(1), freeVcpus: of(2), freeRamMiB: of(3), comingVcpus: of(4), comingRamMiB: of(5) };
  }
}
