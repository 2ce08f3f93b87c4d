import type { EpochMs } from '@paravcl/shared/clock';
import { fastEnough, noRoom, subtract, type Room } from './snapshot';

/** From `start` on, and over at `end`: who begins at another's end is not in its way. */
export interface Window {
  readonly start: EpochMs;
  readonly end: EpochMs;
}

/** Room that is taken for a time. */
export interface Lease extends Window {
  readonly need: Room;
}

export function overlaps(a: Window, b: Window): boolean {
  return a.start < b.end && b.start < a.end;
}

/** How many identical VMs are within `room`; a dimension they need nothing of does not count. None where it is not fast enough. */
export function countWithin(need: Room, room: Room): number {
  if (!fastEnough(need, room)) return 0;
  const dimension = (free: number, one: number): number => (one <= 0 ? Infinity : Math.floor(free / one));
  const count = Math.min(
    dimension(room.vcpus, need.vcpus),
    dimension(room.ramMiB, need.ramMiB),
    dimension(room.diskMiB, need.diskMiB),
    dimension(room.bandwidthMbps, need.bandwidthMbps),
  );
  return Math.max(0, count);
}

/**
 * What of one slave's capacity is taken, through all time. A value: whoever adds a lease gets another timeline.
 *
 * Time is cut where leases begin and end; between two cuts what is taken does not change. Segment i lasts from
 * `cuts[i]` to `cuts[i + 1]`, the first begins at −∞, the last never ends. Over the segments of every dimension stands
 * a tree of maxima (leaf i at `segments + i`, node n over 2n and 2n + 1), so that the most that is taken in a window is
 * found in O(log n) and a timeline is built from n leases in O(n log n). What is *taken* is kept rather than what is
 * free: sums of whole cores and MiB are exact, whatever fraction overcommit makes of the capacity.
 */
export class Timeline {
  private constructor(
    readonly capacity: Room,
    private readonly cuts: Float64Array,
    private readonly taken: readonly Float64Array[],
  ) {}

  /** Leases that are over before they begin take nothing. An end of Infinity is none. */
  static of(capacity: Room, leases: readonly Lease[]): Timeline {
    const lasting = leases.filter(({ start, end }) => start < end);
    const cuts = distinct(lasting.flatMap(({ start, end }) => [start, end]));
    // First what each lease adds and takes back at its cuts; summed up along time that is what is taken.
    const taken = dimensions.map(() => new Float64Array(2 * cuts.length));
    for (const { start, end, need } of lasting) {
      const first = cuts.length + segmentAt(cuts, start);
      const after = cuts.length + segmentAt(cuts, end);
      dimensions.forEach((dimension, d) => {
        const tree = taken[d] as Float64Array;
        tree[first] = (tree[first] as number) + need[dimension];
        tree[after] = (tree[after] as number) - need[dimension];
      });
    }
    for (const tree of taken) {
      for (let leaf = cuts.length + 1; leaf < tree.length; leaf++) tree[leaf] = (tree[leaf] as number) + (tree[leaf - 1] as number);
      growTree(tree);
    }
    return new Timeline(capacity, cuts, taken);
  }

  /** The room that is free from the first to the last moment of the window; below 0 where more is taken than there is. */
  freeDuring(window: Window): Room {
    return subtract(this.capacity, this.mostTaken(window));
  }

  /** The most that is taken at a time, each dimension by itself. A window without length is the moment of its start. */
  mostTaken(window: Window): Room {
    const first = segmentAt(this.cuts, window.start);
    const last = Math.max(first, segmentBefore(this.cuts, window.end));
    const most = (d: number): number => greatest(this.taken[d] as Float64Array, first, last);
    return { vcpus: most(0), ramMiB: most(1), diskMiB: most(2), bandwidthMbps: most(3) };
  }

  /** The most cores that are taken at a time, as `mostTaken` has them, for who looks at many timelines: a window cuts through few segments as a rule. */
  mostCoresTaken({ start, end }: Window): number {
    const { cuts } = this;
    const cores = this.taken[0] as Float64Array;
    const first = segmentAt(cuts, start);
    let most = cores[cuts.length + first] as number;
    for (let segment = first + 1; segment < cuts.length && (cuts[segment] as number) < end; segment++) {
      if (segment > first + fewSegments) return Math.max(most, greatest(cores, segment, segmentBefore(cuts, end)));
      most = Math.max(most, cores[cuts.length + segment] as number);
    }
    return most;
  }

  fits(window: Window, need: Room): boolean {
    return this.countFitting(window, need) >= 1;
  }

