import { isDeepStrictEqual } from 'node:util';
import type { EpochMs } from '@paravcl/shared/clock';
import type { PlacedRecord } from '../core/instance-record';
import { withGuest } from '../core/joined-guests';
import { noUsage, type UsageBook } from '../core/past-usage';
import { keepTimeline } from '../core/slave-timeline';
import { clockWrong } from '../core/slave-warnings';
import type { SlaveView, Snapshot } from '../core/snapshot';
import type { Change, CommittedChanges } from '../repositories/committed-changes';
import { newStamp } from '../repositories/fleet-repository';
import type { PromisedByMemory } from '../repositories/launch-ledger';
import type { Repositories } from '../repositories/repositories';
import { seeCalendar } from './calendar-lock';
import { NewestRun } from './newest-run';
import { asRunning, booksWith, changesWithTime, loadSlaveBooks, viewOf, type SlaveBooks, type WorldDeps } from './slave-books';
import { loadRest, loadWorld, worldOf, type KnownSlave, type World } from './world-loader';

export interface WorkingWorldDeps extends WorldDeps {
  readonly read: Repositories;
  readonly changes: Pick<CommittedChanges, 'hear'>;
  /** Told how many slaves were not as they were thought to be, though nobody had said that they changed. */
  readonly onDrift: (slaves: number) => void;
  /** A pool of so many slaves is read anew for every round: that takes a few milliseconds, and nothing is older than it. */
  readonly readWholeUpTo?: number;
}

/** The slaves as they are known in memory. */
export interface KnownWorld {
  /** As they are at the moment of asking. */
  readonly snapshot: () => Snapshot;
  readonly nameOf: (slaveId: string) => string;
  /** As of `WorldAtCalendar`. */
  readonly calendar: string | null;
  readonly pastUsage: UsageBook;
}

/** Room that was promised here. */
export type StampedPromise = Omit<PromisedByMemory, 'calendar'>;

const defaultReadWholeUpTo = 200;
/** So many slaves are read anew with a look, and no more often than this, though nobody said that they changed. */
const auditedAtOnce = 20;
const auditEveryMs = 1000;
/** Of those so many together: the guests of more stop everything else for as long as their books are read. */
const auditedInATurn = 4;

/** So often is decided by memory, mended where it was wrong, before the whole pool is read while others wait for the calendar. */
const attemptsByMemory = 3;

/** What was said to have changed, by what it is about. */
class Changed {
  readonly slaves = new Set<string>();
  readonly instances = new Set<string>();
  readonly reservations = new Set<string>();

  add(changes: readonly Change[]): void {
    for (const { topic, id } of changes) if (topic === 'slaves' || topic === 'instances' || topic === 'reservations') this[topic].add(id);
  }

  get isEmpty(): boolean {
    return this.slaves.size + this.instances.size + this.reservations.size === 0;
  }

  /** Also what another one has. */
  take({ slaves, instances, reservations }: Changed): void {
    for (const id of slaves) this.slaves.add(id);
    for (const id of instances) this.instances.add(id);
    for (const id of reservations) this.reservations.add(id);
  }
}

/**
 * The world that the master keeps: for the rounds of its scheduler, and for all who ask about the whole pool. A small pool is
 * read whole for each. Of a large one only those slaves are read about which something was committed since, and what agents tell meanwhile (figures, links that come and go) is laid over
 * them at every look; the view of a slave about which nothing is new is the same value again, so that what was derived of
 * it holds still. Starting is reading all of it.
 *
 * The database stays the truth: every decision is held against it when it is written (`PlanExecution`, `decided`), and a few
 * slaves are read anew all the time, whatever was said.
 */
