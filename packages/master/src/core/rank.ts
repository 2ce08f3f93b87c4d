import { compareText } from './compare-text';
import type { Room, SlaveView, Snapshot } from './snapshot';

/** What a placement policy is told of the VM that needs a slave: an instance, or one slot of a reservation. */
export interface Placeable {
  readonly type: 'BE' | 'AR';
  readonly groupId: string | null;
  readonly need: Room;
}

/** What it is told of the rest of the world. */
export type PlacementWorld = Pick<Snapshot, 'lastPlacedOn' | 'slaves'>;

/** How a policy judged one slave: named numbers for the decision record. */
export interface PlacementScore {
  /** Smaller is better; where two are equal, what `compare` looks at beyond it decided. */
  readonly score: number;
  readonly parts: Readonly<Record<string, number>>;
}

/**
 * How the slaves that could take a VM are compared. The seam at which placement is exchanged by configuration alone:
 * the policies below, or a module of the site's own (`placement-module.ts`).
 */
export interface PlacementPolicy {
  readonly name: string;
  /** Negative when `a` is better. A total order: 0 only for a slave and itself. */
  compare(a: SlaveView, b: SlaveView, instance: Placeable, world: PlacementWorld): number;
  /**
   * At most five numbers that `compare` compares one after the other, before name and id; of a policy that looks at nothing
   * but the slave and the kind of guest. Pools of thousands are asked by them.
   */
  keys?(slave: SlaveView, type: Placeable['type']): readonly number[];
  /** Never smaller for the slave that `compare` finds worse. */
  score(slave: SlaveView, instance: Placeable, world: PlacementWorld): PlacementScore;
}

/** The end of every order, so that equal inputs give equal decisions. */
const byName = (a: SlaveView, b: SlaveView): number => compareText(a.name, b.name) || compareText(a.id, b.id);

const usedCores = (slave: SlaveView): number => slave.promised.vcpus;
const freeRamMiB = (slave: SlaveView): number => slave.capacity.ramMiB - slave.promised.ramMiB;
const volunteers = (slave: SlaveView): number => (slave.kind === 'volunteer' ? 1 : 0);

/** What comes first in an order weighs more in its score than any number of cores behind it. */
const tierWeight = 1_000_000;

/** In tenths: two measurements of one machine differ by a hair, which seldom decides then between hosts that are equal otherwise. */
const speedOf = ({ capacity: { speed } }: SlaveView): number => (speed === undefined ? 1 : Math.max(0.1, Math.round(10 * speed) / 10));
const freeMbps = ({ capacity, promised }: SlaveView): number => capacity.bandwidthMbps - promised.bandwidthMbps;

/** Where an order finds two equal: the faster one, then the one whose link has most to give, then name and id. */
const fasterFirst = (a: SlaveView, b: SlaveView): number => compareKeys(speedKeys(a), speedKeys(b)) || byName(a, b);
const speedKeys = (slave: SlaveView): readonly number[] => [-speedOf(slave), -freeMbps(slave)];

/** What that looked at, beside what the order itself did. */
const speedParts = (slave: SlaveView): Readonly<Record<string, number>> => ({ speed: speedOf(slave), freeMbps: freeMbps(slave) });

/** Cores used, as a core of the reference machine counts: the same work loads a slave of half the speed twice as much. */
const load = (slave: SlaveView): number => usedCores(slave) / speedOf(slave);

const lent: Readonly<Record<'contributing' | 'dedicated' | 'other', number>> = { contributing: 0, dedicated: 1, other: 2 };
const reserved: typeof lent = { dedicated: 0, contributing: 1, other: 2 };

function tier(slave: SlaveView, { type }: Pick<Placeable, 'type'>): number {
  const tiers = type === 'AR' ? reserved : lent;
  if (slave.kind === 'dedicated') return tiers.dedicated;
  return slave.contributing ? tiers.contributing : tiers.other;
}

/** Best-effort goes where somebody lends: there the newest comes first, and its cores decide nothing. */
const newestFirst = (slave: SlaveView, { type }: Pick<Placeable, 'type'>): boolean => type === 'BE' && slave.kind === 'volunteer' && slave.contributing;

/** How many of those where the newest comes first did later. */
function registeredAfter(slaves: PlacementWorld['slaves'], registeredAt: number): number {
  let moments = registered.get(slaves);
  if (moments === undefined) {
    moments = Float64Array.from(slaves.filter((slave) => newestFirst(slave, { type: 'BE' })).map((slave) => slave.registeredAt)).sort();
    registered.set(slaves, moments);
  }
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((moments[middle] as number) <= registeredAt) low = middle + 1;
    else high = middle;
  }
  return moments.length - low;
}

/** When they registered, in order; put in order once for each pool, since rounds change nothing of it. */
const registered = new WeakMap<PlacementWorld['slaves'], Float64Array>();