  /** How many VMs of this size fit side by side for the whole window. */
  countFitting(window: Window, need: Room): number {
    return countWithin(need, this.freeDuring(window));
  }

  /** The first moment from `from` on, and not after `latest`, from which `need` fits for `lengthMs`; null when there is none. */
  firstFit(need: Room, lengthMs: number, from: EpochMs, latest: EpochMs = Infinity): EpochMs | null {
    let start = from;
    for (let segment = segmentAt(this.cuts, from); start <= latest; segment++) {
      const end = this.cuts[segment + 1] ?? Infinity;
      if (countWithin(need, subtract(this.capacity, this.takenIn(segment))) < 1) start = end;
      else if (end >= start + lengthMs) return start;
      if (end === Infinity) return null;
    }
    return null;
  }

  withLease(lease: Lease): Timeline {
    return this.changed(lease, lease.need);
  }

  /** Takes back a lease that is in this timeline. */
  withoutLease(lease: Lease): Timeline {
    return this.changed(lease, subtract(noRoom, lease.need));
  }

  private takenIn(segment: number): Room {
    const leaf = this.cuts.length + segment;
    const of = (d: number): number => this.taken[d]?.[leaf] ?? 0;
    return { vcpus: of(0), ramMiB: of(1), diskMiB: of(2), bandwidthMbps: of(3) };
  }

  private changed(window: Window, more: Room): Timeline {
    if (window.start >= window.end) return this;
    const cuts = withCut(withCut(this.cuts, window.start), window.end);
    const first = cuts.length + segmentAt(cuts, window.start);
    const after = cuts.length + segmentAt(cuts, window.end);
    const taken = dimensions.map((dimension, d) => {
      const before = this.taken[d] as Float64Array;
      const tree = new Float64Array(2 * cuts.length);
      for (let segment = 0, old = 0; segment < cuts.length; segment++) {
        if (old + 1 < this.cuts.length && this.cuts[old + 1] === cuts[segment]) old++;
        tree[cuts.length + segment] = before[this.cuts.length + old] as number;
      }
      for (let leaf = first; leaf < after; leaf++) tree[leaf] = (tree[leaf] as number) + more[dimension];
      growTree(tree);
      return tree;
    });
    return new Timeline(this.capacity, cuts, taken);
  }
}

/** So many are looked through sooner than their tree is climbed. */
const fewSegments = 8;

/** In the order in which `Timeline` keeps their trees. */
const dimensions = ['vcpus', 'ramMiB', 'diskMiB', 'bandwidthMbps'] as const satisfies readonly (keyof Room)[];

/** −∞ and every moment at which something changes, once each, in order. */
function distinct(moments: readonly EpochMs[]): Float64Array {
  const sorted = Float64Array.from([-Infinity, ...moments]).sort();
  return sorted.filter((moment, index) => index === 0 || moment !== sorted[index - 1]);
}

function withCut(cuts: Float64Array, moment: EpochMs): Float64Array {
  const segment = segmentAt(cuts, moment);
  if (cuts[segment] === moment) return cuts;
  const more = new Float64Array(cuts.length + 1);
  more.set(cuts.subarray(0, segment + 1));
  more[segment + 1] = moment;
  more.set(cuts.subarray(segment + 1), segment + 2);
  return more;
}

/** The segment in which `moment` lies. */
function segmentAt(cuts: Float64Array, moment: EpochMs): number {
  let low = 0;
  for (let high = cuts.length; high - low > 1; ) {
    const middle = (low + high) >>> 1;
    if ((cuts[middle] as number) <= moment) low = middle;
    else high = middle;
  }
  return low;
}

/** The segment in which the last moment before `end` lies. */
function segmentBefore(cuts: Float64Array, end: EpochMs): number {
  const segment = segmentAt(cuts, end);
  return cuts[segment] === end ? Math.max(0, segment - 1) : segment;
}

function growTree(tree: Float64Array): void {
  for (let node = tree.length / 2 - 1; node >= 1; node--) tree[node] = Math.max(tree[2 * node] as number, tree[2 * node + 1] as number);
}

/** The greatest of the leaves `first` to `last`: climbs from both ends and takes the nodes that lie wholly between. */
function greatest(tree: Float64Array, first: number, last: number): number {
  const leaves = tree.length / 2;
  let most = -Infinity;
  for (let left = first + leaves, right = last + leaves + 1; left < right; left >>>= 1, right >>>= 1) {
    if (left & 1) most = Math.max(most, tree[left++] as number);
    if (right & 1) most = Math.max(most, tree[--right] as number);
  }
  return most;
}
