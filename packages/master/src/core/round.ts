import type { EpochMs } from '@paravcl/shared/clock';
import { Answers, askedAtFirst, type Ask } from './answers';
import { callBackIsFar, callsBackAsBefore, never, nextCallBack, type NextCallBack } from './next-call-back';
import { Columns } from './columns';
import type { Question } from './feasible';
import { KeptFor } from './kept-for';
import { PoolSum } from './pool-sum';
import { weakestPi } from './preempt';
import type { PlacementPolicy, PlacementWorld } from './rank';
import { asSeen, poolRoom, poolTotalsOf, slaveNow, takesPart, type Asking, type PoolRoom, type PoolTotals, type SlaveNow } from './room-now';
import { ShortLists, shortListed } from './short-list';
import type { SlaveView, Snapshot } from './snapshot';

/** How many slaves are asked at first, and how many of the best are kept of each size. Answers are the same with any. */
export interface RoundSizes {
  readonly atFirst: number;
  readonly listed: number;
}

export const usualSizes: RoundSizes = { atFirst: askedAtFirst, listed: shortListed };

/**
 * The slaves in the middle of a round, in the order of their ids, with what is asked about all of them for every instance
 * kept up as each changes: the pool's totals, columns of figures (`Columns`), and the best of each size (`ShortLists`). So a
 * pool of thousands is asked in the time of a few; every answer is the one that asking each slave by itself gives.
 */
export class Round {
  private readonly slaves: SlaveNow[];
  private readonly columns: Columns;
  private readonly lists: ShortLists;
  private readonly keptFor = new KeptFor();
  private readonly sums: Readonly<Record<Asking['type'], PoolSum>>;
  /** Rows that are not as they were loaded. */
  private readonly touched = new Set<number>();
  /** Of each row when its slots want something next; null where nobody asked yet. Rows where no slot ever will are not there: mostly that is all of them. */
  private readonly callBacks: Map<number, NextCallBack | null>;
  /** Of each row what `weakestPi` says; NaN where nobody asked yet. */
  private readonly weakest: Float64Array;
  private weakestOfAll: number | null = null;
  private views: SlaveView[] | null = null;
  private takePart: number;
  /** Where the newest placement went, of this round or before it. */
  private lastPlacedOn: string | null;

  constructor(
    private snapshot: Snapshot,
    private readonly placement: PlacementPolicy,
    private readonly askOne: Ask,
    private readonly sizes: RoundSizes = usualSizes,
  ) {
    this.lastPlacedOn = snapshot.lastPlacedOn;
    const views = inOrderOfIds(snapshot.slaves);
    this.slaves = views.map(slaveNow);
    this.columns = new Columns(this.slaves, placement.keys);
    this.lists = new ShortLists(this.columns, sizes.listed);
    this.sums = { BE: new PoolSum(views.length), AR: new PoolSum(views.length) };
    const rooms = this.slaves.map(roomsOf);
    this.sums.BE.writeAll(rooms.map(({ BE }) => BE));
    this.sums.AR.writeAll(rooms.map(({ AR }) => AR));
    this.weakest = new Float64Array(views.length).fill(NaN);
    this.callBacks = new Map(views.map((_, row) => [row, null]));
    this.takePart = views.filter(takesPart).length;
  }

  /**
   * Another round over the same slaves: everything that the one before promised is undone.
   *
   * @param renewed those about which something is new, as they were loaded now; their ids are known
   */
  begin(snapshot: Snapshot, renewed: readonly SlaveView[]): void {
    this.snapshot = snapshot;
    this.lastPlacedOn = snapshot.lastPlacedOn;
    // What policies remember of the pool is remembered of this list.
    if (renewed.length > 0) this.views = null;
    let isRenamed = false;
    for (const view of renewed) {
      const row = this.columns.rowOf(view.id);
      const before = (this.slaves[row] as SlaveNow).view;
      this.takePart += Number(takesPart(view)) - Number(takesPart(before));
      isRenamed ||= view.name !== before.name;
      if (!callsBackAsBefore(before, view)) this.callBacks.set(row, null);
      // Mostly what is new is what the round before promised: that is written once, and says what it said already.
      this.touched.delete(row);
      this.write(row, slaveNow(view));
    }
    for (const row of this.touched) this.write(row, slaveNow((this.slaves[row] as SlaveNow).view));
    this.touched.clear();
    if (!isRenamed) return;
    this.columns.renamed();
    this.lists.clear();
  }

  /** How many slaves take part now. */
  get taking(): number {
    return this.takePart;
  }

  get(id: string): SlaveNow | undefined {
    return this.slaves[this.columns.rowOf(id)];
  }

