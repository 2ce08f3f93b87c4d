import type { EpochMs } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import { priorityOf } from '@paravcl/shared/priority';
import { admit } from './admit';
import { minuteMs } from './local-time';
import { plan, type Decision, type Plan, type Policies } from './plan';
import { dayEndsAt, preemptionsToday, siteDay } from './preemption-day';
import { rehome } from './rehome';
import type { ReservationRequest, SlotOnSlave } from './reservation-request';
import { predictedSaveMs } from './save-time';
import { quarterMs, SchedulingSite, type Guest, type Host, type ModelReservation } from './scheduling-site.model';
import { roomFor, type Attempt, type Room, type Rules, type WaitingInstance } from './snapshot';

/**
 * A site of values for the tests of `plan` and `admit`: time jumps from event to event, slaves save as fast as they like
 * rather than as predicted, people launch, reserve, claim, suspend, extend and delete, hosts fall silent. The model knows
 * nothing but plans and admissions, carries them out as the services do, and judges what it sees at every instant
 * (`violations`).
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

/** What people and hosts do, so long after the model's beginning. `which` counts instances, reservations or slaves, whatever there are. */
export type ModelAct = { readonly afterMs: number } & (
  | { readonly kind: 'launch'; readonly size: Room; readonly pfv: number; readonly minutes: number | null }
  /** Times in quarters of an hour. */
  | { readonly kind: 'reserve'; readonly size: Room; readonly pfv: number; readonly count: number; readonly startsIn: number; readonly lasts: number; readonly claims: readonly ModelClaim[] }
  | { readonly kind: 'suspend' | 'resume' | 'delete' | 'extend' | 'release' | 'prolong' | 'lose' | 'return'; readonly which: number }
);

export interface ModelClaim {
  readonly afterStartMs: number;
  /** Deleted so long after its claim; null: stays until the end. */
  readonly deletedAfterMs: number | null;
}

const preparingMs = 20_000;
const resumingMs = 5000;
const cleaningMs = 3000;
const stoppingMs = 500;
/** Later than this is late (DEFINITIONS, "Measuring"). */
const onTimeMs = 60_000;
/** Booked with less notice than saving everything takes, room may come later than the start. */
const noticeMs = 30 * minuteMs;
const endlessMinutes = 20_160;

export class SchedulingModel {
  readonly violations: string[] = [];
  plans = 0;
  /** What happened, for whoever reads a failure. */
  readonly history: string[] = [];
  private readonly site: SchedulingSite;
  private readonly timers: { readonly at: EpochMs; readonly run: () => void }[] = [];
  private readonly claims = new Map<string, readonly ModelClaim[]>();
  private readonly evictions = new Set<string>();
  private dueAt: EpochMs | null = null;
  private factorsUsed = 0;
  private latenessUsed = 0;
  private hostWasLost = false;

  constructor(
    private readonly script: ModelScript,
    private readonly policies: Policies,
    /** Told before every plan who waits. */
    private readonly watch: (waiting: readonly WaitingInstance[], at: EpochMs) => void = () => undefined,
  ) {
    const hosts = script.slaves.map((slave, index): Host => ({ ...slave, id: `slave-${String(index)}`, online: true, saves: [], disturbedUntil: 0 }));
    this.site = new SchedulingSite(script.beginsAt, hosts, script.rules, script.preemptionsPerDay);
    for (const act of script.acts) this.after(act.afterMs, () => this.act(act));
  }

  /** Plays the script, then lets everything end and expects the queue to drain. */
  run(): this {
    this.playToRest();
    for (const host of this.site.hosts) if (!host.online) this.comeBack(host);
    this.playToRest();
    while (this.endOne()) this.playToRest();
    for (const guest of this.site.guests) if (this.site.waits(guest)) this.violated(`${guest.id} still waits though nobody else is there`);
    return this;
  }

  private playToRest(): void {
    this.planAndCheck();
    for (let events = 0; this.violations.length === 0; events++) {
      const next = this.nextEvent();
      if (next === null) return;
      if (events > 5000) return this.violated('it never comes to rest');
      this.site.now = Math.max(this.site.now, next);
      this.happen();
      this.planAndCheck();
    }
  }

