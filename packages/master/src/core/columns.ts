import type { PlacementPolicy } from './rank';
import { asSeen, bookedDiskMiB, freeUnheld, takesPart, type SlaveNow } from './room-now';
import type { Room } from './snapshot';

/** What the figures of one slave say to one instance. `ask`: more than figures decides. */
export const said = { ask: 0, able: 1, NoSlaveFits: 2, NotEnoughDisk: 3, NotEnoughCores: 4, NotEnoughRam: 5, NotEnoughBandwidth: 6, KeptForReservation: 7 } as const;
export type Said = (typeof said)[keyof typeof said];

const width = 4;
const mostKeys = 4;

/** How a row is asked: not by figures at all (out of the pool, out of reach, a wrong clock); figures can only refuse, for reservations have a say; figures decide. */
const by = { filters: 0, figuresAndCalendar: 1, figures: 2 } as const;

/** Nobody in particular, best-effort. */
const anybody = { id: '', type: 'BE', booking: null } as const;

/**
 * Figures of slaves in columns of numbers, a row a slave: what it has in all, what of it is free for best-effort, and what
 * the placement policy compares. They say what the filters of `feasible` say, to ordinary best-effort.
 */
export class Columns {
  private readonly by: Uint8Array;
  private readonly capacity: Float64Array;
  private readonly free: Float64Array;
  private readonly bookedDisk: Float64Array;
  private readonly keyed: Float64Array | null;
  /** Place in the order of names and ids, the end of every comparison. */
  private readonly place: Uint32Array;
  /** Rows on which somebody in particular has a part of the room: held slots, nominees. */
  readonly particular = new Set<number>();

  constructor(
    slaves: readonly SlaveNow[],
    private readonly keys: PlacementPolicy['keys'],
  ) {
    const { length } = slaves;
    this.by = new Uint8Array(length);
    this.capacity = new Float64Array(length * width);
    this.free = new Float64Array(length * width);
    this.bookedDisk = new Float64Array(length);
    this.keyed = keys === undefined ? null : new Float64Array(length * mostKeys);
    this.place = placesByName(slaves);
    slaves.forEach((slave, row) => {
      put(this.capacity, row, slave.view.capacity);
      this.write(row, slave);
    });
  }

  /** The slave of this row as it is from now on. */
  write(row: number, slave: SlaveNow): void {
    const { view, held, nominated } = slave;
    this.by[row] = !takesPart(view) || view.clockWrong !== null ? by.filters : view.bookings.length > 0 || held.length > 0 ? by.figuresAndCalendar : by.figures;
    put(this.free, row, freeUnheld(slave, anybody));
    this.bookedDisk[row] = bookedDiskMiB(slave, anybody);
    if (held.length > 0 || nominated.size > 0) this.particular.add(row);
    else this.particular.delete(row);
    if (this.keyed === null || this.keys === undefined) return;
    const keys = this.keys(asSeen(slave), 'BE');
    for (let key = 0; key < mostKeys; key++) this.keyed[row * mostKeys + key] = keys[key] ?? 0;
  }

  /** What this row says to best-effort of this size; in the order of the filters. */
  say(row: number, need: Room): Said {
    const how = this.by[row];
    if (how === by.filters) return said.ask;
    const { capacity, free } = this;
    const from = row * width;
    const { vcpus, ramMiB, diskMiB, bandwidthMbps } = need;
    if (vcpus > (capacity[from] as number) || ramMiB > (capacity[from + 1] as number) || diskMiB > (capacity[from + 2] as number) || bandwidthMbps > (capacity[from + 3] as number)) return said.NoSlaveFits;
    if (diskMiB > 0) {
      if (diskMiB > (free[from + 2] as number)) return said.NotEnoughDisk;
      if (diskMiB > (free[from + 2] as number) - (this.bookedDisk[row] as number)) return said.KeptForReservation;
    }
    if (vcpus > (free[from] as number)) return said.NotEnoughCores;
    if (ramMiB > (free[from + 1] as number)) return said.NotEnoughRam;
    if (bandwidthMbps > (free[from + 3] as number)) return said.NotEnoughBandwidth;
    return how === by.figures ? said.able : said.ask;
  }

  /** Whether rows can be compared by their keys. */
  get comparable(): boolean {
    return this.keyed !== null;
  }

  /** The placement policy's order for best-effort; of rows that are equal to it by name and id. */
  readonly compare = (a: number, b: number): number => {
    const keyed = this.keyed as Float64Array;
    for (let key = 0; key < mostKeys; key++) {
      const difference = (keyed[a * mostKeys + key] as number) - (keyed[b * mostKeys + key] as number);
      if (difference !== 0) return difference;
    }
    return (this.place[a] as number) - (this.place[b] as number);
  };
}

function put(column: Float64Array, row: number, { vcpus, ramMiB, diskMiB, bandwidthMbps }: Room): void {
  column[row * width] = vcpus;
  column[row * width + 1] = ramMiB;
  column[row * width + 2] = diskMiB;
  column[row * width + 3] = bandwidthMbps;
}

function placesByName(slaves: readonly SlaveNow[]): Uint32Array {
  const named = slaves.map(({ view: { name, id } }, row) => ({ name, id, row }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
  const places = new Uint32Array(slaves.length);
  named.forEach(({ row }, place) => (places[row] = place));
  return places;
}