export class WorkingWorld {
  private slaves: Map<string, KnownSlave> | null = null;
  private changed = new Changed();
  /** No more in `changed`, and not in `slaves` yet. */
  private underWay = new Changed();
  private readonly refresh = new NewestRun((at: EpochMs) => this.look(at));
  private unhear: (() => void) | null = null;
  private isClosed = false;
  /** From before the last look: what was reserved since is not in it. */
  private calendar: string | null = null;
  private lastPlacedOn: string | null = null;
  private pastUsage: UsageBook = noUsage;
  /** By instance what was promised to it here, until that is committed. */
  private readonly promised = new Map<string, { readonly instance: PlacedRecord; readonly stamp: number }>();
  /** Of each read under way, the slaves of which room was promised or settled since it began. */
  private readonly reads = new Set<Set<string>>();
  private auditedUpTo = '';
  private auditedAt: EpochMs = 0;

  constructor(private readonly deps: WorkingWorldDeps) {}

  /** The world as it is now, for who has no transaction open: it needs a connection of its own. Of what is reserved only the slots of these instances, which wait. */
  async now(at: EpochMs, queued: readonly string[]): Promise<World> {
    const { read } = this.deps;
    const known = await this.refresh.run(at);
    if ('snapshot' in known) return known;
    const [bookings, rest] = await Promise.all([read.bookings.held({ instanceIds: queued }), loadRest(read, this.deps)]);
    this.lastPlacedOn = rest.lastPlacedOn;
    this.pastUsage = rest.pastUsage;
    return worldOf(known.slaves, { ...rest, bookings }, this.deps);
  }

  /** The same with all that is reserved. */
  async seen(at: EpochMs): Promise<World> {
    const known = await this.refresh.run(at);
    return 'snapshot' in known ? known : this.withBookings(known.slaves, this.deps.read);
  }

  /**
   * What `decide` makes of the world as a transaction sees it that has the calendar alone: with what it wrote itself, and with all that
   * others wrote who shared the calendar before. What is decided is held against the books of the slaves that it takes room of; where
   * they are not as they were thought to be, it is decided anew with these as they are, and in the end by all that is written. Only the transaction's own connection is
   * used, as others may hold all the rest and wait for its lock.
   */
  async decided<T>(repositories: Repositories, at: EpochMs, decide: (world: World) => Promise<T>, takes: (decision: T) => readonly string[]): Promise<T> {
    await repositories.calendarRuns.sharersTold();
    const known = await this.knownWithin(repositories, at);
    for (let attempt = 1; known !== null && attempt <= attemptsByMemory; attempt++) {
      const decision = await decide(await this.withBookings([...known.values()], repositories));
      const ids = [...new Set(takes(decision))];
      const written = ids.length === 0 ? new Map<string, KnownSlave>() : await this.load(ids, at, repositories);
      const others = ids.filter((id) => !isDeepStrictEqual(written.get(id)?.view, known.get(id)?.view));
      if (others.length === 0) return decision;
      // A report that was written meanwhile, or a launch that waits for the calendar and is known here alone.
      for (const id of others) {
        this.changed.slaves.add(id);
        const now = written.get(id);
        if (now === undefined) known.delete(id);
        else known.set(id, now);
      }
    }
    return decide(await loadWorld(repositories, this.deps, at));
  }

  /** Follows what was committed and told since the last look, where the pool is kept in memory. */
  async catchUp(at: EpochMs): Promise<void> {
    if (this.slaves !== null && !this.changed.isEmpty) await this.refresh.run(at);
  }

  /** The slaves as they are known, for whoever promises room at once. Null where the pool is read anew for every round. */
  known(): KnownWorld | null {
    const { slaves, calendar, pastUsage } = this;
    if (slaves === null) return null;
    return { snapshot: () => ({ slaves: viewsOf(slaves), rules: this.deps.scheduling.rules, lastPlacedOn: this.lastPlacedOn }), nameOf: (id) => slaves.get(id)?.view.name ?? 'its host', calendar, pastUsage };
  }

