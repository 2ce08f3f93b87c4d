import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { PriorityParts } from '@paravcl/shared/priority';
import { dayEndsAt, siteDay } from '../preemption-day';
import type { HeldReservation } from '../reservation-request';
import { leadMs } from '../save-time';
import { add, compute, noRoom, subtract, within, type Attempt, type Booking, type Room, type Rules, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from '../snapshot';
import type { SimulatedClaim, SimulatedReservation } from './simulated-site';
import type { SimulatedEnding } from './simulation-outcome';

/** An instance of the simulated site, as it stands. */
export interface Guest {
  readonly id: string;
  readonly name: string;
  readonly type: 'BE' | 'AR';
  readonly userId: string;
  readonly groupId: string | null;
  readonly need: Room;
  readonly priority: PriorityParts;
  readonly createdAt: EpochMs;
  observed: ObservedState;
  /** Should not run any more. */
  leaving: boolean;
  host: Host | null;
  since: EpochMs;
  /** What is left of the time it was asked for, and of its person's stay, when it does not run. */
  runMs: number | null;
  staysMs: number;
  endsAt: EpochMs | null;
  leavesAt: EpochMs;
  nominatedTo: string | null;
  preemptions: number;
  preemptedOn: string | null;
  attempts: readonly Attempt[];
  slot: Slot | null;
  /** How it ends once its present state does; null: it comes back. */
  ends: SimulatedEnding | null;
  /** Counts the changes of its state: what was to happen in an earlier one does not. */
  version: number;
  /** Since when it waits, for the order of the queue: moved on by what it ran. */
  agesSince: EpochMs;
  // What is told of it in the end.
  firstStartAt: EpochMs | null;
  waitsSince: EpochMs | null;
  waitedMs: number;
  suspensions: number;
  endedAt: EpochMs | null;
}

export interface Slot {
  readonly reservation: Reservation;
  readonly slot: number;
  host: Host;
  guest: Guest | null;
}

export interface Reservation {
  readonly id: string;
  readonly asked: SimulatedReservation;
  readonly claims: readonly SimulatedClaim[];
  start: EpochMs;
  end: EpochMs;
  /** Its present time was decided then. */
  bookedAt: EpochMs;
  moved: boolean;
  slots: readonly Slot[];
  state: 'confirmed' | 'active' | 'over';
}

export interface Save {
  readonly guest: Guest;
  readonly workMs: number;
}

export class Host {
  readonly guests = new Set<Guest>();
  slots: readonly Slot[] = [];
  /** First in, first out: one disk. */
  readonly saves: Save[] = [];
  promised: Room;
  view: SlaveView | null = null;
  bookings: readonly Booking[] | null = null;

  constructor(readonly facts: SlaveView) {
    this.promised = facts.promised;
  }

  get id(): string {
    return this.facts.id;
  }
}

/** The books of a simulated site, and how they look to the scheduler; what did not change since is not made anew. */
export class SiteBooks {
  now: EpochMs;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly reservations = new Map<string, Reservation>();
  readonly waiting = new Set<Guest>();
  lastPlacedOn: string | null = null;
  dayEndsAt: EpochMs = 0;
  bestEffortCores = 0;
  reservedCores = 0;
  readonly oversubscribed: string[] = [];
  private day = '';

  constructor(
    beginsAt: EpochMs,
    slaves: readonly SlaveView[],
    private readonly rules: Rules,
    private readonly preemptionsPerDay: number,
  ) {
    this.now = beginsAt;
    this.hosts = new Map(slaves.map((slave) => [slave.id, new Host(slave)]));
    this.newDay();
  }

  /** A new day: who was spared is not any more. */
  newDay(): void {
    this.day = siteDay(this.now, this.rules.timeZone);
    this.dayEndsAt = dayEndsAt(this.now, this.rules.timeZone);
    for (const host of this.hosts.values()) host.view = null;
  }

  host(id: string): Host {
    const host = this.hosts.get(id);
    if (host === undefined) throw new RangeError(`The simulated site has no host ${id}.`);
    return host;
  }

  snapshot(): Snapshot {
    return { slaves: [...this.hosts.values()].map((host) => (host.view ??= this.viewOf(host))), rules: this.rules, lastPlacedOn: this.lastPlacedOn };
  }

  waitingViews(of: Iterable<Guest> = this.waiting): readonly WaitingInstance[] {
    return [...of].map((guest) => this.waitingView(guest));
  }

  held(): readonly HeldReservation[] {
    return [...this.reservations.values()].flatMap(({ id, asked, state, start, end, slots, moved }) =>
      state === 'over'
        ? []
        : [{ id, ownerName: asked.ownerName, state, start, end, count: slots.length, need: asked.need, pi: asked.priority.pi, moved, createdAt: asked.askedAt, rules: asked.rules }],
    );
  }

  spared(guest: Guest): boolean {
    return this.preemptionsToday(guest) >= this.preemptionsPerDay;
  }

  /** Once more suspended for others. */
  countPreemption(guest: Guest): void {
    guest.preemptions = this.preemptionsToday(guest) + 1;
    guest.preemptedOn = this.day;
    guest.suspensions++;
  }

  become(guest: Guest, observed: ObservedState): void {
    guest.observed = observed;
    guest.since = this.now;
    guest.version++;
    if (guest.host !== null) guest.host.view = null;
  }

  /** It takes its room on a host, or the cores and RAM beside the disk that it has there. */
  occupy(guest: Guest, host: Host): void {
    const bound = guest.host !== null;
    guest.host = host;
    host.guests.add(guest);
    host.promised = add(host.promised, bound ? compute(guest.need) : guest.need);
    this.coresChange(guest, guest.need.vcpus);
    // Its slot does not count its disk any more.
    this.changed(host);
    if (!within(host.promised, host.facts.capacity) && within(host.facts.promised, host.facts.capacity)) {
      this.oversubscribed.push(`${host.facts.name} has ${JSON.stringify(host.facts.capacity)} and ${JSON.stringify(host.promised)} is promised with ${guest.id}`);
    }
  }

  /** Its cores and RAM come back; its disk stays. */
  free(guest: Guest): void {
    const { host } = guest;
    if (host === null) return;
    host.guests.delete(guest);
    host.promised = subtract(host.promised, compute(guest.need));
    this.coresChange(guest, -guest.need.vcpus);
    this.changed(host);
  }

  /** Its disk comes back, too: it has no host any more. */
  leave(guest: Guest): void {
    const { host } = guest;
    if (host === null) return;
    host.promised = subtract(host.promised, { ...noRoom, diskMiB: guest.need.diskMiB });
    guest.host = null;
    this.changed(host);
  }

  /** What was begun of a guest there is cleaned away. */
  cleaned(host: Host, guest: Pick<Guest, 'type' | 'need'>): void {
    host.promised = subtract(host.promised, guest.need);
    this.coresChange(guest, -guest.need.vcpus);
    this.changed(host);
  }

  changed(host: Host): void {
    host.view = null;
    host.bookings = null;
  }

  /** Which slots a host has; called when one was booked, booked over or is over. */
  setSlots(host: Host, slots: readonly Slot[]): void {
    host.slots = [...slots].sort((a, b) => a.reservation.start - b.reservation.start || (a.reservation.id < b.reservation.id ? -1 : a.reservation.id > b.reservation.id ? 1 : a.slot - b.slot));
    this.changed(host);
  }

  /**
   * Whether a slot that is booked has its room, so that only best-effort can be in its way. It always has, unless guests of
   * a reservation that is over are still being saved on its host: then that has to hold them beside everything that is
   * reserved there now, claimed or not, and beside whom nobody suspends again today.
   */
  hasItsRoom(slot: Slot): boolean {
    const { facts, guests, slots } = slot.host;
    const running = [...guests];
    if (!running.some(({ type, slot: own }) => type === 'AR' && own === null)) return true;
    const staying = running.filter((guest) => guest.type === 'AR' || this.spared(guest)).map(({ need }) => need);
    const unclaimed = slots.filter((other) => other !== slot && other.reservation.state === 'active' && other.guest?.host !== slot.host).map((other) => other.reservation.asked.need);
    const taken = [...staying, ...unclaimed].map(compute).reduce(add, noRoom);
    return within(add(taken, compute(slot.reservation.asked.need)), compute(facts.capacity));
  }

  private coresChange({ type }: Pick<Guest, 'type'>, vcpus: number): void {
    if (type === 'AR') this.reservedCores += vcpus;
    else this.bestEffortCores += vcpus;
  }

  private preemptionsToday({ preemptedOn, preemptions }: Guest): number {
    return preemptedOn === this.day ? preemptions : 0;
  }

  private viewOf(host: Host): SlaveView {
    const { facts, promised } = host;
    const running = [...host.guests].sort((a, b) => (a.id < b.id ? -1 : 1)).map((guest) => this.runningView(guest, facts));
    return {
      ...facts,
      promised,
      running,
      bookings: (host.bookings ??= host.slots.map((slot) => bookingOf(slot))),
      poolAvailableMiB: facts.poolAvailableMiB + facts.promised.diskMiB - promised.diskMiB,
    };
  }

  private runningView(guest: Guest, { saveMiBPerSecond }: SlaveView): RunningInstance {
    const { id, name, type, userId, groupId, need, observed, since, endsAt, leaving, priority } = guest;
    // Where nobody is ever suspended for others, no day ends that.
    const until = this.preemptionsPerDay === 0 ? Number.MAX_SAFE_INTEGER : this.dayEndsAt + leadMs([need.ramMiB], saveMiBPerSecond, this.rules);
    return { id, name, type, userId, groupId, generation: 1, observed, need, pi: priority.pi, since, endsAt, leaving, sparedUntil: this.spared(guest) ? until : null };
  }

  private waitingView(guest: Guest): WaitingInstance {
    const { id, name, type, userId, groupId, need, priority, createdAt, agesSince, attempts, nominatedTo, host, slot, runMs } = guest;
    const booking = slot === null ? null : { reservationId: slot.reservation.id, slaveId: slot.host.id, start: slot.reservation.start, end: slot.reservation.end };
    return {
      id, name, type, userId, groupId, generation: 1, priority, createdAt, waitsSince: agesSince, attempts, nominatedTo, booking,
      runMs: booking === null ? runMs : Math.max(0, booking.end - this.now),
      need: host === null ? need : compute(need),
      boundTo: host?.id ?? null,
      spared: this.spared(guest),
      reason: null,
    };
  }
}

function bookingOf({ reservation: { id, start, end, asked }, slot, guest, host }: Slot): Booking {
  return { reservationId: id, ownerName: asked.ownerName, slot, start, end, need: guest?.host === host ? compute(asked.need) : asked.need, instanceId: guest?.id ?? null };
}