function reportKeys(slave: SlaveView, type: Placeable['type']): readonly number[] {
  return [tier(slave, { type }), newestFirst(slave, { type }) ? -slave.registeredAt : usedCores(slave), ...speedKeys(slave)];
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((key, index) => key !== b[index]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

/**
 * The 2014 report's flow of events. Best-effort: 1. contributing volunteers, most recently registered first; 2. dedicated
 * slaves, fewest used cores first; 3. volunteers that do not contribute, fewest used cores first. Reserved: 1. dedicated
 * slaves, 2. contributing volunteers, 3. others, each with fewest used cores first. Of equals the fastest, then that with most free
 * bandwidth, of which the report says nothing; then name, id.
 */
const para: PlacementPolicy = {
  name: 'para',
  compare: (a, b, { type }) => compareKeys(reportKeys(a, type), reportKeys(b, type)) || byName(a, b),
  keys: reportKeys,
  score: (slave, instance, world) => {
    const first = tier(slave, instance);
    if (!newestFirst(slave, instance)) {
      return { score: first * tierWeight + usedCores(slave), parts: { tier: first, usedCores: usedCores(slave), ...speedParts(slave) } };
    }
    const newer = registeredAfter(world.slaves, slave.registeredAt);
    return { score: first * tierWeight + newer, parts: { tier: first, contributingRegisteredLater: newer, ...speedParts(slave) } };
  },
};

function loadKeys(slave: SlaveView): readonly number[] {
  return [volunteers(slave), load(slave), -freeRamMiB(slave), ...speedKeys(slave)];
}

/** The least loaded slave: dedicated before volunteers, fewest used cores by its speed, most free RAM, then the fastest, most free bandwidth, name, id. */
const leastLoaded: PlacementPolicy = {
  name: 'least-loaded',
  compare: (a, b) => compareKeys(loadKeys(a), loadKeys(b)) || byName(a, b),
  keys: loadKeys,
  score: (slave) => ({
    score: volunteers(slave) * tierWeight + load(slave),
    parts: { volunteer: volunteers(slave), usedCores: usedCores(slave), load: load(slave), freeRamMiB: freeRamMiB(slave), ...speedParts(slave) },
  }),
};

/** Slaves with greater ids than the last one's are next, the others come after the turn. */
const afterTheTurn = (slave: SlaveView, world: PlacementWorld): number => (world.lastPlacedOn !== null && slave.id <= world.lastPlacedOn ? 1 : 0);

function compareTurns(a: SlaveView, b: SlaveView, world: PlacementWorld): number {
  return afterTheTurn(a, world) - afterTheTurn(b, world) || compareText(a.id, b.id);
}

/** Everybody in turn: the next after the slave of the newest placement, in the order of ids. The name decides nothing. */
const roundRobin: PlacementPolicy = {
  name: 'round-robin',
  compare: (a, b, _instance, world) => compareTurns(a, b, world),
  score: (slave, _instance, world) => {
    const turn = world.slaves.filter((other) => compareTurns(other, slave, world) < 0).length;
    return { score: turn, parts: { turn } };
  },
};

function packingKeys(slave: SlaveView): readonly number[] {
  return [-usedCores(slave), -slave.promised.ramMiB, ...speedKeys(slave)];
}

/** Packs, so that whole slaves stay free for what is large: most used cores, most used RAM; of equals the fastest, most free bandwidth, name, id. */
const greedy: PlacementPolicy = {
  name: 'greedy',
  compare: (a, b) => compareKeys(packingKeys(a), packingKeys(b)) || byName(a, b),
  keys: packingKeys,
  score: (slave) => ({ score: -usedCores(slave), parts: { usedCores: usedCores(slave), usedRamMiB: slave.promised.ramMiB, ...speedParts(slave) } }),
};

/** What one slave's failure would take from the group. Instances of no group spread by their cores alone. */
function ofSameGroup(slave: SlaveView, { groupId }: Placeable): number {
  return groupId === null ? 0 : slave.running.filter((running) => running.groupId === groupId && !running.leaving).length;
}

/** Fewest running of the same group on it, fewest used cores; of equals the fastest, most free bandwidth, name, id. */
const spread: PlacementPolicy = {
  name: 'spread',
  compare: (a, b, instance) => ofSameGroup(a, instance) - ofSameGroup(b, instance) || usedCores(a) - usedCores(b) || fasterFirst(a, b),
  score: (slave, instance) => {
    const sameGroup = ofSameGroup(slave, instance);
    return { score: sameGroup * tierWeight + usedCores(slave), parts: { sameGroup, usedCores: usedCores(slave), ...speedParts(slave) } };
  },
};

/** The policies that come with ParaVCL, by the name the configuration gives them. */
export const placementPolicies = {
  para,
  'least-loaded': leastLoaded,
  'round-robin': roundRobin,
  greedy,
  spread,
} as const satisfies Record<string, PlacementPolicy>;
export type PlacementPolicyName = keyof typeof placementPolicies;
