import { Answers, askedAtFirst, type Ask } from './answers';
import { Columns } from './columns';
import type { Question } from './feasible';
import type { PlacementPolicy, PlacementWorld } from './rank';
import { asSeen, combinedRoom, isKeptFor, noPoolRoom, poolRoom, poolTotalsOf, slaveNow, takesPart, type Asking, type PoolRoom, type PoolTotals, type SlaveNow } from './room-now';
import type { SlaveView, Snapshot } from './snapshot';

/**
 * The slaves in the middle of a round, in the order of their ids, with what is asked about all of them for every instance
 * kept up as each changes: the pool's totals, and columns of figures (`Columns`). So a pool of thousands is asked in the
 * time of a few; every answer is the one that asking each slave by itself gives.
 */
export class Round {
  private readonly slaves: SlaveNow[];
  private readonly columns: Columns;
  private readonly totals: Readonly<Record<Asking['type'], RunningTotal>>;
  /** How many slaves take part now. */
  readonly taking: number;
  /** Where the newest placement went, of this round or before it. */
  private lastPlacedOn: string | null;

  constructor(
    private readonly snapshot: Snapshot,
    private readonly placement: PlacementPolicy,
    private readonly askOne: Ask,
    private readonly atFirst = askedAtFirst,
  ) {
    this.lastPlacedOn = snapshot.lastPlacedOn;
    const views = inOrderOfIds(snapshot.slaves);
    this.slaves = views.map(slaveNow);
    this.columns = new Columns(this.slaves, placement.keys);
    this.totals = { BE: new RunningTotal(this.slaves, 'BE'), AR: new RunningTotal(this.slaves, 'AR') };
    this.taking = views.filter(takesPart).length;
  }

  get(id: string): SlaveNow | undefined {
    return this.slaves[this.rowOf(id)];
  }

  /** In the order of ids. */
  all(): readonly SlaveNow[] {
    return this.slaves;
  }

  /** The slave as it is from now on. */
  put(slave: SlaveNow): void {
    const row = this.rowOf(slave.view.id);
    if (row < 0) return;
    this.slaves[row] = slave;
    this.columns.write(row, slave);
    for (const total of Object.values(this.totals)) total.write(row, slave);
  }

  /** A new placement went there: the next in turn is after it. */
  placedOn(id: string): void {
    this.lastPlacedOn = id;
  }

  /** −1 when there is no such slave. */
  private rowOf(id: string): number {
    const { slaves } = this;
    let [low, high] = [0, slaves.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((slaves[middle] as SlaveNow).view.id < id) low = middle + 1;
      else high = middle;
    }
    return slaves[low]?.view.id === id ? low : -1;
  }

  /** What the pool has for whoever asks. */
  poolTotals(asking: Asking): PoolTotals {
    return poolTotalsOf(this.totals[asking.type].sum(this.slaves, this.columns.particular, asking), this.snapshot.rules);
  }

  /** As placement policies see the pool now. */
  seen(): PlacementWorld {
    const { slaves } = this;
    let views: readonly SlaveView[] | null = null;
    return {
      lastPlacedOn: this.lastPlacedOn,
      get slaves() {
        return (views ??= slaves.map(asSeen));
      },
    };
  }

  /** Asks all slaves; they answer as they are needed, the policy's first ones first. */
  ask(question: Question): Answers {
    const { slaves, columns, placement } = this;
    return new Answers({ slaves, columns, placement, seen: () => this.seen(), ask: this.askOne, atFirst: this.atFirst }, question);
  }
}

/** The room of all slaves together for whoever asks, kept up as each changes. */
class RunningTotal {
  private readonly of: PoolRoom[];
  private total: PoolRoom;

  constructor(
    slaves: readonly SlaveNow[],
    private readonly type: Asking['type'],
  ) {
    this.of = slaves.map((slave) => this.roomOf(slave));
    this.total = this.of.reduce((sum, room) => combinedRoom(sum, room, 1), noPoolRoom);
  }

  write(row: number, slave: SlaveNow): void {
    const room = this.roomOf(slave);
    this.total = combinedRoom(combinedRoom(this.total, this.of[row] ?? noPoolRoom, -1), room, 1);
    this.of[row] = room;
  }

  /** What is kept for the one who asks is not in its way: those slaves are counted anew. */
  sum(slaves: readonly SlaveNow[], particular: ReadonlySet<number>, asking: Asking): PoolRoom {
    let sum = this.total;
    for (const row of particular) {
      const slave = slaves[row];
      if (slave !== undefined && isKeptFor(slave, asking.id)) sum = combinedRoom(combinedRoom(sum, this.of[row] ?? noPoolRoom, -1), poolRoom(slave, asking), 1);
    }
    return sum;
  }

  private roomOf(slave: SlaveNow): PoolRoom {
    const { type } = this;
    const known = rooms[type].get(slave) ?? poolRoom(slave, { id: '', type, booking: null });
    rooms[type].set(slave, known);
    return known;
  }
}

/** Made once of each slave as it is at the moment. */
const rooms = { BE: new WeakMap<SlaveNow, PoolRoom>(), AR: new WeakMap<SlaveNow, PoolRoom>() };

function inOrderOfIds(views: readonly SlaveView[]): readonly SlaveView[] {
  for (let at = 1; at < views.length; at++) if ((views[at - 1] as SlaveView).id >= (views[at] as SlaveView).id) return [...views].sort((a, b) => (a.id < b.id ? -1 : 1));
  return views;
}
