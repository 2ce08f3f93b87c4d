import type { EpochMs } from '@paravcl/shared/clock';
import { compareText } from '../core/compare-text';
import { preemptionsToday } from '../core/preemption-day';
import type { InstanceRecord } from '../core/instance-record';
import { lazily } from '../core/lazily';
import { isCounted, noUsage, usageTerm, type UsageBook } from '../core/past-usage';
import { whileWaiting, withUsage } from '../core/queue-terms';
import { roomFor, type Attempt, type SlaveView, type Snapshot, type WaitingInstance } from '../core/snapshot';
import type { DeploymentRule } from '../repositories/deployment-member-repository';
import type { HeldBooking } from '../repositories/booking-repository';
import type { HomeRoom } from '../repositories/home-repository';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import type { SchedulingSettings } from './instance-settings';
import { loadSlaveBooks, viewOf, withFigures, type SlaveBooks, type WorldDeps } from './slave-books';

/** The scheduler's world with the records it was made of. */
export interface World {
  readonly snapshot: Snapshot;
  readonly slaves: ReadonlyMap<string, SlaveRecord>;
  /** Instances that hold cores and RAM, by id. */
  readonly active: ReadonlyMap<string, InstanceRecord>;
  readonly bookings: readonly HeldBooking[];
  /** Of these, those on slaves that left the pool. */
  readonly bookedElsewhere: readonly HeldBooking[];
  /** By instance, of those that wait or begin to run and belong to a deployment. */
  readonly deployments: ReadonlyMap<string, DeploymentRule>;
  /** By instance, what its owner's home volume takes of a pool, of those that have it or will when they are placed. */
  readonly homes: ReadonlyMap<string, HomeRoom>;
  /** What people and groups had of the pool; empty where that does not count. */
  readonly pastUsage: UsageBook;
}

/** Loads everything that decisions are made of, within whatever transaction `repositories` belong to. */
export async function loadWorld(repositories: Repositories, deps: WorldDeps, at: EpochMs): Promise<World> {
  const [bookings, rest] = await Promise.all([repositories.bookings.held(), loadRest(repositories, deps)]);
  const books = await loadSlaveBooks(repositories, deps, at, { ...rest, bookings });
  return worldOf(books.map((each) => ({ books: each, view: viewOf(each, deps, at) })), { ...rest, bookings }, deps);
}

interface BesideSlaves extends Pick<World, 'deployments' | 'homes' | 'pastUsage'> {
  readonly lastPlacedOn: string | null;
}

/** What the world has beside its slaves: with what is booked in it, or what is booked on such as are none of them, beside what their books have. */
export type RestOfWorld = BesideSlaves & (Pick<World, 'bookings'> | Pick<World, 'bookedElsewhere'>);

export async function loadRest(repositories: Repositories, { scheduling }: Pick<WorldDeps, 'scheduling'>): Promise<BesideSlaves> {
  const [lastPlacedOn, deployments, homes, pastUsage] = await Promise.all([
    repositories.placements.newestSlaveId(),
    repositories.deploymentMembers.rules(),
    repositories.homes.rooms(),
    isCounted(scheduling.usage) ? repositories.pastUsage.all() : noUsage,
  ]);
  return { lastPlacedOn, deployments, homes, pastUsage };
}

/** A slave as it is written, and as it looks now. */
export interface KnownSlave {
  readonly books: SlaveBooks;
  readonly view: SlaveView;
}

/** What is looked up by id is put together when somebody asks, as in a large pool that is much and few ask. */
export function worldOf(slaves: readonly KnownSlave[], { lastPlacedOn, deployments, homes, pastUsage, ...rest }: RestOfWorld, { scheduling, figures }: WorldDeps): World {
  const records = lazily(() => new Map(slaves.map(({ books: { slave } }) => [slave.id, withFigures(slave, figures)])));
  const active = lazily(() => activeOn(slaves));
  const bookings = lazily(() => ('bookings' in rest ? rest.bookings : allBookings(slaves, rest.bookedElsewhere)));
  const elsewhere = lazily(() => ('bookings' in rest ? bookedElsewhere(slaves, rest.bookings) : rest.bookedElsewhere));
  return {
    snapshot: { slaves: slaves.map(({ view }) => view), rules: scheduling.rules, lastPlacedOn },
    get slaves() { return records(); },
    get active() { return active(); },
    get bookings() { return bookings(); },
    get bookedElsewhere() { return elsewhere(); },
    deployments,
    homes,
    pastUsage,
  };
}