  /** In the order of ids. */
  all(): readonly SlaveNow[] {
    return this.slaves;
  }

  /** The slave as it is from now on. */
  put(slave: SlaveNow): void {
    const row = this.columns.rowOf(slave.view.id);
    if (row < 0 || this.slaves[row] === slave) return;
    this.touched.add(row);
    this.write(row, slave);
  }

  private write(row: number, slave: SlaveNow): void {
    this.slaves[row] = slave;
    if (this.columns.write(row, slave)) this.lists.changed(row);
    this.weakest[row] = NaN;
    this.weakestOfAll = null;
    this.keptFor.write(row, slave);
    const { BE, AR } = roomsOf(slave);
    this.sums.BE.write(row, BE);
    this.sums.AR.write(row, AR);
    if (this.views !== null) this.views[row] = asSeen(slave);
  }

  /** A new placement went there: the next in turn is after it. */
  placedOn(id: string): void {
    this.lastPlacedOn = id;
  }

  /**
   * Slaves on which slots may want their room now, in the order of ids, and when the first of the others comes to that; null: never.
   * Asked before anything is promised in this round.
   */
  wanted(at: EpochMs): { readonly slaves: readonly SlaveNow[]; readonly dueAt: EpochMs | null } {
    const { slaves, callBacks, snapshot: { rules } } = this;
    const wanted: number[] = [];
    let dueAt = Infinity;
    for (const [row, known] of callBacks) {
      let next = known;
      if (next === null || !callBackIsFar(next, at)) {
        next = nextCallBack(slaves[row] as SlaveNow, at, rules);
        if (next === never) callBacks.delete(row);
        else callBacks.set(row, next);
        if (!callBackIsFar(next, at)) {
          wanted.push(row);
          continue;
        }
      }
      if (next.dueAt < dueAt) dueAt = next.dueAt;
    }
    return { slaves: wanted.sort((a, b) => a - b).map((row) => slaves[row] as SlaveNow), dueAt: dueAt === Infinity ? null : dueAt };
  }

  /** What the pool has for whoever asks. */
  poolTotals(asking: Asking): PoolTotals {
    return poolTotalsOf(this.sums[asking.type].sum(this.keptFor.rowsOf(asking.id), this.slaves, asking), this.snapshot.rules);
  }

  /** As placement policies see the pool now. */
  seen(): PlacementWorld {
    return new Seen(this.lastPlacedOn, () => (this.views ??= this.slaves.map(asSeen)));
  }

  /** Asks all slaves; they answer as they are needed, the policy's first ones first. */
  ask(question: Question): Answers {
    const { slaves, columns, lists, keptFor, placement, sizes: { atFirst } } = this;
    return new Answers({ slaves, columns, lists, keptFor, placement, seen: () => this.seen(), weakestPis: this.weakestPis, ask: this.askOne, atFirst }, question);
  }

  /** The lowest Pi of whoever could be told to go anywhere; Infinity: nobody. */
  weakestPi(): number {
    if (this.weakestOfAll === null) {
      this.weakestOfAll = Infinity;
      for (const pi of this.weakestPis(this.slaves.keys())) if (pi < this.weakestOfAll) this.weakestOfAll = pi;
    }
    return this.weakestOfAll;
  }

  private readonly weakestPis = (rows: Iterable<number>): Float64Array => {
    const { weakest, slaves } = this;
    for (const row of rows) if (Number.isNaN(weakest[row] as number)) weakest[row] = weakestPi(slaves[row] as SlaveNow);
    return weakest;
  };
}

/** The pool is listed for policies that look at it. */
class Seen implements PlacementWorld {
  constructor(
    readonly lastPlacedOn: string | null,
    private readonly listed: () => readonly SlaveView[],
  ) {}

  get slaves(): readonly SlaveView[] {
    return this.listed();
  }
}

/** What one slave adds to the pool for anybody of each kind: they differ only where best-effort waits for others to leave. */
function roomsOf(slave: SlaveNow): Readonly<Record<Asking['type'], PoolRoom>> {
  const BE = poolRoom(slave, { id: '', type: 'BE', booking: null });
  return { BE, AR: slave.nominated.size === 0 ? BE : poolRoom(slave, { id: '', type: 'AR', booking: null }) };
}

function inOrderOfIds(views: readonly SlaveView[]): readonly SlaveView[] {
  for (let at = 1; at < views.length; at++) if ((views[at - 1] as SlaveView).id >= (views[at] as SlaveView).id) return [...views].sort((a, b) => (a.id < b.id ? -1 : 1));
  return views;
}
