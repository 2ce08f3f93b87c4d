import { isDeepStrictEqual } from 'node:util';
import type { EpochMs } from '@paravcl/shared/clock';
import { clockWrong } from '../core/slave-warnings';
import type { Change, CommittedChanges } from '../repositories/committed-changes';
import type { Repositories } from '../repositories/repositories';
import { changesWithTime, loadSlaveBooks, viewOf, withFigures, type WorldDeps } from './slave-books';
import { loadRest, loadWorld, worldOf, type KnownSlave, type World } from './world-loader';

export interface WorkingWorldDeps extends WorldDeps {
  readonly read: Repositories;
  readonly changes: Pick<CommittedChanges, 'hear'>;
  /** Told how many slaves were not as they were thought to be, though nobody had said that they changed. */
  readonly onDrift: (slaves: number) => void;
  /** A pool of so many slaves is read anew for every round: that takes a few milliseconds, and nothing is older than it. */
  readonly readWholeUpTo?: number;
}

const defaultReadWholeUpTo = 200;
/** So many slaves are read anew with a look, and no more often than this, though nobody said that they changed. */
const auditedAtOnce = 50;
const auditEveryMs = 1000;

/** What was said to have changed, by what it is about. */
class Changed {
  readonly slaves = new Set<string>();
  readonly instances = new Set<string>();
  readonly reservations = new Set<string>();

  add(changes: readonly Change[]): void {
    for (const { topic, id } of changes) if (topic === 'slaves' || topic === 'instances' || topic === 'reservations') this[topic].add(id);
  }

  /** Also what another one has. */
  take({ slaves, instances, reservations }: Changed): void {
    for (const id of slaves) this.slaves.add(id);
    for (const id of instances) this.instances.add(id);
    for (const id of reservations) this.reservations.add(id);
  }
}

/**
 * The scheduler's world between its rounds. A small pool is read whole for each. Of a large one only those slaves are read
 * about which something was committed since, and what agents tell meanwhile (figures, links that come and go) is laid over
 * them at every look; the view of a slave about which nothing is new is the same value again, so that what was derived of
 * it holds still. Starting is reading all of it.
 *
 * The database stays the truth: every decision is held against it when it is written (`PlanExecution`), and a few slaves
 * are read anew all the time, whatever was said.
 */
export class WorkingWorld {
  private slaves: Map<string, KnownSlave> | null = null;
  private changed = new Changed();
  private unhear: (() => void) | null = null;
  private auditedUpTo = '';
  private auditedAt: EpochMs = 0;

  constructor(private readonly deps: WorkingWorldDeps) {}

  /** The world as it is now; of what is reserved only the slots of these instances, which wait. */
  async now(at: EpochMs, queued: readonly string[]): Promise<World> {
    const { read, changes, readWholeUpTo = defaultReadWholeUpTo } = this.deps;
    // From before the first look on, so that nothing is missed.
    this.unhear ??= changes.hear((told) => { this.changed.add(told); });
    if (this.slaves === null) {
      this.changed = new Changed();
      const world = await loadWorld(read, this.deps, at);
      if (world.snapshot.slaves.length <= readWholeUpTo) return world;
      this.slaves = await this.load(null, at);
    }
    if (this.slaves.size <= readWholeUpTo) {
      this.slaves = null;
      return this.now(at, queued);
    }
    await this.readChanged(this.slaves, at);
    await this.audit(this.slaves, at);
    this.layOver(this.slaves, at);
    const [bookings, rest] = await Promise.all([read.bookings.held({ instanceIds: queued }), loadRest(read, this.deps)]);
    return worldOf([...this.slaves.values()], { ...rest, bookings }, this.deps);
  }

  /** What was decided of this instance does not hold against the books: it and its slaves are read anew with the next look, whatever was said. */
  doubt(instanceId: string, slaveId: string | null): void {
    this.changed.instances.add(instanceId);
    if (slaveId !== null) this.changed.slaves.add(slaveId);
  }

  /** Listens no more. */
  close(): void {
    this.unhear?.();
    this.unhear = null;
    this.slaves = null;
  }

