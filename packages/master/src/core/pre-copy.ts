import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding, PreCopy } from '@paravcl/shared/chunks/mirror-messages';
import type { EpochMs } from '@paravcl/shared/clock';

/** What the site brings to its hosts ahead of need. */
export interface PreCopyPolicy {
  readonly enabled: boolean;
  /** Of disks. Kernels and ramdisks are small and read whole: they always come whole. */
  readonly what: PreCopy;
  /** So long before a start its hosts begin to be brought what it needs. */
  readonly leadMinutes: number;
}

/** What a guest starts from: manifests of its disk, kernel and ramdisk; null where it has none, or one that is not kept in chunks. */
export interface GuestContent {
  readonly disk: ManifestId | null;
  readonly kernel: ManifestId | null;
  readonly ramdisk: ManifestId | null;
}

/** Guests that will start: of a reservation, or one that waits for its room on a slave. */
export interface ComingGuests {
  /** Id of the reservation, or of the instance. */
  readonly id: string;
  readonly kind: 'reservation' | 'instance';
  readonly start: EpochMs;
  /** Where they are booked; a slave may be named for each of several. */
  readonly slaveIds: readonly string[];
  readonly content: GuestContent;
}

/** What the mirror of a slave said last. */
export interface HostStanding {
  readonly connected: boolean;
  readonly images: readonly ImageHolding[];
  readonly poolFull: boolean;
}

export interface PreCopyWorld {
  readonly policy: PreCopyPolicy;
  readonly coming: readonly ComingGuests[];
  readonly standings: ReadonlyMap<string, HostStanding>;
  /** Versions of which it is known what a boot reads. */
  readonly bootKnown: ReadonlySet<ManifestId>;
}

/** One version that is to be on a slave ahead of need. */
export interface Wanted {
  readonly manifest: ManifestId;
  readonly what: PreCopy;
  readonly dueAt: EpochMs;
  /** Ids of the reservations and instances that need it there. */
  readonly for: readonly string[];
}

/**
 * How a slave stands with what a start needs.
 *   ready      it is there: a guest boots without waiting for it
 *   coming     it is being brought
 *   unrecorded nothing of its disk is brought ahead, because nobody knows what a boot of it reads
 *   on-demand  it is fetched when it is read
 *   silent     its mirror is not connected, so nobody knows
 */
export type HostReadiness = 'ready' | 'coming' | 'unrecorded' | 'on-demand' | 'silent';

export interface PreCopyPlan {
  /** By slave, what is due first first. */
  readonly wanted: ReadonlyMap<string, readonly Wanted[]>;
  /** By reservation whose start is within the lead: how each of its slaves stands. */
  readonly readiness: ReadonlyMap<string, ReadonlyMap<string, HostReadiness>>;
}

/** What is wanted within a day and is there already is named, so that it is not evicted meanwhile. */
const keepMs = 24 * 3_600_000;
/** As many as one message names; what is due later follows when its time comes. */
export const mostWanted = 500;

/**
 * What each slave shall have by when (S3), and how far each reservation's slaves are:
 *
 * 1. Every slave is brought what is booked on it, within the lead before the start and while the window lasts, and nothing
 *    else; so a volunteer gets what its own guests need.
 * 2. Of a disk that is the boot set, or all of it where the policy says so. While nobody knows what a boot reads, nothing is
 *    brought ahead unless it is all that is wanted: a whole disk is no surprise for a lab PC.
 * 3. What starts within a day and is there already stays.
 *
 * Being late is no refusal: what is missing at the start is fetched as it is read.
 */