  /** What agents told of these slaves since is laid over them; says whether that was anything. */
  listen(slaveIds: readonly string[], at: EpochMs): boolean {
    let isNews = false;
    for (const id of slaveIds) {
      const known = this.slaves?.get(id);
      if (known === undefined || !this.isNews(known)) continue;
      this.slaves?.set(id, this.laidOver(known, at));
      isNews = true;
    }
    return isNews;
  }

  /** From now on the room of these, which are placed as their records say, is theirs in all that is known here. `settle` has to follow. */
  promise(placed: readonly PlacedRecord[], at: EpochMs): StampedPromise {
    const stamp = newStamp();
    const from = new Map<string, number>();
    for (const instance of placed) {
      const { id, slaveId } = instance;
      const known = this.slaves?.get(slaveId);
      // What is promised of it could not be held against anything.
      if (known === undefined) throw new TypeError(`Nobody knows slave ${slaveId}.`);
      this.promised.set(id, { instance, stamp });
      this.touch(slaveId);
      if (!from.has(slaveId)) from.set(slaveId, known.books.promises);
      this.slaves?.set(slaveId, this.withPromise(known, instance, stamp, at));
      this.lastPlacedOn = slaveId;
    }
    return { stamp, from };
  }

  private withPromise({ books, view: before }: KnownSlave, instance: PlacedRecord, stamp: number, at: EpochMs): KnownSlave {
    const view = withGuest(before, asRunning(instance, books, this.deps, at));
    keepTimeline(view, at);
    return { books: { ...booksWith(books, instance), promises: stamp }, view };
  }

  /** As it was read, with what is promised of it here and not committed: who decides next waits for that, and finds it. */
  private withAllPromised(known: KnownSlave, at: EpochMs): KnownSlave {
    const { slave, guests } = known.books;
    let now = known;
    for (const { instance, stamp } of this.promised.values()) {
      if (instance.slaveId === slave.id && !guests.some((guest) => guest.instance.id === instance.id)) now = this.withPromise(now, instance, stamp, at);
    }
    return now;
  }

  /** What was promised is written, all but these instances. */
  settle(placed: readonly PlacedRecord[], unwritten: ReadonlySet<string>): void {
    for (const { id, slaveId } of placed) {
      this.promised.delete(id);
      this.touch(slaveId);
      // Was read anew meanwhile, or holds room for one that has it no more.
      const isKnown = this.slaves?.get(slaveId)?.books.guests.findLast(({ instance }) => instance.id === id) !== undefined;
      if (!isKnown || unwritten.has(id)) this.changed.slaves.add(slaveId);
    }
  }

  /** Something is known of it that who reads it just now may not see. */
  private touch(slaveId: string): void {
    for (const touched of this.reads) touched.add(slaveId);
  }

  /** What was decided of this instance does not hold against the books: it and its slaves are read anew with the next look, whatever was said. */
  doubt(instanceId: string, slaveId: string | null): void {
    this.changed.instances.add(instanceId);
    if (slaveId !== null) this.changed.slaves.add(slaveId);
  }

  /** Listens no more. */
  close(): void {
    this.isClosed = true;
    this.unhear?.();
    this.unhear = null;
    this.slaves = null;
  }

  /** Of a large pool its slaves as they are now, of a small one its world. */
  private async look(at: EpochMs): Promise<World | { readonly slaves: readonly KnownSlave[] }> {
    const { read, changes, readWholeUpTo = defaultReadWholeUpTo } = this.deps;
    // From before the first look on, so that nothing is missed.
    if (!this.isClosed) this.unhear ??= changes.hear((told) => { this.changed.add(told.filter(({ id }) => !this.promised.has(id))); });
    if (this.slaves === null) {
      this.changed = new Changed();
      const world = await loadWorld(read, this.deps, at);
      if (world.snapshot.slaves.length <= readWholeUpTo) return world;
      this.slaves = await this.load(null, at);
    }
    if (this.slaves.size <= readWholeUpTo) {
      this.slaves = null;
      return this.look(at);
    }
    const calendar = await seeCalendar(read);
    await this.readChanged(this.slaves, at);
    // What was reserved until then is known by now.
    this.calendar = calendar;
    await this.audit(this.slaves, at);
    this.layOver(this.slaves, at);
    return { slaves: [...this.slaves.values()] };
  }