  /** Whoever runs without end is deleted, one at a time, so that those who wait come on. */
  private endOne(): boolean {
    const guest = this.violations.length > 0 ? undefined : this.site.guests.find(({ observed }) => observed === 'running');
    if (guest === undefined) return false;
    this.delete(guest);
    return true;
  }

  private nextEvent(): EpochMs | null {
    const { site } = this;
    const awake = site.guests.filter(({ slaveId }) => slaveId === null || site.host(slaveId).online);
    const ofGuests = awake.flatMap((guest) => [guest.until, site.runs(guest) ? guest.endsAt : null]);
    const ofReservations = site.open().map(({ state, start, end }) => (state === 'confirmed' ? start : end));
    // The service plans every ten seconds anyway, so that it sees the new day.
    const midnight = site.guests.some((guest) => guest.observed !== 'deleted' && site.preemptionsPerDay > 0 && site.spared(guest)) ? dayEndsAt(site.now, site.rules.timeZone) : null;
    const moments = [...ofGuests, ...ofReservations, ...this.timers.map(({ at }) => at), this.dueAt, midnight].filter((at) => at !== null);
    return moments.length === 0 ? null : Math.min(...moments);
  }

  private happen(): void {
    const { site } = this;
    for (const reservation of site.open()) {
      if (reservation.state === 'confirmed' && reservation.start <= site.now) this.begin(reservation);
      if (reservation.end <= site.now) this.endReservation(reservation);
    }
    for (const timer of this.timers.filter(({ at }) => at <= site.now)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.run();
    }
    for (const guest of site.guests) {
      if (guest.slaveId !== null && !site.host(guest.slaveId).online) continue;
      if (guest.until !== null && guest.until <= site.now) this.stateEnds(guest);
      else if (site.runs(guest) && guest.endsAt !== null && guest.endsAt <= site.now) this.timeIsOver(guest);
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
        const host = this.site.host(guest.slaveId ?? '');
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
    if (guest.wasReserved || this.site.spared(guest)) return this.delete(guest);
    guest.doomed = true;
    this.save(guest, false);
  }

  private become(guest: Guest, observed: ObservedState, lastsMs: number | null = null): void {
    guest.observed = observed;
    guest.since = this.site.now;
    guest.until = lastsMs === null ? null : this.site.now + lastsMs;
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
    if (guest.observed === 'preparing' || guest.observed === 'running' || guest.observed === 'resuming') this.become(guest, 'stopping', stoppingMs);
    else if (guest.observed === 'suspending') guest.doomed = true;
    else if (guest.observed !== 'deleted' && guest.observed !== 'stopping') this.gone(guest);
  }

  private save(guest: Guest, unforeseen: boolean): void {
    const host = this.site.host(guest.slaveId ?? '');
    guest.leaving = true;
    this.become(guest, 'suspending');
    const factors = this.script.saveFactors;
    const factor = factors[this.factorsUsed++ % factors.length] ?? 1;
    host.saves = [...host.saves, { guest, workMs: predictedSaveMs(guest.need.ramMiB, host.saveMiBPerSecond) * factor, unforeseen }];
    if (host.saves.length === 1) this.saveNext(host);
  }

  private saveNext(host: Host): void {
    const [first] = host.saves;
    if (first === undefined) return;
    first.guest.until = this.site.now + first.workMs;
    if (first.unforeseen) host.disturbedUntil = first.guest.until;
  }

  private act(act: ModelAct): void {
    const { site } = this;
    const chosen = <T>(list: readonly T[], which: number): T | undefined => list[which % Math.max(1, list.length)];
    switch (act.kind) {
      case 'launch':
        return void this.launch('BE', act.size, act.pfv, act.minutes);
      case 'reserve':
        return this.reserve(act);
      case 'lose':
      case 'return': {
        const host = chosen(site.hosts, act.which);
        if (host !== undefined && host.online === (act.kind === 'lose')) return act.kind === 'lose' ? this.lose(host) : this.comeBack(host);
        return;
      }
      case 'release':
      case 'prolong': {
        const reservation = chosen(site.open().filter(({ state }) => state === 'active'), act.which);
        if (reservation !== undefined) return act.kind === 'release' ? this.endReservation(reservation) : this.prolong(reservation);
        return;
      }
      default: {
        const guest = chosen(site.guests, act.which);
        if (guest !== undefined && (guest.slaveId === null || site.host(guest.slaveId).online)) this.verb(act.kind, guest);
      }
    }
  }

  private verb(kind: 'suspend' | 'resume' | 'delete' | 'extend', guest: Guest): void {
    const { site } = this;
    switch (kind) {
      case 'delete':
        return this.delete(guest);
      case 'suspend':
        if (guest.observed === 'running' && !guest.leaving) this.save(guest, true);
        else guest.queuedAt = null;
        return;
      case 'resume':
        if (guest.observed === 'suspended' && guest.queuedAt === null) guest.queuedAt = site.now;
        return;
      case 'extend': {
        // More time for one that nobody may suspend is a question for the books, which the model does not ask.
        if (guest.type === 'AR' || guest.endsAt === null || !site.runs(guest) || site.spared(guest)) return;
        guest.requestedMinutes = (guest.requestedMinutes ?? 0) + 60;
        guest.priority = priorityOf({ pfv: guest.priority.pfv, ras: false, mon: false, ramMiB: guest.need.ramMiB, minutes: guest.requestedMinutes });
        guest.endsAt += 60 * minuteMs;
        // Its priority is another one now.
        for (const pair of [...this.evictions]) if (pair.includes(guest.id)) this.evictions.delete(pair);
      }
    }
  }

  private launch(type: 'BE' | 'AR', size: Room, pfv: number, minutes: number | null): Guest {
    const { now, guests } = this.site;
    const guest: Guest = {
      id: `i-${String(guests.length).padStart(3, '0')}`,
      type,
      wasReserved: type === 'AR',
      need: roomFor(size),
      createdAt: now,
      priority: priorityOf({ pfv, ras: false, mon: false, ramMiB: size.ramMiB, minutes: minutes ?? endlessMinutes }),
      observed: 'queued',
      leaving: false,
      slaveId: null,
      since: now,
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
      doomed: false,
    };
    guests.push(guest);
    return guest;
  }

  private reserve({ size, pfv, count, startsIn, lasts, claims }: Extract<ModelAct, { kind: 'reserve' }>): void {
    const { now, reservations } = this.site;
    const start = now + startsIn * quarterMs;
    const end = start + lasts * quarterMs;
    const need = roomFor(size);
    const { pi } = priorityOf({ pfv, ras: false, mon: false, ramMiB: size.ramMiB, minutes: (end - start) / minuteMs });
    const id = `r-${String(reservations.length).padStart(2, '0')}`;
    const reservation: ModelReservation = { id, start, end, need, pi, createdAt: now, bookedAt: now, moved: false, slots: [], state: 'confirmed' };
    if (!this.admitted(reservation, { id, start, end, count, need, pi, rules: this.site.reservationRules(), fixed: [] })) return;
    reservations.push(reservation);
    this.claims.set(id, claims);
  }

  /** A quarter of an hour more; who claimed stays where it is. */
  private prolong(reservation: ModelReservation): void {
    const { id, start, end, need, pi, slots } = reservation;
    const later = end + quarterMs;
    const fixed = slots.flatMap(({ slot, slaveId, guest }) => (guest === null ? [] : [{ slot, slaveId, promisedDiskMiB: need.diskMiB, heldUntil: end }]));
    if (!this.admitted(reservation, { id, start, end: later, count: slots.length, need, pi, rules: this.site.reservationRules(), fixed })) return;
    reservation.end = later;
    for (const { guest } of reservation.slots) if (guest !== null && guest.endsAt !== null) guest.endsAt = later;
  }

  /** Asks the books, and writes down what they answer. */
  private admitted(reservation: ModelReservation, request: ReservationRequest): boolean {
    const { site } = this;
    const admission = admit(site.snapshot(), site.held(), request, site.now);
    this.say(`${request.id} is ${admission.kind}`);
    if (admission.kind === 'refused') return false;
    this.book(reservation, admission.bookings);
    for (const { reservationId, to, bookings } of admission.moves) {
      const weaker = site.reservation(reservationId);
      if (weaker.moved || weaker.state !== 'confirmed' || weaker.pi >= request.pi) this.violated(`${reservationId} was moved for ${request.id}`);
      this.say(`${reservationId} is moved`);
      Object.assign(weaker, { start: to.start, end: to.end, moved: true });
      this.book(weaker, bookings);
    }
    return true;
  }

  private book(reservation: ModelReservation, bookings: readonly SlotOnSlave[]): void {
    const before = reservation.slots;
    reservation.slots = [...bookings].sort((a, b) => a.slot - b.slot).map(({ slot, slaveId }) => ({ reservation, slot, slaveId, guest: before.find((one) => one.slot === slot)?.guest ?? null }));
    for (const slot of reservation.slots) if (slot.guest !== null) slot.guest.slot = slot;
    reservation.bookedAt = this.site.now;
  }

  private begin(reservation: ModelReservation): void {
    reservation.state = 'active';
    for (const claim of this.claims.get(reservation.id) ?? []) this.after(claim.afterStartMs, () => this.claim(reservation, claim));
  }

  private claim(reservation: ModelReservation, { deletedAfterMs }: ModelClaim): void {
    const { site } = this;
    const { start, end, need, bookedAt } = reservation;
    const slot = reservation.slots.find(({ guest }) => guest === null);
    if (reservation.state !== 'active' || slot === undefined) return;
    const guest = this.launch('AR', { ...need, diskMiB: need.diskMiB - need.ramMiB }, 1, Math.max(1, (end - site.now) / minuteMs));
    slot.guest = guest;
    guest.slot = slot;
    if (deletedAfterMs !== null) this.after(deletedAfterMs, () => this.delete(guest));
    if (site.now >= start + site.rules.noShowGraceMs || start - bookedAt < noticeMs) return;
    const { slaveId } = slot;
    this.after(onTimeMs, () => {
      // What was reserved and released leaves its disk behind, which the books did not reckon with.
      const undisturbed = !this.hostWasLost && site.host(slaveId).disturbedUntil < start - noticeMs && !site.guests.some((one) => one.slaveId === slaveId && one.wasReserved && one.slot === null);
      if (guest.observed === 'queued' && guest.slot !== null && undisturbed) this.violated(`${guest.id} was claimed from ${reservation.id} in time and has no room after ${String(onTimeMs / 1000)} s`);
    });
  }

  private endReservation(reservation: ModelReservation): void {
    reservation.state = 'over';
    for (const slot of reservation.slots) {
      const { guest } = slot;
      slot.guest = null;
      if (guest === null) continue;
      guest.slot = null;
      // Released early it goes on as best-effort; at the end its time is over with the window.
      if (this.site.now < reservation.end) guest.type = 'BE';
      else this.delete(guest);
    }
  }

  private lose(host: Host): void {
    const { site } = this;
    host.online = false;
    this.hostWasLost = true;
    for (const { reservation, slots } of rehome(site.snapshot(), site.held(), site.now)) {
      for (const { slot, to } of slots) {
        const moved = site.reservation(reservation.id).slots.find((one) => one.slot === slot);
        if (moved !== undefined) moved.slaveId = to;
      }
    }
  }

  private comeBack(host: Host): void {
    host.online = true;
    for (const guest of this.site.guests) if (guest.slaveId === host.id && guest.until !== null) guest.until = Math.max(guest.until, this.site.now);
  }

  private planAndCheck(): void {
    const { site } = this;
    this.check();
    for (let rounds = 0; this.violations.length === 0; rounds++) {
      if (rounds > 50) return this.violated('it plans without end at one instant');
      const waiting = site.waiting();
      this.watch(waiting, site.now);
      const planned = plan(site.snapshot(), waiting, this.policies, site.now);
      this.plans++;
      if (planned.dueAt !== null && planned.dueAt <= site.now) this.violated(`a plan is due at ${String(planned.dueAt)}, which is not later`);
      const lateness = this.script.latenessMs;
      this.dueAt = planned.dueAt === null ? null : planned.dueAt + (lateness[this.latenessUsed++ % lateness.length] ?? 0);
      if (!this.carryOut(planned)) return;
      this.check();
    }
  }

  /** Whether anything was done, so that there is something to plan for anew. */
  private carryOut({ recalls, decisions }: Plan): boolean {
    const before = this.history.length;
    for (const { victims, slaveId, booking } of recalls) {
      this.say(`${victims.map(({ instance }) => instance.id).join(', ')} give way on ${slaveId} to ${booking.reservationId}`);
      for (const { instance } of victims) this.giveWay(instance.id, null);
    }
    for (const decision of decisions) {
      const guest = this.site.guest(decision.instance.id);
      if (decision.kind === 'queue') guest.nominatedTo = decision.nominatedTo;
      else this.carryOutOne(guest, decision);
    }
    return this.history.length > before;
  }

  private carryOutOne(guest: Guest, decision: Exclude<Decision, { kind: 'queue' }>): void {
    const where = 'slaveId' in decision ? ` on ${decision.slaveId}` : '';
    const whom = decision.kind === 'preempt' ? ` instead of ${decision.victims.map(({ instance }) => instance.id).join(', ')}` : '';
    this.say(`${guest.id} ${decision.kind}${where}${whom}`);
    switch (decision.kind) {
      case 'place':
      case 'resume': {
        const { runMs } = decision.instance;
        guest.slaveId = decision.slaveId;
        guest.nominatedTo = null;
        guest.queuedAt = null;
        guest.leaving = false;
        guest.endsAt = runMs === null ? null : this.site.now + runMs;
        // Its slot goes where it runs.
        if (guest.slot !== null) guest.slot.slaveId = decision.slaveId;
        return decision.kind === 'place' ? this.become(guest, 'preparing', preparingMs) : this.become(guest, 'resuming', resumingMs);
      }
      case 'preempt':
        guest.nominatedTo = decision.slaveId;
        for (const { instance } of decision.victims) this.giveWay(instance.id, guest);
        return;
      case 'refuse':
        return this.gone(guest);
    }
  }

  private giveWay(id: string, by: Guest | null): void {
    const { site } = this;
    const { timeZone, shortestLoanMs } = site.rules;
    const guest = site.guest(id);
    if (guest.type === 'AR') this.violated(`${id} is reserved and was told to go`);
    if (site.spared(guest)) this.violated(`${id} is spared and was told to go`);
    if (by?.type === 'BE') {
      if (this.evictions.has(`${by.id} by ${id}`)) this.violated(`${id} and ${by.id} evict each other in turn`);
      this.evictions.add(`${id} by ${by.id}`);
    }
    guest.preemptions = preemptionsToday(guest, site.now, timeZone) + 1;
    guest.preemptedOn = siteDay(site.now, timeZone);
    if (guest.observed === 'preparing') return this.backToTheQueue(guest);
    // One whose time is nearly over just ends.
    if (guest.endsAt !== null && guest.endsAt - site.now <= shortestLoanMs) guest.doomed = true;
    else guest.queuedAt = site.now;
    this.save(guest, false);
  }

  /** What its slave had begun to make is cleaned away; until then it keeps its room there. */
  private backToTheQueue(guest: Guest): void {
    const slaveId = guest.slaveId ?? '';
    const attempt: Attempt = { slaveId, slaveName: slaveId, code: null, sentence: null, cleaning: true };
    guest.attempts = [...guest.attempts, attempt];
    guest.slaveId = null;
    guest.endsAt = null;
    this.become(guest, 'queued');
    this.after(cleaningMs, () => (guest.attempts = guest.attempts.filter((one) => one !== attempt)));
  }

  private check(): void {
    for (const sentence of this.site.oversubscribed()) this.violated(sentence);
    for (const { id, slots } of this.site.open()) {
      const claimed = this.site.guests.filter(({ slot }) => slot?.reservation.id === id).length;
      if (claimed > slots.length) this.violated(`${id} has ${String(slots.length)} machines and ${String(claimed)} are claimed`);
    }
  }

  private after(ms: number, run: () => void): void {
    this.timers.push({ at: this.site.now + ms, run });
  }

  private say(what: string): void {
    this.history.push(`${String((this.site.now - this.script.beginsAt) / 1000)} s: ${what}`);
  }

  private violated(what: string): void {
    this.say(what);
    this.violations.push(what);
  }
}
