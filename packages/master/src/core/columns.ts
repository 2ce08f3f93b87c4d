import type { PlacementPolicy } from './rank';
import { asSeen, bookedDiskMiB, freeUnheld, takesPart, type SlaveNow } from './room-now';
import type { Booking, Room } from './snapshot';

/** What the figures of one slave say to one instance. `ask`: more than figures decides. */
export const said = { ask: 0, able: 1, NoSlaveFits: 2, NotEnoughDisk: 3, NotEnoughCores: 4, NotEnoughRam: 5, NotEnoughBandwidth: 6, KeptForReservation: 7, TooSlow: 8, NotChosen: 9 } as const;
export type Said = (typeof said)[keyof typeof said];
export const sayings = Object.keys(said).length;

const width = 4;
const mostKeys = 5;

/** How a row is asked: not by figures at all (out of the pool, out of reach, a wrong clock); figures can only refuse, for reservations have a say; figures decide. */
const askedBy = { filters: 0, figuresAndCalendar: 1, figures: 2 } as const;

/** Nobody in particular, best-effort. */
const anybody = { id: '', type: 'BE', booking: null } as const;

/**
 * Figures of slaves in columns of numbers, a row a slave: what it has in all, what of it is free for best-effort, and what
 * the placement policy compares. They say what the filters of `feasible` say, to ordinary best-effort.
 */
export class Columns {
  private readonly how: Uint8Array;
  private readonly capacity: Float64Array;
  private readonly free: Float64Array;
  private readonly bookedDisk: Float64Array;
  /** Of which slots that was reckoned. */
  private readonly booked: (readonly Booking[] | undefined)[];
  private readonly speed: Float64Array;
  private readonly keyed: Float64Array | null;
  /** Place in the order of names and ids, the end of every comparison; made when it is asked for. */
  private places: Uint32Array | null = null;
  private readonly rows: ReadonlyMap<string, number>;

  constructor(
    private readonly slaves: readonly SlaveNow[],
    private readonly keys: PlacementPolicy['keys'],
  ) {
    const { length } = slaves;
    this.how = new Uint8Array(length);
    this.capacity = new Float64Array(length * width);
    this.free = new Float64Array(length * width);
    this.bookedDisk = new Float64Array(length);
    this.booked = Array.from({ length });
    this.speed = new Float64Array(length);
    this.keyed = keys === undefined ? null : new Float64Array(length * mostKeys);
    this.rows = new Map(slaves.map(({ view: { id } }, row) => [id, row]));
    slaves.forEach((slave, row) => { this.write(row, slave); });
  }

  /** The slave of this row as it is from now on; says whether any figure or key is another than before. */
  write(row: number, slave: SlaveNow): boolean {
    const { view, held } = slave;
    const how = !takesPart(view) || view.clockWrong !== null ? askedBy.filters : view.bookings.length > 0 || held.length > 0 ? askedBy.figuresAndCalendar : askedBy.figures;
    let isOther = set(this.how, row, how);
    isOther = put(this.capacity, row, view.capacity) || isOther;
    isOther = set(this.speed, row, view.capacity.speed ?? Infinity) || isOther;
    isOther = put(this.free, row, freeUnheld(slave, anybody)) || isOther;
    if (this.booked[row] !== view.bookings) isOther = set(this.bookedDisk, row, bookedDiskMiB(slave, anybody)) || isOther;
    this.booked[row] = view.bookings;
    if (this.keyed === null) return isOther;
    const keys = this.keys?.(asSeen(slave), 'BE') ?? [];
    for (let key = 0; key < mostKeys; key++) isOther = set(this.keyed, row * mostKeys + key, keys[key] ?? 0) || isOther;
    return isOther;
  }

  /** Slaves are called otherwise now. */
  renamed(): void {
    this.places = null;
  }

  /** What every row says to best-effort of this size, row by row. */
  sayAll(need: Room): Uint8Array {
    const all = new Uint8Array(this.how.length);
    for (let row = 0; row < all.length; row++) all[row] = this.say(row, need);
    return all;
  }