  private async readChanged(slaves: Map<string, KnownSlave>, at: EpochMs): Promise<void> {
    const { changed } = this;
    this.changed = new Changed();
    try {
      await this.readAnew(slaves, await this.slavesOf(changed, slaves), at);
    } catch (error) {
      this.changed.take(changed);
      throw error;
    }
  }

  /** On which slaves something of it is or was. */
  private async slavesOf({ slaves, instances, reservations }: Changed, known: ReadonlyMap<string, KnownSlave>): Promise<readonly string[]> {
    const ids = new Set(slaves);
    if (instances.size > 0) {
      for (const id of await this.deps.read.placements.slavesOf([...instances])) ids.add(id);
      for (const { books } of known.values()) if (books.guests.some(({ instance }) => instances.has(instance.id))) ids.add(books.slave.id);
    }
    if (reservations.size > 0) {
      for (const { slaveId } of await this.deps.read.bookings.ofReservations([...reservations])) ids.add(slaveId);
      for (const { books } of known.values()) if (books.bookings.some(({ reservationId }) => reservations.has(reservationId))) ids.add(books.slave.id);
    }
    return [...ids];
  }

  private async readAnew(slaves: Map<string, KnownSlave>, ids: readonly string[], at: EpochMs): Promise<void> {
    if (ids.length === 0) return;
    const read = await this.load(ids, at);
    for (const id of ids) {
      const now = read.get(id);
      if (now === undefined) slaves.delete(id);
      else slaves.set(id, now);
    }
  }

  private async load(ids: readonly string[] | null, at: EpochMs): Promise<Map<string, KnownSlave>> {
    const { read } = this.deps;
    const [bookings, deployments] = await Promise.all([read.bookings.held(ids === null ? null : { slaveIds: ids }), read.deploymentMembers.rules()]);
    const all = await loadSlaveBooks(read, this.deps, at, { bookings, deployments }, ids);
    return new Map(all.map((books) => [books.slave.id, { books, view: viewOf(books, this.deps, at) }]));
  }

  /** The next few slaves in the order of ids, whatever was said of them. */
  private async audit(slaves: Map<string, KnownSlave>, at: EpochMs): Promise<void> {
    if (Math.abs(at - this.auditedAt) < auditEveryMs) return;
    this.auditedAt = at;
    const ids = [...slaves.keys()].filter((id) => id > this.auditedUpTo).sort().slice(0, auditedAtOnce);
    this.auditedUpTo = ids.length < auditedAtOnce ? '' : (ids.at(-1) ?? '');
    this.layOver(slaves, at);
    const before = new Map(slaves);
    await this.readAnew(slaves, ids, at);
    // What changes just now is said in a moment.
    const drifted = ids.filter((id) => !isDeepStrictEqual(slaves.get(id)?.view, before.get(id)?.view));
    // Committed since the look began, and told by now: that is no drift.
    const told = new Set(drifted.length === 0 ? [] : await this.slavesOf(this.changed, slaves));
    const untold = drifted.filter((id) => !told.has(id));
    for (const id of drifted) this.changed.slaves.add(id);
    if (untold.length > 0) this.deps.onDrift(untold.length);
    // Nothing is derived anew of those that are as they were.
    for (const id of ids) if (!drifted.includes(id)) slaves.set(id, before.get(id) as KnownSlave);
  }

  /** What agents told since, and what the time of day changes. */
  private layOver(slaves: Map<string, KnownSlave>, at: EpochMs): void {
    for (const [id, known] of slaves) {
      const { books, view } = known;
      if (changesWithTime(view)) slaves.set(id, { books, view: viewOf(books, this.deps, at) });
      else if (this.isNews(known)) slaves.set(id, { books, view: viewOf(books, this.deps, at, view.running) });
    }
  }

  private isNews({ books: { slave }, view }: KnownSlave): boolean {
    const { agents, figures } = this.deps;
    const { describe } = withFigures(slave, figures);
    return (
      agents.isConnected(slave.id) !== view.connected ||
      agents.protocolOf(slave.id) !== (view.savesRam?.protocol ?? null) ||
      describe.poolAvailableMiB !== view.poolAvailableMiB ||
      clockWrong(slave.name, describe.clockOffsetMs) !== view.clockWrong
    );
  }
}
