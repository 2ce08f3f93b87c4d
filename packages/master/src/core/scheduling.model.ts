import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import { priorityOf } from '@paravcl/shared/priority';
import { minuteMs } from './local-time';
import { plan, type Decision, type Plan, type Policies } from './plan';
import { dayEndsAt, preemptionsToday, siteDay } from './preemption-day';
import { leadMs, predictedSaveMs } from './save-time';
import { reservable, slaveTimeline } from './slave-timeline';
import { add, compute, noRoom, roomFor, within, type Attempt, type Booking, type Room, type Rules, type RunningInstance, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

/**
 * A site of values for the tests of `plan`: time jumps from event to event, slaves save as fast as they like rather than
 * as predicted, people launch, reserve, claim, suspend, extend and delete, hosts fall silent. The model is told nothing
 * but plans, carries them out as the service does, and at every instant judges what it sees (`violations`).
 */
export interface ModelScript {
  readonly beginsAt: EpochMs;
  readonly slaves: readonly { readonly capacity: Room; readonly saveMiBPerSecond: number; readonly lent: boolean }[];
  readonly rules: Rules;
  readonly preemptionsPerDay: number;
  readonly acts: readonly ModelAct[];
  /** How much longer than predicted a save takes, one after the other and again from the beginning; 0.5 to 2. */
  readonly saveFactors: readonly number[];
  /** How late a plan that is due is made, 0 to 1 s. */
  readonly latenessMs: readonly number[];
}

/** What people and hosts do, so long after the model's beginning. `which` counts launches or slaves, whatever there are. */
export type ModelAct = { readonly afterMs: number } & (
  | { readonly kind: 'launch'; readonly size: Room; readonly pfv: number; readonly minutes: number | null }
  | { readonly kind: 'reserve'; readonly size: Room; readonly count: number; readonly startMs: number; readonly lengthMs: number; readonly claims: readonly ModelClaim[] }
  | { readonly kind: 'suspend' | 'resume' | 'delete' | 'extend'; readonly which: number }
  | { readonly kind: 'release'; readonly which: number }
  | { readonly kind: 'lose' | 'return'; readonly which: number }
);

export interface ModelClaim {
  readonly afterStartMs: number;
  /** Deleted so long after its claim; null: stays until the end. */
  readonly deletedAfterMs: number | null;
}

interface Guest {
  readonly id: string;
  type: 'BE' | 'AR';
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
  attempts: Attempt[];
  slot: Slot | null;
  readonly wasReserved: boolean;
  /** Deleted at the end of its present state. */
  doomed: boolean;
}

interface Slot {
  readonly reservation: ModelReservation;
  readonly slot: number;
  slaveId: string;
  guest: Guest | null;
}

interface ModelReservation {
  readonly id: string;
  readonly start: EpochMs;
  readonly end: EpochMs;
  readonly need: Room;
  readonly bookedAt: EpochMs;
  slots: Slot[];
  over: boolean;
}

interface Save {
  readonly guest: Guest;
  readonly workMs: number;
  /** Nobody could know of it before: a person asked for it. */
  readonly unforeseen: boolean;
}

interface Host {
  readonly id: string;
  readonly capacity: Room;
  readonly saveMiBPerSecond: number;
  readonly lent: boolean;
  online: boolean;
  /** First in, first out: one disk. */
  saves: Save[];
  /** When saves that nobody could foresee ended. */
  disturbedUntil: EpochMs;
}

const preparingMs = 20_000;
const resumingMs = 5000;
const cleaningMs = 3000;
const stoppingMs = 500;
/** Later than this is late (DEFINITIONS, "Measuring"). */
const onTimeMs = 60_000;
/** Booked with less notice than saving everything takes, room may come later than the start. */
const noticeMs = 30 * minuteMs;

const holding: readonly ObservedState[] = ['preparing', 'booting', 'running', 'suspending', 'resuming', 'stopping'];

export class SchedulingModel {
  readonly violations: string[] = [];
  plans = 0;
  /** What happened, for whoever reads a failure. */
  readonly history: string[] = [];
  private now: EpochMs;
  private readonly hosts: readonly Host[];
  private readonly guests: Guest[] = [];
  private readonly reservations: ModelReservation[] = [];
  private readonly timers: { readonly at: EpochMs; readonly run: () => void }[] = [];
  private readonly evictions = new Map<string, string>();
  private dueAt: EpochMs | null = null;
  private factorsUsed = 0;
  private latenessUsed = 0;
  private hostWasLost = false;

  constructor(
    private readonly script: ModelScript,
    private readonly policies: Policies,
  ) {
    this.now = script.beginsAt;
    this.hosts = script.slaves.map((slave, index) => ({ ...slave, id: `slave-${String(index)}`, online: true, saves: [], disturbedUntil: 0 }));
    for (const act of script.acts) this.after(act.afterMs, () => this.act(act));
  }

  /** Plays the script, then lets everything end and expects the queue to drain. */
  run(): this {
    this.playToRest();
    for (const host of this.hosts) if (!host.online) this.comeBack(host);
    this.playToRest();
    for (let ended = this.endOne(); ended; ended = this.endOne()) this.playToRest();
    for (const guest of this.guests) if (this.waits(guest)) this.violated(`${guest.id} still waits though nobody else is there`);
    return this;
  }

  private playToRest(): void {
    this.planAndCheck();
    for (let events = 0; this.violations.length === 0; events++) {
      const next = this.nextEvent();
      if (next === null) return;
      if (events > 5000) return this.violated('it never comes to rest');
      this.now = Math.max(this.now, next);
      this.happen();
      this.planAndCheck();
    }
  }

  /** Whoever runs without end is deleted, one at a time, so that those who wait come on. */
  private endOne(): boolean {
    const guest = this.violations.length > 0 ? undefined : this.guests.find(({ observed }) => observed === 'running');
    if (guest === undefined) return false;
    this.delete(guest);
    return true;
  }

  private nextEvent(): EpochMs | null {
    const online = new Set(this.hosts.filter((host) => host.online).map(({ id }) => id));
    const ofGuests = this.guests.filter(({ slaveId }) => slaveId === null || online.has(slaveId)).flatMap((guest) => [guest.until, this.runs(guest) ? guest.endsAt : null]);
    const midnight = this.guests.some((guest) => this.waits(guest) && guest.preemptedOn === siteDay(this.now, this.script.rules.timeZone)) ? dayEndsAt(this.now, this.script.rules.timeZone) : null;
    const moments = [...ofGuests, ...this.timers.map(({ at }) => at), this.dueAt, midnight].filter((at) => at !== null);
    return moments.length === 0 ? null : Math.min(...moments);
  }

  private happen(): void {
    for (const timer of this.timers.filter(({ at }) => at <= this.now)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.run();
    }
    for (const guest of this.guests) {
      if (guest.slaveId !== null && !this.host(guest.slaveId).online) continue;
      if (guest.until !== null && guest.until <= this.now) this.stateEnds(guest);
      else if (this.runs(guest) && guest.endsAt !== null && guest.endsAt <= this.now) this.timeIsOver(guest);
    }
  }

  private stateEnds(guest: Guest): void {
    guest.until = null;
    switch (guest.observed) {
      case 'preparing':
      case 'resuming':
        return this.become(guest, 'running');
      case 'stopping':
        return this.gone(guest);
      case 'suspending': {
        const host = this.host(guest.slaveId ?? '');
        host.saves = host.saves.filter((save) => save.guest !== guest);
        this.become(guest, 'suspended');
        this.saveNext(host);
        if (guest.doomed) this.gone(guest);
        return;
      }
      default:
        return;
    }
  }

  /**
   * The slave saves what runs longer than it may; here its owner deletes it then. The books count on the room of what was
   * reserved, and of what may not be suspended, at its very end: here their owners delete them in time.
   */
  private timeIsOver(guest: Guest): void {
    if (guest.type === 'AR' || guest.wasReserved || this.spared(guest)) return this.delete(guest);
    guest.doomed = true;
    this.save(guest, false);
  }

  private become(guest: Guest, observed: ObservedState, lastsMs: number | null = null): void {
    guest.observed = observed;
    guest.since = this.now;
    guest.until = lastsMs === null ? null : this.now + lastsMs;
  }

  private gone(guest: Guest): void {
    this.become(guest, 'deleted');
    if (guest.slot !== null) guest.slot.guest = null;
    guest.slot = null;
    guest.slaveId = null;
  }

  private delete(guest: Guest): void {
    guest.leaving = true;
    guest.queuedAt = null;
    if (this.runs(guest)) this.become(guest, 'stopping', stoppingMs);
    else if (guest.observed === 'suspending') guest.doomed = true;
    else if (guest.observed !== 'deleted' && guest.observed !== 'stopping') this.gone(guest);
  }

  private save(guest: Guest, unforeseen: boolean): void {
    const host = this.host(guest.slaveId ?? '');
    guest.leaving = true;
    this.become(guest, 'suspending');
    const factors = this.script.saveFactors;
    const factor = factors[this.factorsUsed++ % factors.length] ?? 1;
    host.saves.push({ guest, workMs: predictedSaveMs(guest.need.ramMiB, host.saveMiBPerSecond) * factor, unforeseen });
    if (host.saves.length === 1) this.saveNext(host);
  }

  private saveNext(host: Host): void {
    const [first] = host.saves;
    if (first === undefined) return;
    first.guest.until = this.now + first.workMs;
    if (first.unforeseen) host.disturbedUntil = first.guest.until;
  }

  private act(act: ModelAct): void {
    switch (act.kind) {
      case 'launch':
        return void this.launch('BE', act.size, act.pfv, act.minutes);
      case 'reserve':
        return this.reserve(act);
      case 'lose': {
        const host = this.hosts[act.which % this.hosts.length];
        if (host !== undefined) this.lose(host);
        return;
      }
      case 'return': {
        const host = this.hosts[act.which % this.hosts.length];
        if (host?.online === false) this.comeBack(host);
        return;
      }
      case 'release': {
        const begun = this.reservations.filter(({ over, start }) => !over && start <= this.now);
        const reservation = begun[act.which % Math.max(1, begun.length)];
        if (reservation !== undefined) this.endReservation(reservation);
        return;
      }
      default: {
        const guest = this.guests[act.which % Math.max(1, this.guests.length)];
        if (guest !== undefined && (guest.slaveId === null || this.host(guest.slaveId).online)) this.verb(act.kind, guest);
      }
    }
  }

  private verb(kind: 'suspend' | 'resume' | 'delete' | 'extend', guest: Guest): void {
    if (kind === 'delete') return this.delete(guest);
    if (kind === 'suspend') {
      if (guest.observed === 'running' && !guest.leaving) this.save(guest, true);
      else guest.queuedAt = null;
      return;
    }
    if (kind === 'resume') {
      if (guest.observed !== 'suspended' || guest.queuedAt !== null) return;
      guest.queuedAt = this.now;
      return;
    }
    if (guest.type === 'AR' || guest.endsAt === null || !this.runs(guest) || guest.leaving) return;
    // More time is a new admission: the slave's books have to allow it for one that nobody may suspend.
    if (this.spared(guest)) return;
    guest.requestedMinutes = (guest.requestedMinutes ?? 0) + 60;
    guest.priority = priorityOf({ pfv: guest.priority.pfv, ras: false, mon: false, ramMiB: guest.need.ramMiB, minutes: guest.requestedMinutes });
    guest.endsAt += 60 * minuteMs;
    for (const pair of [...this.evictions.keys()]) if (pair.includes(guest.id)) this.evictions.delete(pair);
  }

  private launch(type: 'BE' | 'AR', size: Room, pfv: number, minutes: number | null): Guest {
    const need = roomFor(size);
    const guest: Guest = {
      id: `i-${String(this.guests.length).padStart(3, '0')}`,
      type,
      need,
      createdAt: this.now,
      priority: priorityOf({ pfv, ras: false, mon: false, ramMiB: size.ramMiB, minutes: minutes ?? 20_160 }),
      observed: 'queued',
      leaving: false,
      slaveId: null,
      since: this.now,
      until: null,
      runMs: minutes === null ? null : minutes * minuteMs,
      requestedMinutes: minutes,
      endsAt: null,
      queuedAt: null,
      nominatedTo: null,
      preemptions: 0,
      preemptedOn: null,
      attempts: [],
      slot: null,
      wasReserved: type === 'AR',
      doomed: false,
    };
    this.guests.push(guest);
    return guest;
  }

  /** Books each VM on the first slave whose timeline has room for it, or none at all. */
  private reserve({ size, count, startMs, lengthMs, claims }: Extract<ModelAct, { kind: 'reserve' }>): void {
    const start = this.now + startMs;
    const end = start + lengthMs;
    const need = roomFor(size);
    const timelines = new Map(this.views().filter(reservable).map((view) => [view.id, slaveTimeline(view, this.now)]));
    const slaves: string[] = [];
    for (let slot = 0; slot < count; slot++) {
      const found = [...timelines].find(([, timeline]) => timeline.fits({ start, end }, need));
      if (found === undefined) return;
      timelines.set(found[0], found[1].withLease({ start, end, need }));
      slaves.push(found[0]);
    }
    const reservation: ModelReservation = { id: `r-${String(this.reservations.length).padStart(2, '0')}`, start, end, need, bookedAt: this.now, slots: [], over: false };
    reservation.slots = slaves.map((slaveId, slot) => ({ reservation, slot, slaveId, guest: null }));
    this.reservations.push(reservation);
    for (const claim of claims) this.after(startMs + claim.afterStartMs, () => this.claim(reservation, size, claim));
    this.after(startMs, () => undefined);
    this.after(startMs + lengthMs, () => this.endReservation(reservation));
  }

  private claim(reservation: ModelReservation, size: Room, { deletedAfterMs }: ModelClaim): void {
    const slot = reservation.slots.find(({ guest }) => guest === null);
    if (reservation.over || this.now >= reservation.end || slot === undefined) return;
    const guest = this.launch('AR', size, 1, Math.max(1, (reservation.end - this.now) / minuteMs));
    slot.guest = guest;
    guest.slot = slot;
    if (deletedAfterMs !== null) this.after(deletedAfterMs, () => this.delete(guest));
    const { start, bookedAt } = reservation;
    if (this.now >= start + this.script.rules.noShowGraceMs || start - bookedAt < noticeMs) return;
    const { slaveId } = slot;
    this.after(onTimeMs, () => {
      if (guest.observed === 'queued' && guest.slot !== null && !this.hostWasLost && this.host(slaveId).disturbedUntil < start - noticeMs) {
        this.violated(`${guest.id} was claimed from ${reservation.id} in time and has no room after ${String(onTimeMs / 1000)} s`);
      }
    });
  }

  private endReservation(reservation: ModelReservation): void {
    if (reservation.over) return;
    reservation.over = true;
    for (const slot of reservation.slots) {
      const { guest } = slot;
      slot.guest = null;
      if (guest === null) continue;
      guest.slot = null;
      // Released early it goes on as best-effort; at the end its time is over with the window.
      if (this.now < reservation.end) guest.type = 'BE';
      else this.delete(guest);
    }
  }

  private lose(host: Host): void {
    host.online = false;
    this.hostWasLost = true;
    for (const { reservation, slaveId, guest, slot } of this.slots()) {
      if (slaveId !== host.id || guest !== null) continue;
      const { start, end, need } = reservation;
      const window = { start: Math.max(start, this.now), end };
      const other = this.views().find((view) => reservable(view) && slaveTimeline(view, this.now).fits(window, need));
      const booked = reservation.slots[slot];
      if (other !== undefined && booked !== undefined) booked.slaveId = other.id;
    }
  }

  private comeBack(host: Host): void {
    host.online = true;
    for (const guest of this.guests) if (guest.slaveId === host.id && guest.until !== null) guest.until = Math.max(guest.until, this.now);
  }

  private planAndCheck(): void {
    this.check();
    if (this.dueAt !== null && this.dueAt <= this.now) this.dueAt = null;
    for (let rounds = 0; this.violations.length === 0; rounds++) {
      if (rounds > 50) return this.violated('it plans without end at one instant');
      const planned = plan(this.snapshot(), this.waiting(), this.policies, this.now);
      this.plans++;
      if (planned.dueAt !== null) {
        const lateness = this.script.latenessMs;
        this.dueAt = planned.dueAt + (lateness[this.latenessUsed++ % lateness.length] ?? 0);
        if (planned.dueAt <= this.now) this.violated(`a plan is due at ${String(planned.dueAt)}, which is not later`);
      } else this.dueAt = null;
      if (!this.carryOut(planned)) return;
      this.check();
    }
  }

  private carryOut({ recalls, decisions }: Plan): boolean {
    let changed = false;
    for (const { victims, slaveId, booking } of recalls) {
      for (const { instance } of victims) {
        this.say(`${instance.id} gives way on ${slaveId} to ${booking.reservationId}`);
        this.giveWay(instance.id, null);
        changed = true;
      }
    }
    for (const decision of decisions) {
      const guest = this.guest(decision.instance.id);
      if (decision.kind === 'queue') {
        guest.nominatedTo = decision.nominatedTo;
        continue;
      }
      changed = true;
      this.carryOutOne(guest, decision);
    }
    return changed;
  }

  private carryOutOne(guest: Guest, decision: Exclude<Decision, { kind: 'queue' }>): void {
    this.say(`${guest.id} ${decision.kind}${'slaveId' in decision ? ` on ${decision.slaveId}` : ''}`);
    switch (decision.kind) {
      case 'place':
        guest.slaveId = decision.slaveId;
        guest.nominatedTo = null;
        guest.leaving = false;
        guest.endsAt = this.endsAt(guest, decision.instance.runMs);
        // Its slot goes where it runs.
        if (guest.slot !== null) guest.slot.slaveId = decision.slaveId;
        return this.become(guest, 'preparing', preparingMs);
      case 'resume':
        guest.queuedAt = null;
        guest.nominatedTo = null;
        guest.leaving = false;
        guest.endsAt = this.endsAt(guest, decision.instance.runMs);
        return this.become(guest, 'resuming', resumingMs);
      case 'preempt':
        guest.nominatedTo = decision.slaveId;
        for (const { instance } of decision.victims) this.giveWay(instance.id, guest);
        return;
      case 'refuse':
        return this.gone(guest);
    }
  }

  private endsAt(guest: Guest, runMs: number | null): EpochMs | null {
    return guest.slot !== null ? guest.slot.reservation.end : runMs === null ? null : this.now + runMs;
  }

  private giveWay(id: string, by: Guest | null): void {
    const guest = this.guest(id);
    if (guest.type === 'AR') this.violated(`${id} is reserved and was told to go`);
    if (this.spared(guest)) this.violated(`${id} is spared and was told to go`);
    if (by?.type === 'BE') {
      if (this.evictions.get(`${by.id} by ${id}`) !== undefined) this.violated(`${id} and ${by.id} evict each other in turn`);
      this.evictions.set(`${id} by ${by.id}`, id);
    }
    const today = siteDay(this.now, this.script.rules.timeZone);
    guest.preemptions = preemptionsToday(guest, this.now, this.script.rules.timeZone) + 1;
    guest.preemptedOn = today;
    if (guest.observed === 'preparing') return this.backToTheQueue(guest);
    // One whose time is nearly over just ends.
    if (guest.endsAt !== null && guest.endsAt - this.now <= this.script.rules.shortestLoanMs) guest.doomed = true;
    else guest.queuedAt = this.now;
    this.save(guest, false);
  }

  /** What its slave had begun to make is cleaned away; until then it keeps its room there. */
  private backToTheQueue(guest: Guest): void {
    const slaveId = guest.slaveId ?? '';
    const attempt: Attempt = { slaveId, slaveName: slaveId, code: null, sentence: null, cleaning: true };
    guest.attempts = [...guest.attempts, attempt];
    guest.slaveId = null;
    guest.runMs = guest.endsAt === null ? null : guest.endsAt - this.now;
    guest.endsAt = null;
    this.become(guest, 'queued');
    this.after(cleaningMs, () => (guest.attempts = guest.attempts.filter((one) => one !== attempt)));
  }

  private check(): void {
    for (const host of this.hosts) {
      const here = this.guests.filter(({ slaveId }) => slaveId === host.id);
      const computing = here.filter(({ observed }) => holding.includes(observed)).map(({ need }) => compute(need)).reduce(add, noRoom);
      const disk = here.reduce((sum, { need }) => sum + need.diskMiB, 0);
      const used = { ...computing, diskMiB: disk };
      if (!within(used, host.capacity)) this.violated(`${host.id} has ${JSON.stringify(host.capacity)} and ${JSON.stringify(used)} runs there`);
    }
    for (const { id, slots } of this.reservations) {
      const claimed = this.guests.filter(({ slot, observed }) => slot?.reservation.id === id && observed !== 'deleted').length;
      if (claimed > slots.length) this.violated(`${id} has ${String(slots.length)} machines and ${String(claimed)} are claimed`);
    }
  }

  private snapshot(): Snapshot {
    return { slaves: this.views(), rules: this.script.rules, lastPlacedOn: null };
  }

  private views(): readonly SlaveView[] {
    return this.hosts.map((host) => {
      const here = this.guests.filter(({ slaveId }) => slaveId === host.id);
      const cleaning = this.guests.filter(({ attempts }) => attempts.some(({ slaveId }) => slaveId === host.id));
      const holds = here.filter(({ observed }) => holding.includes(observed));
      const disk = [...here, ...cleaning].reduce((sum, { need }) => sum + need.diskMiB, 0);
      const promised = { ...[...holds, ...cleaning].map(({ need }) => need).reduce(add, noRoom), diskMiB: disk };
      return {
        id: host.id,
        name: host.id,
        kind: host.lent ? 'volunteer' : 'dedicated',
        contributing: host.lent,
        registeredAt: 0,
        admission: 'approved',
        liveness: host.online ? 'online' : 'lost',
        connected: host.online,
        hypervisor: { usable: true, why: 'KVM ran a guest' },
        troubles: [],
        clockWrong: null,
        capacity: host.capacity,
        poolAvailableMiB: host.capacity.diskMiB - disk,
        promised,
        running: holds.map((guest) => this.running(guest, host)),
        bookings: this.bookings(host.id),
        saveMiBPerSecond: host.saveMiBPerSecond,
      };
    });
  }

  private running(guest: Guest, host: Host): RunningInstance {
    const { id, type, need, observed, since, endsAt, leaving, priority } = guest;
    const { rules } = this.script;
    return {
      id, name: id, type, userId: 'somebody', groupId: null, generation: 1, need, since, endsAt, leaving,
      observed: host.online ? observed : 'lost',
      pi: priority.pi,
      sparedUntil: this.spared(guest) ? this.sparedUntil(need, host) : null,
    };
  }

  /** Where nobody is ever suspended for others, no day ends that. */
  private sparedUntil(need: Room, { saveMiBPerSecond }: Host): EpochMs {
    const { rules, preemptionsPerDay } = this.script;
    return preemptionsPerDay === 0 ? Infinity : dayEndsAt(this.now, rules.timeZone) + leadMs([need.ramMiB], saveMiBPerSecond, rules);
  }

  private bookings(hostId: string): readonly Booking[] {
    return this.slots()
      .filter(({ slaveId }) => slaveId === hostId)
      .map(({ reservation: { id, start, end, need }, slot, guest }) => ({
        reservationId: id, ownerName: id, slot, start, end,
        need: guest?.slaveId === hostId ? compute(need) : need,
        instanceId: guest?.id ?? null,
      }))
      .sort((a, b) => a.start - b.start || (a.reservationId < b.reservationId ? -1 : a.reservationId > b.reservationId ? 1 : a.slot - b.slot));
  }

  private waiting(): readonly WaitingInstance[] {
    return this.guests
      .filter((guest) => this.waits(guest))
      .map((guest) => {
        const { id, type, need, priority, createdAt, queuedAt, attempts, nominatedTo, slot, endsAt } = guest;
        const runMs = slot !== null ? Math.max(0, slot.reservation.end - this.now) : queuedAt !== null && endsAt !== null && endsAt > queuedAt ? endsAt - queuedAt : guest.runMs;
        return {
          id, name: id, type, userId: 'somebody', groupId: null, generation: 1, priority, createdAt, attempts, nominatedTo, runMs,
          need: queuedAt === null ? need : compute(need),
          boundTo: queuedAt === null ? null : guest.slaveId,
          booking: slot === null ? null : { reservationId: slot.reservation.id, slaveId: slot.slaveId, start: slot.reservation.start, end: slot.reservation.end },
          spared: this.spared(guest),
          reason: null,
        };
      });
  }

  private slots(): readonly Slot[] {
    return this.reservations.filter(({ over }) => !over).flatMap(({ slots }) => slots);
  }

  private waits({ observed, queuedAt, slaveId }: Guest): boolean {
    if (slaveId !== null && !this.host(slaveId).online) return false;
    return observed === 'queued' || (observed === 'suspended' && queuedAt !== null);
  }

  private runs({ observed, leaving }: Guest): boolean {
    return !leaving && (observed === 'preparing' || observed === 'running' || observed === 'resuming');
  }

  private spared(guest: Guest): boolean {
    return preemptionsToday(guest, this.now, this.script.rules.timeZone) >= this.script.preemptionsPerDay;
  }

  private host(id: string): Host {
    const host = this.hosts.find((one) => one.id === id);
    if (host === undefined) throw new Error(`The model has no slave ${id}.`);
    return host;
  }

  private guest(id: string): Guest {
    const guest = this.guests.find((one) => one.id === id);
    if (guest === undefined) throw new Error(`The model has no guest ${id}.`);
    return guest;
  }

  private after(ms: number, run: () => void): void {
    this.timers.push({ at: this.now + ms, run });
  }

  private say(what: string): void {
    this.history.push(`${String((this.now - this.script.beginsAt) / 1000)} s: ${what}`);
  }

  private violated(what: string): void {
    this.say(what);
    this.violations.push(what);
  }
}
