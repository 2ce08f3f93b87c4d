import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import { minuteMs } from './local-time';
import { dayEndsAt, preemptionsToday } from './preemption-day';
import type { HeldReservation } from './reservation-request';
import type { ReservationRules } from './reservation-rules';
import { leadMs } from './save-time';
import { add, compute, noRoom, within, type Attempt, type Booking, type Room, type Rules, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

export interface Guest {
  readonly id: string;
  type: 'BE' | 'AR';
  readonly wasReserved: boolean;
  readonly need: Room;
  readonly createdAt: EpochMs;
  priority: WaitingInstance['priority'];
  observed: ObservedState;
  /** Should not run any more. */
  leaving: boolean;
  slaveId: string | null;
  since: EpochMs;
  /** When the present state ends by itself. */
  until: EpochMs | null;
  runMs: number | null;
  requestedMinutes: number | null;
  endsAt: EpochMs | null;
  queuedAt: EpochMs | null;
  nominatedTo: string | null;
  preemptions: number;
  preemptedOn: string | null;
  attempts: readonly Attempt[];
  slot: Slot | null;
  /** Deleted at the end of its present state. */
  doomed: boolean;
}

export interface Slot {
  readonly reservation: ModelReservation;
  readonly slot: number;
  slaveId: string;
  guest: Guest | null;
}

export interface ModelReservation {
  readonly id: string;
  start: EpochMs;
  end: EpochMs;
  readonly need: Room;
  readonly pi: number;
  readonly createdAt: EpochMs;
  /** Its present time and slaves were decided then. */
  bookedAt: EpochMs;
  moved: boolean;
  slots: readonly Slot[];
  state: 'confirmed' | 'active' | 'over';
}

export interface Save {
  readonly guest: Guest;
  readonly workMs: number;
  /** Nobody could know of it before: a person asked for it. */
  readonly unforeseen: boolean;
}

export interface Host {
  readonly id: string;
  readonly capacity: Room;
  readonly saveMiBPerSecond: number;
  readonly lent: boolean;
  online: boolean;
  /** First in, first out: one disk. */
  saves: readonly Save[];
  /** When saves that nobody could foresee end. */
  disturbedUntil: EpochMs;
}

const holding: readonly ObservedState[] = ['preparing', 'booting', 'running', 'suspending', 'resuming', 'stopping'];

/** Always open, by the quarter of an hour, so that much happens in a day. */
export const quarterly: Omit<ReservationRules, 'timeZone'> = {
  opensAtMinute: 0, closesAtMinute: 1440, latestStartMinute: null, stepMinutes: 15, minMinutes: 15, maxMinutes: 240, firstDay: 0, lastDay: 14, mostOpen: 1000, moveSteps: 2,
};

/** The books of a site of values, and how they look to the scheduler: what `world-loader` reads of the real ones. */
export class SchedulingSite {
  readonly guests: Guest[] = [];
  readonly reservations: ModelReservation[] = [];

  constructor(
    public now: EpochMs,
    readonly hosts: readonly Host[],
    readonly rules: Rules,
    readonly preemptionsPerDay: number,
  ) {}

  snapshot(): Snapshot {
    return { slaves: this.hosts.map((host) => this.view(host)), rules: this.rules, lastPlacedOn: null };
  }

  /** What runs, is saved or lies on each host beyond what that has. */
  oversubscribed(): readonly string[] {
    return this.hosts.flatMap(({ id, capacity }) => {
      const here = this.guests.filter(({ slaveId }) => slaveId === id);
      const used = { ...sum(here.filter(({ observed }) => holding.includes(observed))), diskMiB: here.reduce((disk, { need }) => disk + need.diskMiB, 0) };
      return within(used, capacity) ? [] : [`${id} has ${JSON.stringify(capacity)} and ${JSON.stringify(used)} runs there`];
    });
  }

  waiting(): readonly WaitingInstance[] {
    return this.guests.filter((guest) => this.waits(guest)).map((guest) => this.waitingView(guest));
  }

  held(): readonly HeldReservation[] {
    return this.open().map(({ id, state, start, end, slots, need, pi, moved, createdAt }) => ({
      id, ownerName: id, state: state === 'active' ? 'active' : 'confirmed', start, end, count: slots.length, need, pi, moved, createdAt, rules: this.reservationRules(),
    }));
  }

  reservationRules(): ReservationRules {
    return { ...quarterly, timeZone: this.rules.timeZone };
  }

  open(): readonly ModelReservation[] {
    return this.reservations.filter(({ state }) => state !== 'over');
  }

  waits({ observed, queuedAt, slaveId }: Guest): boolean {
    if (slaveId !== null && !this.host(slaveId).online) return false;
    return observed === 'queued' || (observed === 'suspended' && queuedAt !== null);
  }

  runs({ observed, leaving }: Guest): boolean {
    return !leaving && (observed === 'preparing' || observed === 'running' || observed === 'resuming');
  }

  spared(guest: Guest): boolean {
    return preemptionsToday(guest, this.now, this.rules.timeZone) >= this.preemptionsPerDay;
  }

  host(id: string): Host {
    const host = this.hosts.find((one) => one.id === id);
    if (host === undefined) throw new Error(`The model has no host ${id}.`);
    return host;
  }

  guest(id: string): Guest {
    const guest = this.guests.find((one) => one.id === id);
    if (guest === undefined) throw new Error(`The model has no guest ${id}.`);
    return guest;
  }

  reservation(id: string): ModelReservation {
    const reservation = this.reservations.find((one) => one.id === id);
    if (reservation === undefined) throw new Error(`The model has no reservation ${id}.`);
    return reservation;
  }

  private view(host: Host): SlaveView {
    const { id, capacity, online, lent, saveMiBPerSecond } = host;
    const here = this.guests.filter(({ slaveId }) => slaveId === id);
    const holds = here.filter(({ observed }) => holding.includes(observed));
    // What is cleaned away keeps its room until then, and runs nowhere.
    const cleaning = this.guests.filter(({ attempts }) => attempts.some(({ slaveId }) => slaveId === id));
    const diskMiB = [...here, ...cleaning].reduce((disk, { need }) => disk + need.diskMiB, 0);
    return {
      id, name: id, capacity, saveMiBPerSecond,
      kind: lent ? 'volunteer' : 'dedicated',
      contributing: lent,
      registeredAt: 0,
      admission: 'approved',
      liveness: online ? 'online' : 'lost',
      connected: online,
      hypervisor: { usable: true, why: 'KVM ran a guest' },
      troubles: [],
      clockWrong: null,
      poolAvailableMiB: capacity.diskMiB - diskMiB,
      promised: { ...sum([...holds, ...cleaning]), diskMiB },
      running: holds.map((guest) => this.runningView(guest, host)),
      bookings: this.bookings(id),
    };
  }

  private runningView(guest: Guest, { online, saveMiBPerSecond }: Host): RunningInstance {
    const { id, type, need, observed, since, endsAt, leaving, priority } = guest;
    // Where nobody is ever suspended for others, no day ends that.
    const until = this.preemptionsPerDay === 0 ? Infinity : dayEndsAt(this.now, this.rules.timeZone) + leadMs([need.ramMiB], saveMiBPerSecond, this.rules);
    return {
      id, name: id, type, userId: 'somebody', groupId: null, generation: 1, need, since, endsAt, leaving,
      observed: online ? observed : 'lost',
      pi: priority.pi,
      sparedUntil: this.spared(guest) ? until : null,
    };
  }

  private bookings(hostId: string): readonly Booking[] {
    return this.open()
      .flatMap(({ slots }) => slots)
      .filter(({ slaveId }) => slaveId === hostId)
      .map(({ reservation: { id, start, end, need }, slot, guest }) => ({
        reservationId: id, ownerName: id, slot, start, end,
        need: guest?.slaveId === hostId ? compute(need) : need,
        instanceId: guest?.id ?? null,
      }))
      .sort((a, b) => a.start - b.start || (a.reservationId < b.reservationId ? -1 : a.reservationId > b.reservationId ? 1 : a.slot - b.slot));
  }

  private waitingView(guest: Guest): WaitingInstance {
    const { id, type, need, priority, createdAt, queuedAt, attempts, nominatedTo, slot } = guest;
    const bound = queuedAt !== null;
    const booking = slot === null ? null : { reservationId: slot.reservation.id, slaveId: slot.slaveId, start: slot.reservation.start, end: slot.reservation.end };
    return {
      id, name: id, type, userId: 'somebody', groupId: null, generation: 1, priority, createdAt, attempts, nominatedTo, booking,
      waitsSince: queuedAt ?? createdAt,
      runMs: booking === null ? remainingMs(guest) : Math.max(0, booking.end - this.now),
      need: bound ? compute(need) : need,
      boundTo: bound ? guest.slaveId : null,
      spared: this.spared(guest),
      reason: null,
    };
  }
}

/** Its clock stands while it waits in the queue. */
function remainingMs({ queuedAt, endsAt, runMs }: Guest): number | null {
  return queuedAt !== null && endsAt !== null && endsAt > queuedAt ? endsAt - queuedAt : runMs;
}

const sum = (guests: readonly Guest[]): Room => guests.map(({ need }) => compute(need)).reduce(add, noRoom);

export const quarterMs = 15 * minuteMs;