  /** What one row says to it; in the order of the filters. */
  say(row: number, { vcpus, ramMiB, diskMiB, bandwidthMbps, speed: leastSpeed = 0 }: Room): Said {
    const { how, capacity, free, bookedDisk, speed } = this;
    const at = row * width;
    if (how[row] === askedBy.filters) return said.ask;
    if (vcpus > num(capacity, at) || ramMiB > num(capacity, at + 1) || diskMiB > num(capacity, at + 2) || bandwidthMbps > num(capacity, at + 3)) return said.NoSlaveFits;
    if (leastSpeed > num(speed, row)) return said.TooSlow;
    if (diskMiB > 0 && diskMiB > num(free, at + 2)) return said.NotEnoughDisk;
    if (diskMiB > 0 && diskMiB > num(free, at + 2) - num(bookedDisk, row)) return said.KeptForReservation;
    if (vcpus > num(free, at)) return said.NotEnoughCores;
    if (ramMiB > num(free, at + 1)) return said.NotEnoughRam;
    if (bandwidthMbps > num(free, at + 3)) return said.NotEnoughBandwidth;
    return how[row] === askedBy.figures ? said.able : said.ask;
  }

  /** The row of a slave; −1 when there is none. */
  rowOf(id: string): number {
    return this.rows.get(id) ?? -1;
  }

  /** Whether rows can be compared by their keys. */
  get comparable(): boolean {
    return this.keyed !== null;
  }

  /** The first so many of these rows in the placement policy's order, in one pass. */
  best(rows: readonly number[], most: number): number[] {
    const { compare } = this;
    const keyed = this.keyed as Float64Array;
    const best: number[] = [];
    let [first, second] = [Infinity, Infinity];
    for (const row of rows) {
      const at = row * mostKeys;
      if (num(keyed, at) > first || (num(keyed, at) === first && num(keyed, at + 1) > second)) continue;
      const last = best[most - 1];
      if (last !== undefined && compare(row, last) > 0) continue;
      let place = best.length;
      while (place > 0 && compare(row, best[place - 1] as number) < 0) place--;
      best.splice(place, 0, row);
      if (best.length > most) best.pop();
      const worst = best[most - 1];
      if (worst !== undefined) [first, second] = [num(keyed, worst * mostKeys), num(keyed, worst * mostKeys + 1)];
    }
    return best;
  }

  /** The placement policy's order for best-effort; of rows that are equal to it by name and id. */
  readonly compare = (a: number, b: number): number => {
    const keyed = this.keyed as Float64Array;
    for (let one = a * mostKeys, other = b * mostKeys, end = one + mostKeys; one < end; one++, other++) {
      if (num(keyed, one) !== num(keyed, other)) return num(keyed, one) - num(keyed, other);
    }
    const places = (this.places ??= placesByName(this.slaves));
    return (places[a] as number) - (places[b] as number);
  };
}

/** The row is there. */
const num = (column: Float64Array, at: number): number => column[at] as number;

/** Says whether that is another figure than before. */
function set(column: Float64Array | Uint8Array, at: number, figure: number): boolean {
  if (column[at] === figure) return false;
  column[at] = figure;
  return true;
}

function put(column: Float64Array, row: number, { vcpus, ramMiB, diskMiB, bandwidthMbps }: Room): boolean {
  const at = row * width;
  const isOther = num(column, at) !== vcpus || num(column, at + 1) !== ramMiB || num(column, at + 2) !== diskMiB || num(column, at + 3) !== bandwidthMbps;
  column[at] = vcpus;
  column[at + 1] = ramMiB;
  column[at + 2] = diskMiB;
  column[at + 3] = bandwidthMbps;
  return isOther;
}

function placesByName(slaves: readonly SlaveNow[]): Uint32Array {
  const named = slaves.map(({ view: { name, id } }, row) => ({ name, id, row }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
  const places = new Uint32Array(slaves.length);
  named.forEach(({ row }, place) => (places[row] = place));
  return places;
}