function activeOn(slaves: readonly KnownSlave[]): ReadonlyMap<string, InstanceRecord> {
  const active = new Map<string, InstanceRecord>();
  for (const { books: { slave, guests } } of slaves) for (const { instance } of guests) if (instance.slaveId === slave.id) active.set(instance.id, instance);
  return active;
}

function bookedElsewhere(slaves: readonly KnownSlave[], bookings: readonly HeldBooking[]): readonly HeldBooking[] {
  const there = new Set(slaves.map(({ books: { slave } }) => slave.id));
  return bookings.filter(({ slaveId }) => !there.has(slaveId));
}

/** In the order in which they are read. */
function allBookings(slaves: readonly KnownSlave[], elsewhere: readonly HeldBooking[]): readonly HeldBooking[] {
  return [...slaves.flatMap(({ books }) => books.bookings), ...elsewhere].sort((a, b) => a.start - b.start || compareText(a.reservationId, b.reservationId) || a.slot - b.slot);
}

/** Those of the queue who can be served now: not those that are still being saved, and not those that nobody can look at. */
export function waitingInstances(queue: readonly InstanceRecord[], attempts: ReadonlyMap<string, readonly Attempt[]>, { bookings, deployments, homes, pastUsage }: Pick<World, 'bookings' | 'deployments' | 'homes' | 'pastUsage'>, { preemptionsPerDay, startingPerSlave, rules, usage }: SchedulingSettings, at: EpochMs): readonly WaitingInstance[] {
  const slots = new Map(bookings.flatMap((booking) => (booking.instanceId === null ? [] : [[booking.instanceId, booking] as const])));
  return queue.filter(canBeServed).map((instance) => {
    const bound = instance.queuedAt !== null;
    const slot = instance.type === 'AR' ? slots.get(instance.id) : undefined;
    const home = homes.get(instance.id);
    // On a slave it counts there already.
    const homeMiB = home === undefined || home.slaveId !== null ? 0 : home.mib;
    // What goes on where its disk is does not ask how fast that is: slow is better than never.
    const need = roomFor({ ...instance, homeMiB, minSpeed: bound ? null : instance.minSpeed });
    const rule = deployments.get(instance.id);
    const type = slot === undefined ? 'BE' : 'AR';
    const waitsSince = instance.waitsSince ?? instance.queuedAt ?? instance.createdAt;
    return {
      id: instance.id,
      name: instance.name,
      type,
      userId: instance.userId,
      groupId: instance.groupId,
      generation: instance.generation,
      need: bound ? { ...need, diskMiB: homeMiB } : need,
      homeMiB: homeMiB === 0 ? undefined : homeMiB,
      priority: whileWaiting({ type, priority: withUsage(instance.priority, usageTerm(pastUsage, instance, usage, at)), waitsSince }, at, rules),
      createdAt: instance.createdAt,
      waitsSince,
      runMs: slot === undefined ? remainingMs(instance) : Math.max(0, slot.end - at),
      attempts: attempts.get(instance.id) ?? [],
      boundTo: bound ? instance.slaveId : null,
      nominatedTo: instance.nominatedSlaveId,
      booking: slot === undefined ? null : { reservationId: slot.reservationId, slaveId: slot.slaveId, start: slot.start, end: slot.end },
      spared: preemptionsToday(instance, at, rules.timeZone) >= preemptionsPerDay,
      reason: instance.reason,
      ramSavedOn: bound ? undefined : (instance.ramSavedOn ?? undefined),
      deployment: rule === undefined ? undefined : { id: rule.deploymentId, name: rule.deploymentName, slaveIds: rule.slaveIds, perHostLimit: rule.perHostLimit ?? startingPerSlave },
    };
  });
}

function canBeServed({ queuedAt, desired, observed, observedGeneration, generation }: InstanceRecord): boolean {
  if (queuedAt === null) return observed === 'requested' || observed === 'queued';
  if (observedGeneration !== generation) return false;
  return (desired === 'suspended' && observed === 'suspended') || observed === 'stopped';
}

/** Its clock stands while it waits in the queue. */
export function remainingMs({ minutes, endsAt, queuedAt }: Pick<InstanceRecord, 'minutes' | 'endsAt' | 'queuedAt'>): number | null {
  if (minutes === null) return null;
  if (queuedAt !== null && endsAt !== null && endsAt > queuedAt) return endsAt - queuedAt;
  return minutes * 60_000;
}