  private async withBookings(slaves: readonly KnownSlave[], repositories: Repositories): Promise<World> {
    const [bookedElsewhere, rest] = await Promise.all([repositories.bookings.held({ admission: 'retired' }), loadRest(repositories, this.deps)]);
    return worldOf(slaves, { ...rest, bookedElsewhere }, this.deps);
  }

  /** Beside what is kept, as a transaction sees them; null where nothing is kept. */
  private async knownWithin(repositories: Repositories, at: EpochMs): Promise<Map<string, KnownSlave> | null> {
    if (this.slaves === null) return null;
    const known = new Map(this.slaves);
    const news = new Changed();
    news.take(this.changed);
    news.take(this.underWay);
    news.add(repositories.run?.written ?? []);
    await this.readAnew(known, await this.slavesOf(news, known, repositories), at, repositories);
    this.layOver(known, at);
    return known;
  }

  private async readChanged(slaves: Map<string, KnownSlave>, at: EpochMs): Promise<void> {
    this.underWay = this.changed;
    this.changed = new Changed();
    try {
      await this.readAnew(slaves, await this.slavesOf(this.underWay, slaves), at);
    } catch (error) {
      this.changed.take(this.underWay);
      throw error;
    } finally {
      this.underWay = new Changed();
    }
  }

  /** On which slaves something of it is or was. */
  private async slavesOf({ slaves, instances, reservations }: Changed, known: ReadonlyMap<string, KnownSlave>, read: Repositories = this.deps.read): Promise<readonly string[]> {
    const ids = new Set(slaves);
    if (instances.size > 0) {
      for (const id of await read.placements.slavesOf([...instances])) ids.add(id);
      for (const { books } of known.values()) if (books.guests.some(({ instance }) => instances.has(instance.id))) ids.add(books.slave.id);
    }
    if (reservations.size > 0) {
      for (const { slaveId } of await read.bookings.ofReservations([...reservations])) ids.add(slaveId);
      for (const { books } of known.values()) if (books.bookings.some(({ reservationId }) => reservations.has(reservationId))) ids.add(books.slave.id);
    }
    return [...ids];
  }

  /** Answers of which of them room was promised or settled meanwhile: they are read once more with the next look. */
  private async readAnew(slaves: Map<string, KnownSlave>, ids: readonly string[], at: EpochMs, repositories: Repositories = this.deps.read): Promise<ReadonlySet<string>> {
    const touched = new Set<string>();
    if (ids.length === 0) return touched;
    this.reads.add(touched);
    try {
      const read = await this.load(ids, at, repositories);
      for (const id of ids) {
        const now = read.get(id);
        if (now === undefined) slaves.delete(id);
        else slaves.set(id, slaves === this.slaves ? this.withAllPromised(now, at) : now);
        if (touched.has(id)) this.changed.slaves.add(id);
      }
    } finally {
      this.reads.delete(touched);
    }
    return touched;
  }

  private async load(ids: readonly string[] | null, at: EpochMs, read: Repositories = this.deps.read): Promise<Map<string, KnownSlave>> {
    const [bookings, deployments] = await Promise.all([read.bookings.held(ids === null ? null : { slaveIds: ids }), read.deploymentMembers.rules()]);
    const all = await loadSlaveBooks(read, this.deps, at, { bookings, deployments }, ids);
    return new Map(all.map((books) => [books.slave.id, { books, view: this.keptView(books, at) }]));
  }