export function planPreCopy(world: PreCopyWorld, now: EpochMs): PreCopyPlan {
  const holdings = new Map([...world.standings].map(([slaveId, { images }]) => [slaveId, new Map(images.map((image) => [image.manifest, image]))]));
  const holdingOn = (slaveId: string, manifest: ManifestId): ImageHolding | undefined => holdings.get(slaveId)?.get(manifest);
  const wants = new Map<string, Map<ManifestId, Wanted>>();
  const readiness = new Map<string, ReadonlyMap<string, HostReadiness>>();
  for (const guests of world.coming) {
    const near = isNear(guests, world.policy, now);
    const parts = partsOf(guests.content, world);
    const stands = new Map<string, HostReadiness>();
    for (const slaveId of new Set(guests.slaveIds)) {
      const missing = parts.filter(({ manifest, whole }) => !isThere(holdingOn(slaveId, manifest), whole));
      stands.set(slaveId, standingOf(world.standings.get(slaveId), missing, near && world.policy.enabled));
      if (!world.policy.enabled) continue;
      for (const part of parts) {
        const soon = guests.start - keepMs <= now;
        const what = (near ? part.brought : null) ?? (near || soon ? kept(holdingOn(slaveId, part.manifest), part) : null);
        if (what !== null) want(wants, slaveId, { manifest: part.manifest, what, dueAt: guests.start, for: [guests.id] });
      }
    }
    if (near && guests.kind === 'reservation' && guests.content.disk !== null && stands.size > 0) readiness.set(guests.id, stands);
  }
  return { wanted: new Map([...wants].map(([slaveId, all]) => [slaveId, [...all.values()].sort(dueFirst).slice(0, mostWanted)])), readiness };
}

/** Whether its start is within the lead, or past. */
export function isNear({ start }: Pick<ComingGuests, 'start'>, { leadMinutes }: PreCopyPolicy, now: EpochMs): boolean {
  return start - leadMinutes * 60_000 <= now;
}

/** At most this long before a start something is wanted for it. */
export function farthestAheadMs({ leadMinutes }: PreCopyPolicy): number {
  return Math.max(keepMs, leadMinutes * 60_000);
}

/** Whether what a boot reads of it is there, or all of it where `whole`. */
export function isThere(holding: ImageHolding | undefined, whole: boolean): boolean {
  if (holding === undefined) return false;
  const { presentChunks, totalChunks, presentBootChunks, totalBootChunks } = holding;
  return presentChunks >= totalChunks || (!whole && totalBootChunks > 0 && presentBootChunks >= totalBootChunks);
}

/** A version that a guest starts from. */
interface Part {
  readonly manifest: ManifestId;
  /** As far as is known a guest boots without waiting only once all of it is there. */
  readonly whole: boolean;
  /** What is brought ahead; null: nothing. */
  readonly brought: PreCopy | null;
}

function partsOf({ disk, kernel, ramdisk }: GuestContent, { policy, bootKnown }: PreCopyWorld): readonly Part[] {
  const small = [kernel, ramdisk].flatMap((manifest) => (manifest === null ? [] : [{ manifest, whole: true, brought: 'all' as const }]));
  if (disk === null) return small;
  const known = bootKnown.has(disk);
  return [...small, { manifest: disk, whole: !known, brought: policy.what === 'all' ? 'all' : known ? 'boot-set' : null }];
}

/** What may be named of it without anything being fetched for it. */
function kept(holding: ImageHolding | undefined, { whole, brought }: Part): PreCopy | null {
  if (isThere(holding, true)) return brought ?? 'all';
  return !whole && isThere(holding, false) ? 'boot-set' : null;
}

function standingOf(standing: HostStanding | undefined, missing: readonly Part[], bringing: boolean): HostReadiness {
  if (standing?.connected !== true) return 'silent';
  if (missing.length === 0) return 'ready';
  if (!bringing || standing.poolFull) return 'on-demand';
  // Its kernel may be coming, and the wait of its boot is for the disk.
  return missing.some(({ brought }) => brought === null) ? 'unrecorded' : 'coming';
}

/** What several need is wanted once: by the first of them, and whole if one of them wants it so. */
function want(wants: Map<string, Map<ManifestId, Wanted>>, slaveId: string, one: Wanted): void {
  const onSlave = wants.get(slaveId) ?? new Map<ManifestId, Wanted>();
  wants.set(slaveId, onSlave);
  const before = onSlave.get(one.manifest);
  onSlave.set(one.manifest, before === undefined ? one : together(before, one));
}

function together(one: Wanted, other: Wanted): Wanted {
  return {
    manifest: one.manifest,
    what: one.what === 'all' || other.what === 'all' ? 'all' : 'boot-set',
    dueAt: Math.min(one.dueAt, other.dueAt),
    for: [...new Set([...one.for, ...other.for])].sort(),
  };
}

/** Of what is due together kernels and ramdisks come first: they are small, and read first. */
function dueFirst(a: Wanted, b: Wanted): number {
  return a.dueAt - b.dueAt || Number(a.what !== 'all') - Number(b.what !== 'all') || (a.manifest < b.manifest ? -1 : 1);
}
