import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { ReservationReadiness } from '@paravcl/shared/domain/reservation';
import { readinessSentence } from '../core/explain-readiness';
import { farthestAheadMs, planPreCopy, type ComingGuests, type GuestContent, type PreCopyPlan, type PreCopyPolicy, type Wanted } from '../core/pre-copy';
import { diskImageOf } from '../core/instance-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import type { MirrorFleet } from './mirror-fleet';

export interface PreCopyDeps {
  readonly unitOfWork: Pick<UnitOfWork, 'read'>;
  readonly fleet: Pick<MirrorFleet, 'standings' | 'setPreCopy'>;
  readonly clock: Clock;
  readonly policy: PreCopyPolicy;
}

/** The ids of what guests will start from, and where and when. */
type ComingImages = Omit<ComingGuests, 'content'> & { readonly imageId: string; readonly kernelId: string | null; readonly ramdiskId: string | null };

/**
 * Tells mirrors what to bring ahead of coming guests. All of it follows from the calendar, the queue and what the mirrors
 * said, anew in every round; only the newest plan is kept, in memory, for those who ask how far it is.
 */
export class PreCopyService {
  private plan: PreCopyPlan = { wanted: new Map(), readiness: new Map() };

  constructor(private readonly deps: PreCopyDeps) {}

  /** Plans anew and tells every mirror what is wanted of it now. */
  async round(): Promise<void> {
    const { unitOfWork: { read }, fleet, clock, policy } = this.deps;
    const now = clock.now();
    const coming = await comingGuests(read, now, now + farthestAheadMs(policy));
    const bootKnown = await read.patterns.bootKnown(coming.flatMap(({ content }) => (content.disk === null ? [] : [content.disk])));
    const before = this.plan.wanted.keys();
    this.plan = planPreCopy({ policy, coming, standings: fleet.standings(), bootKnown }, now);
    for (const slaveId of new Set([...before, ...fleet.standings().keys(), ...this.plan.wanted.keys()])) {
      fleet.setPreCopy(slaveId, this.wantedOn(slaveId).map(({ manifest, what }) => ({ manifest, what })));
    }
  }

  /** What this slave is to have ahead of need, what is due first first. */
  wantedOn(slaveId: string): readonly Wanted[] {
    return this.plan.wanted.get(slaveId) ?? [];
  }

  /** Where this version is to be ahead of need, by slave. */
  wantedOf(manifest: ManifestId): ReadonlyMap<string, Wanted> {
    const found = [...this.plan.wanted].flatMap(([slaveId, wanted]) => wanted.filter((one) => one.manifest === manifest).map((one) => [slaveId, one] as const));
    return new Map(found);
  }

  /** How far the hosts of a reservation are with what its guests start from; null long before its start, and for one without an image. */
  readinessOf(reservationId: string): ReservationReadiness | null {
    const stands = this.plan.readiness.get(reservationId);
    if (stands === undefined) return null;
    const all = [...stands.values()];
    return { slaves: all.length, ready: all.filter((one) => one === 'ready').length, sentence: readinessSentence(all) };
  }
}

/** Reservations that have begun or will by then, and whoever waits for a slave that others leave for it. */
async function comingGuests(read: Repositories, now: EpochMs, until: EpochMs): Promise<readonly ComingGuests[]> {
  const coming = [...(await comingReservations(read, now, until)), ...(await nominated(read, now))];
  const images = await read.images.findAll(idsOf(coming));
  // A reservation names its disk only: its guests boot with the kernel and ramdisk that the disk names.
  const defaults = await read.images.findAll([...images.values()].flatMap(({ defaultKernelId, defaultRamdiskId }) => present([defaultKernelId, defaultRamdiskId])));
  const all = new Map([...defaults, ...images]);
  return coming.map(({ imageId, kernelId, ramdiskId, ...guests }) => ({ ...guests, content: contentOf(all, guests.kind, { imageId, kernelId, ramdiskId }) }));
}

async function comingReservations(read: Repositories, now: EpochMs, until: EpochMs): Promise<readonly ComingImages[]> {
  const reservations = (await read.reservations.holding()).filter(({ imageId, start, end }) => imageId !== null && start <= until && end > now);
  const bookings = await read.bookings.ofReservations(reservations.map(({ id }) => id));
  const slaves = new Map<string, string[]>(reservations.map(({ id }) => [id, []]));
  for (const { reservationId, slaveId } of bookings) slaves.get(reservationId)?.push(slaveId);
  return reservations.map(({ id, start, imageId }) => ({ id, kind: 'reservation', start, slaveIds: slaves.get(id) ?? [], imageId: imageId ?? '', kernelId: null, ramdiskId: null }));
}

/** Their room is being made now, so they are due now. */
async function nominated(read: Repositories, now: EpochMs): Promise<readonly ComingImages[]> {
  const queue = await read.instances.queue();
  return queue.flatMap(({ id, nominatedSlaveId, imageId, diskImageId, kernelId, ramdiskId }) =>
    nominatedSlaveId === null ? [] : [{ id, kind: 'instance' as const, start: now, slaveIds: [nominatedSlaveId], imageId: diskImageOf({ diskImageId, imageId }), kernelId, ramdiskId }],
  );
}

function contentOf(images: ReadonlyMap<string, ImageRecord>, kind: ComingGuests['kind'], ids: Pick<ComingImages, 'imageId' | 'kernelId' | 'ramdiskId'>): GuestContent {
  const disk = images.get(ids.imageId);
  const manifestOf = (id: string | null | undefined): ManifestId | null => (id == null ? null : (images.get(id)?.manifestId ?? null));
  const chosen = kind === 'reservation' ? { kernelId: disk?.defaultKernelId, ramdiskId: disk?.defaultRamdiskId } : ids;
  return { disk: disk?.manifestId ?? null, kernel: manifestOf(chosen.kernelId), ramdisk: manifestOf(chosen.ramdiskId) };
}

function idsOf(coming: readonly ComingImages[]): readonly string[] {
  return [...new Set(coming.flatMap(({ imageId, kernelId, ramdiskId }) => present([imageId, kernelId, ramdiskId])))];
}

function present(ids: readonly (string | null)[]): readonly string[] {
  return ids.flatMap((id) => (id === null ? [] : [id]));
}