  /** The next few slaves in the order of ids, whatever was said of them. */
  private async audit(slaves: Map<string, KnownSlave>, at: EpochMs): Promise<void> {
    if (Math.abs(at - this.auditedAt) < auditEveryMs) return;
    this.auditedAt = at;
    const next = [...slaves.keys()].filter((id) => id > this.auditedUpTo).sort().slice(0, auditedAtOnce);
    this.auditedUpTo = next.length < auditedAtOnce ? '' : (next.at(-1) ?? '');
    for (let from = 0; from < next.length; from += auditedInATurn) await this.compare(slaves, next.slice(from, from + auditedInATurn), at);
  }

  /** These as they are known with these as they are written. */
  private async compare(slaves: Map<string, KnownSlave>, known: readonly string[], at: EpochMs): Promise<void> {
    // What is promised and not committed yet is known here before it is in the books.
    const promisedOn = new Set([...this.promised.values()].map(({ instance: { slaveId } }) => slaveId));
    const ids = known.filter((id) => !promisedOn.has(id));
    const thought = ids.map((id) => slaves.get(id)).filter((one) => one !== undefined);
    const touched = await this.readAnew(slaves, ids, at);
    // Both as agents tell by now: a link that was lost meanwhile is no drift.
    const before = new Map(thought.map((one) => [one.books.slave.id, this.laidOver(one, at)]));
    const drifted = ids.filter((id) => {
      const read = slaves.get(id);
      return read === undefined || !isDeepStrictEqual(this.laidOver(read, at).view, before.get(id)?.view);
    });
    // Nothing is derived anew of those that are as they were. In this turn: room may be promised there in the next.
    for (const id of ids) if (!drifted.includes(id)) slaves.set(id, before.get(id) as KnownSlave);
    // Committed since the look began, and told by now: that is no drift.
    const told = new Set(drifted.length === 0 ? [] : await this.slavesOf(this.changed, slaves));
    const untold = drifted.filter((id) => !told.has(id) && !touched.has(id));
    for (const id of drifted) this.changed.slaves.add(id);
    if (untold.length > 0) this.deps.onDrift(untold.length);
  }

  /** What agents told since, and what the time of day changes. */
  private layOver(slaves: Map<string, KnownSlave>, at: EpochMs): void {
    for (const [id, known] of slaves) {
      const now = this.laidOver(known, at);
      if (now !== known) slaves.set(id, now);
    }
  }

  /** The same value where nothing is new. */
  private laidOver(known: KnownSlave, at: EpochMs): KnownSlave {
    const { books, view } = known;
    if (changesWithTime(view)) return { books, view: this.keptView(books, at) };
    return this.isNews(known) ? { books, view: this.keptView(books, at, view.running) } : known;
  }

  /** Reservations are admitted by what is taken of it through time, which is kept with it. */
  private keptView(books: SlaveBooks, at: EpochMs, running?: SlaveView['running']): SlaveView {
    const view = viewOf(books, this.deps, at, running);
    keepTimeline(view, at);
    return view;
  }

  private isNews({ books: { slave }, view }: KnownSlave): boolean {
    const { agents, figures } = this.deps;
    // Every look compares all of them: nothing is put together for it.
    const { poolAvailableMiB = slave.describe.poolAvailableMiB, clockOffsetMs = slave.describe.clockOffsetMs } = figures.latest(slave.id)?.describe ?? {};
    return (
      agents.isConnected(slave.id) !== view.connected ||
      agents.protocolOf(slave.id) !== (view.savesRam?.protocol ?? null) ||
      poolAvailableMiB !== view.poolAvailableMiB ||
      clockWrong(slave.name, clockOffsetMs) !== view.clockWrong
    );
  }
}

function viewsOf(slaves: ReadonlyMap<string, KnownSlave>): readonly SlaveView[] {
  const views = new Array<SlaveView>(slaves.size);
  let at = 0;
  for (const { view } of slaves.values()) views[at++] = view;
  return views;
}
