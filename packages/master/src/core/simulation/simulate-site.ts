import type { EpochMs } from '@paravcl/shared/clock';
import { priorityOf } from '@paravcl/shared/priority';
import { admit } from '../admit';
import { plan, type Decision, type Plan } from '../plan';
import type { ReservationRequest, SlotOnSlave } from '../reservation-request';
import { windowFault } from '../reservation-window';
import { leadMs, predictedSaveMs } from '../save-time';
import type { RunningInstance, WaitingInstance } from '../snapshot';
import { EventHeap, type Happening } from './event-heap';
import { SiteBooks, type Guest, type Host, type Reservation, type Slot } from './site-books';
import { SiteRecord } from './site-record';
import { usualTimes, type SimulatedClaim, type SimulatedReservation, type SimulatedSite, type SimulatedTimes } from './simulated-site';
import type { ClaimOutcome, RequestOutcome, ReservationOutcome, SimulatedEnding, SimulationOutcome, Suspension } from './simulation-outcome';
import { hourMs } from '../local-time';

/** Later than this is late (DEFINITIONS, "Measuring"). */
export const onTimeMs = 60_000;


/**
 * Plays a site forward, from event to event: who asks, who leaves, what is over, what is saved. Whenever something has
 * changed, and whenever a plan said that it would be due, the scheduler decides (`plan`, `admit`) and the site carries it
 * out as the services do. A host saves what is told to go one after the other, as long as `saveFactor` says.
 *
 * What is simpler than a real site: hosts never fail; nobody comes back to what was saved at the end of its time, so its
 * disk goes with it; nobody stops, extends or cancels; quotas are not asked.
 */
export function simulateSite(site: SimulatedSite): SimulationOutcome {
  const steps = simulationSteps(site);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same from moment to moment: who has other work does that in between, or gives up. */
export function simulationSteps(site: SimulatedSite): Generator<EpochMs, SimulationOutcome, void> {
  return new SiteSimulation(site).run();
}

/** What was answered to one request for reserved machines, and what came of it. */
interface Answered {
  answer: ReservationOutcome['answer'];
  sentence: string | null;
  moved: ReservationOutcome['moved'];
  turnedAway: number;
}

/** What becomes of one claim. */
interface Claimed {
  readonly reservation: Reservation;
  readonly guest: Guest;
  readonly promised: boolean;
  roomExisted: boolean;
}

class SiteSimulation {
  private readonly books: SiteBooks;
  private readonly events = new EventHeap();
  private readonly record: SiteRecord;
  private readonly times: SimulatedTimes;
  private readonly guests = new Map<string, Guest>();
  private readonly claimed: Claimed[] = [];
  private readonly answers = new Map<string, Answered>();
  private readonly suspensions: Suspension[] = [];
  private readonly counts = { plans: 0, admissions: 0, placements: 0, resumptions: 0, saves: 0, claims: 0 };
  private dueAt: EpochMs | null = null;

  constructor(private readonly site: SimulatedSite) {
    const { beginsAt, slaves, rules, preemptionsPerDay, intervalMs = hourMs, times = usualTimes } = site;
    this.books = new SiteBooks(beginsAt, slaves, rules, preemptionsPerDay);
    this.record = new SiteRecord(beginsAt, intervalMs);
    this.times = times;
  }

  *run(): Generator<EpochMs, SimulationOutcome, void> {
    const { books, events } = this;
    this.begin();
    this.decide();
    for (let next = this.nextAt(); next <= this.site.until; next = this.nextAt()) {
      this.pass(next);
      let changed = this.dueAt !== null && this.dueAt <= books.now;
      while (events.nextAt !== null && events.nextAt <= books.now) changed = events.take()?.() !== 'quiet' || changed;
      if (changed) this.decide();
      yield next;
    }
    this.pass(this.site.until);
    return this.outcome();
  }

  private after(ms: number, happen: () => void): void {
    this.events.add(this.books.now + ms, loudly(happen));
  }

  private at(moment: EpochMs, happen: () => void): void {
    this.events.add(Math.max(moment, this.books.now), loudly(happen));
  }

  private nextAt(): EpochMs {
    return Math.min(this.events.nextAt ?? Infinity, this.dueAt ?? Infinity);
  }

  private pass(to: EpochMs): void {
    const { bestEffortCores, reservedCores, waiting, now } = this.books;
    this.record.passed(to, { bestEffortCores, reservedCores, waiting: waiting.size });
    this.books.now = Math.max(now, to);
  }

  private begin(): void {
    const { site, books } = this;
    const initial = new Map<string, Guest>();
    for (const slave of site.slaves) for (const running of slave.running) initial.set(running.id, this.runsAlready(running, books.host(slave.id)));
    for (const waiting of site.waiting ?? []) initial.set(waiting.id, this.waitsAlready(waiting));
    for (const asked of site.reservations) {
      this.answers.set(asked.id, { answer: 'unasked', sentence: null, moved: null, turnedAway: 0 });
      if (asked.booked === undefined) this.at(asked.askedAt, () => this.reserve(asked));
      else this.isBooked(asked, asked.booked, initial);
    }
    for (const { id, name, userId, groupId, need, priority, at, waitsSince = at, runMs, staysMs } of site.requests) {
      this.at(at, () => {
        this.enqueue(this.launch({ id, name, type: 'BE', userId, groupId, need, priority, createdAt: at, runMs, staysMs }, waitsSince));
      });
    }
    this.atMidnight();
  }

  /** The service plans every few seconds anyway, so that it sees the new day. */
  private atMidnight(): void {
    this.at(this.books.dayEndsAt, () => {
      this.books.newDay();
      this.site.onMidnight?.(this.books.now);
      this.atMidnight();
    });
  }

  private launch(facts: Pick<Guest, 'id' | 'name' | 'type' | 'userId' | 'groupId' | 'need' | 'priority' | 'createdAt' | 'runMs' | 'staysMs'>, agesSince = facts.createdAt): Guest {
    const guest: Guest = {
      ...facts,
      observed: 'queued', leaving: false, host: null, since: this.books.now, endsAt: null, leavesAt: Infinity, nominatedTo: null, preemptions: 0, preemptedOn: null,
      attempts: [], slot: null, ends: null, version: 0, firstStartAt: null, agesSince, waitsSince: null, waitedMs: 0, suspensions: 0, endedAt: null,
    };
    this.guests.set(guest.id, guest);
    return guest;
  }

  private runsAlready(running: RunningInstance, host: Host): Guest {
    const { id, name, type, userId, groupId, need, pi, since, endsAt, leaving, observed, sparedUntil } = running;
    const { books, site } = this;
    const priority = { ...priorityOf({ pfv: 0, ras: false, mon: false, ramMiB: need.ramMiB, minutes: 1 }), pi };
    const guest = this.launch({ id, name, type, userId, groupId, need, priority, createdAt: since, runMs: null, staysMs: Infinity });
    Object.assign(guest, { observed, host, since, endsAt, firstStartAt: since, leavesAt: Infinity });
    if (sparedUntil !== null && sparedUntil > books.now) for (let n = 0; n < site.preemptionsPerDay; n++) books.countPreemption(guest);
    guest.suspensions = 0;
    host.guests.add(guest);
    if (type === 'AR') books.reservedCores += need.vcpus;
    else books.bestEffortCores += need.vcpus;
    host.view = null;
    if (leaving && observed !== 'stopping') this.save(guest);
    else if (leaving) this.stop(guest, 'left');
    else this.runs(guest, observed === 'preparing' ? this.times.preparingMs : observed === 'resuming' || observed === 'booting' ? this.times.resumingMs : 0);
    return guest;
  }

  private waitsAlready({ id, name, type, userId, groupId, need, priority, createdAt, waitsSince, runMs, boundTo, spared }: WaitingInstance): Guest {
    const { books, site } = this;
    const guest = this.launch({ id, name, type, userId, groupId, need, priority, createdAt, runMs, staysMs: Infinity }, waitsSince);
    if (boundTo !== null) Object.assign(guest, { host: books.host(boundTo), observed: 'suspended' });
    if (spared) for (let n = 0; n < site.preemptionsPerDay; n++) books.countPreemption(guest);
    guest.suspensions = 0;
    this.enqueue(guest);
    return guest;
  }

  private enqueue(guest: Guest): void {
    guest.waitsSince ??= this.books.now;
    this.books.waiting.add(guest);
  }

  /** From now on it holds its room until its person leaves or its time is over. */
  private runs(guest: Guest, readyAfterMs: number): void {
    const { books, events } = this;
    const { version } = guest;
    const still = (): boolean => guest.version === version || (guest.version === version + 1 && guest.observed === 'running');
    const ifStill = (moment: EpochMs, happen: Happening): void => events.add(Math.max(moment, books.now), () => (still() ? happen() : 'quiet'));
    // Who may be told to go is the same before and after.
    if (readyAfterMs > 0) ifStill(books.now + readyAfterMs, quietly(() => books.become(guest, 'running')));
    if (guest.leavesAt < (guest.endsAt ?? Infinity)) ifStill(guest.leavesAt, loudly(() => this.stop(guest, 'left')));
    // What is reserved ends with its reservation.
    else if (guest.endsAt !== null && guest.slot === null) ifStill(guest.endsAt, loudly(() => this.timeIsOver(guest)));
  }

  private stop(guest: Guest, ending: SimulatedEnding): void {
    guest.leaving = true;
    this.books.become(guest, 'stopping');
    this.after(this.times.stoppingMs, () => {
      this.books.free(guest);
      this.gone(guest, ending);
    });
  }

  private timeIsOver(guest: Guest): void {
    if (guest.leaving) return;
    guest.ends = 'time-over';
    this.save(guest);
  }

  /** Nothing of it is left. It no longer waits, wherever it was. */
  private gone(guest: Guest, ending: SimulatedEnding): void {
    const { books } = this;
    this.waitIsOver(guest);
    guest.ends = ending;
    guest.endedAt = books.now;
    books.waiting.delete(guest);
    const { slot } = guest;
    books.leave(guest);
    books.become(guest, 'deleted');
    guest.slot = null;
    if (slot === null) return;
    slot.guest = null;
    books.changed(slot.host);
  }

  private waitIsOver(guest: Guest): void {
    if (guest.waitsSince !== null) guest.waitedMs += this.books.now - guest.waitsSince;
    guest.waitsSince = null;
  }

  private save(guest: Guest): void {
    const { books, site, counts } = this;
    const { host } = guest;
    if (host === null) return;
    guest.leaving = true;
    books.become(guest, 'suspending');
    const factor = site.saveFactor(counts.saves++);
    host.saves.push({ guest, workMs: Math.ceil(predictedSaveMs(guest.need.ramMiB, host.facts.saveMiBPerSecond) * factor) });
    if (host.saves.length === 1) this.saveNext(host);
  }

  private saveNext(host: Host): void {
    const [first] = host.saves;
    if (first === undefined) return;
    this.after(first.workMs, () => {
      host.saves.shift();
      const { guest } = first;
      const { ends } = guest;
      this.books.free(guest);
      guest.leaving = false;
      this.books.become(guest, 'suspended');
      if (ends === null) this.enqueue(guest);
      else this.gone(guest, ends);
      this.saveNext(host);
    });
  }

  private reserve(asked: SimulatedReservation): void {
    const { books, counts } = this;
    const { id, start, end, count, need, priority, rules } = asked;
    const answer = this.answers.get(id);
    if (answer === undefined) return;
    const refuse = (sentence: string): void => {
      Object.assign(answer, { answer: 'refused', sentence, turnedAway: asked.claims.length });
    };
    const fault = windowFault(rules, { start, end }, books.now);
    if (fault !== null) return refuse(fault.sentence);
    const request: ReservationRequest = { id, start, end, count, need, pi: priority.pi, rules, fixed: [] };
    counts.admissions++;
    const admission = admit(books.snapshot(), books.held(), request, books.now);
    if (admission.kind === 'refused') return refuse(admission.reason.sentence);
    answer.answer = 'admitted';
    for (const { reservationId, from, to } of admission.moves) {
      const weaker = books.reservations.get(reservationId);
      if (weaker === undefined) continue;
      this.unbook(weaker);
      Object.assign(weaker, { start: to.start, end: to.end, moved: true, bookedAt: books.now });
      const its = this.answers.get(reservationId);
      if (its !== undefined) its.moved = { from, to };
    }
    const reservation: Reservation = { id, asked, claims: asked.claims, start, end, bookedAt: books.now, moved: false, slots: [], state: 'confirmed' };
    books.reservations.set(id, reservation);
    this.book(reservation, admission.bookings);
    for (const { reservationId, bookings } of admission.moves) {
      const weaker = books.reservations.get(reservationId);
      if (weaker !== undefined) this.book(weaker, bookings);
    }
  }

  private isBooked(asked: SimulatedReservation, slots: NonNullable<SimulatedReservation['booked']>, initial: ReadonlyMap<string, Guest>): void {
    const { id, start, end } = asked;
    const reservation: Reservation = { id, asked, claims: asked.claims, start, end, bookedAt: asked.askedAt, moved: false, slots: [], state: 'confirmed' };
    this.books.reservations.set(id, reservation);
    this.answers.set(id, { answer: 'admitted', sentence: null, moved: null, turnedAway: 0 });
    this.book(reservation, slots);
    for (const { slot, instanceId } of slots) {
      const booked = reservation.slots.find((one) => one.slot === slot);
      const guest = instanceId === null ? undefined : initial.get(instanceId);
      if (booked === undefined || guest === undefined) continue;
      booked.guest = guest;
      guest.slot = booked;
      this.books.changed(booked.host);
    }
  }

  private book(reservation: Reservation, bookings: readonly SlotOnSlave[]): void {
    const { books } = this;
    const { start, end } = reservation;
    reservation.slots = [...bookings].sort((a, b) => a.slot - b.slot).map(({ slot, slaveId }): Slot => ({ reservation, slot, host: books.host(slaveId), guest: null }));
    for (const host of new Set(reservation.slots.map((slot) => slot.host))) books.setSlots(host, [...host.slots, ...reservation.slots.filter((slot) => slot.host === host)]);
    // One that was moved begins and ends at its new time alone.
    this.at(start, () => {
      if (reservation.start === start) this.beginReservation(reservation);
    });
    this.at(end, () => {
      if (reservation.end === end) this.endReservation(reservation);
    });
  }

  private unbook(reservation: Reservation): void {
    for (const host of new Set(reservation.slots.map((slot) => slot.host))) this.books.setSlots(host, host.slots.filter((slot) => slot.reservation !== reservation));
  }

  private beginReservation(reservation: Reservation): void {
    if (reservation.state !== 'confirmed') return;
    reservation.state = 'active';
    for (const claim of reservation.claims) {
      const at = reservation.start + claim.afterStartMs;
      if (at >= this.books.now) this.at(at, () => this.claim(reservation, claim));
    }
  }

  private claim(reservation: Reservation, { userId, staysMs }: SimulatedClaim): void {
    const { books, site, counts, events, claimed } = this;
    const { asked, start, end, bookedAt, state } = reservation;
    const slot = reservation.slots.find(({ guest }) => guest === null);
    const answer = this.answers.get(asked.id);
    if (slot === undefined || state !== 'active') {
      if (answer !== undefined) answer.turnedAway++;
      return;
    }
    const id = `${asked.id}.${String(counts.claims++)}`;
    const guest = this.launch({ id, name: id, type: 'AR', userId, groupId: asked.groupId, need: asked.need, priority: asked.priority, createdAt: books.now, runMs: end - books.now, staysMs });
    slot.guest = guest;
    guest.slot = slot;
    books.changed(slot.host);
    const inTime = books.now < start + site.rules.noShowGraceMs && start - bookedAt >= noticeMs(slot.host, site.rules);
    const one: Claimed = { reservation, guest, promised: inTime, roomExisted: false };
    claimed.push(one);
    this.enqueue(guest);
    events.add(
      books.now + onTimeMs + 1,
      quietly(() => {
        if (guest.firstStartAt === null && guest.slot !== null) one.roomExisted = books.hasItsRoom(guest.slot);
      }),
    );
  }

  private endReservation(reservation: Reservation): void {
    if (reservation.state === 'over') return;
    reservation.state = 'over';
    this.unbook(reservation);
    for (const slot of reservation.slots) {
      const { guest } = slot;
      slot.guest = null;
      if (guest === null) continue;
      guest.slot = null;
      if (this.books.waiting.has(guest)) this.gone(guest, 'given-up');
      else this.timeIsOver(guest);
    }
    this.books.reservations.delete(reservation.id);
  }

  /** Plans, carries it out, and plans again as long as that changed anything. */
  private decide(): void {
    const { books, site, counts } = this;
    for (let asked: readonly WaitingInstance[] = books.waitingViews(); ; ) {
      counts.plans++;
      const planned = plan(books.snapshot(), asked, site.policies, books.now);
      this.dueAt = planned.dueAt === null ? null : Math.max(planned.dueAt, books.now + 1);
      const changed = this.carryOut(planned);
      if (changed === 'nothing') return;
      // Who was refused room while there was more of it is refused again: only who waits for others is in the way of anybody.
      asked = changed === 'less room' ? books.waitingViews([...books.waiting].filter(({ nominatedTo, type }) => nominatedTo !== null || type === 'AR')) : books.waitingViews();
    }
  }

  private carryOut({ recalls, decisions }: Plan): 'nothing' | 'less room' | 'all' {
    const { books } = this;
    let placed = false;
    let back = false;
    for (const { victims } of recalls) {
      for (const { instance } of victims) back = this.giveWay(instance.id, 'recall') || back;
      placed = placed || victims.length > 0;
    }
    for (const decision of decisions) {
      const guest = this.guests.get(decision.instance.id);
      if (guest === undefined || !books.waiting.has(guest)) continue;
      switch (decision.kind) {
        case 'queue':
          guest.nominatedTo = decision.nominatedTo;
          break;
        case 'place':
        case 'resume':
          this.start(guest, decision);
          placed = true;
          break;
        case 'preempt':
          guest.nominatedTo = decision.slaveId;
          for (const { instance } of decision.victims) back = this.giveWay(instance.id, guest.type === 'AR' ? 'claim' : 'priority') || back;
          placed = true;
          break;
        case 'refuse':
          this.gone(guest, 'refused');
          back = true;
      }
    }
    return back ? 'all' : placed ? 'less room' : 'nothing';
  }

  private start(guest: Guest, decision: Extract<Decision, { kind: 'place' | 'resume' }>): void {
    const { books, times, counts } = this;
    const { now } = books;
    const host = books.host(decision.slaveId);
    const bound = guest.host !== null;
    this.waitIsOver(guest);
    books.waiting.delete(guest);
    guest.firstStartAt ??= now;
    guest.nominatedTo = null;
    guest.endsAt = decision.instance.runMs === null ? null : now + decision.instance.runMs;
    guest.leavesAt = now + guest.staysMs;
    const { slot } = guest;
    if (slot !== null && slot.host !== host) {
      // Its slot goes where it runs.
      books.setSlots(slot.host, slot.host.slots.filter((one) => one !== slot));
      slot.host = host;
      books.setSlots(host, [...host.slots, slot]);
    }
    books.occupy(guest, host);
    if (bound) {
      counts.resumptions++;
      books.become(guest, 'resuming');
      this.runs(guest, times.resumingMs);
    } else {
      counts.placements++;
      books.lastPlacedOn = host.id;
      books.become(guest, 'preparing');
      this.runs(guest, times.preparingMs);
    }
  }

  /** Whether it waits again at once. */
  private giveWay(id: string, cause: Suspension['cause']): boolean {
    const { books, site } = this;
    const guest = this.guests.get(id);
    if (guest === undefined || guest.leaving || guest.host === null) return false;
    const { now } = books;
    this.suspensions.push({ at: now, instanceId: id, cause });
    books.countPreemption(guest);
    const leftMs = guest.endsAt === null ? null : guest.endsAt - now;
    if (guest.observed === 'preparing') {
      this.backToTheQueue(guest);
      return true;
    }
    // One whose time is nearly over just ends.
    if (leftMs !== null && leftMs <= site.rules.shortestLoanMs) this.timeIsOver(guest);
    else {
      // Its clock stands, and its person's, until it goes on.
      guest.runMs = leftMs;
      guest.staysMs = guest.leavesAt - now;
      guest.agesSince += now - guest.since;
      guest.waitsSince = now;
      this.save(guest);
    }
    return false;
  }

  /** What its host had begun to make is cleaned away; until then it keeps its room there. */
  private backToTheQueue(guest: Guest): void {
    const { books, times } = this;
    const { host } = guest;
    if (host === null) return;
    const attempt = { slaveId: host.id, slaveName: host.facts.name, code: null, sentence: null, cleaning: true };
    guest.attempts = [...guest.attempts, attempt];
    guest.endsAt = null;
    host.guests.delete(guest);
    guest.host = null;
    // It never ran: it has waited since it was asked for.
    guest.firstStartAt = null;
    guest.waitsSince = guest.createdAt;
    guest.waitedMs = 0;
    books.become(guest, 'queued');
    books.changed(host);
    this.enqueue(guest);
    this.after(times.cleaningMs, () => {
      guest.attempts = guest.attempts.filter((one) => one !== attempt);
      books.cleaned(host, guest);
    });
  }

  private outcome(): SimulationOutcome {
    const { books, site, suspensions, counts } = this;
    const best = [...this.guests.values()].filter(({ type }) => type === 'BE');
    const byReservation = new Map<string, ClaimOutcome[]>(site.reservations.map(({ id }) => [id, []]));
    for (const one of this.claimed) byReservation.get(one.reservation.id)?.push(this.claimOutcome(one));
    return {
      requests: best.map((guest) => this.requestOutcome(guest)),
      reservations: site.reservations.map(({ id }): ReservationOutcome => {
        const { answer, sentence, moved, turnedAway } = this.answers.get(id) ?? { answer: 'unasked', sentence: null, moved: null, turnedAway: 0 };
        return { id, answer, sentence, moved, claims: byReservation.get(id) ?? [], turnedAway };
      }),
      utilisation: this.record.ended(),
      suspensions,
      capacityCores: site.slaves.reduce((sum, { capacity }) => sum + capacity.vcpus, 0),
      counts,
      oversubscribed: books.oversubscribed,
    };
  }

  private requestOutcome({ id, createdAt, firstStartAt, waitsSince, waitedMs, suspensions, endedAt, ends }: Guest): RequestOutcome {
    const waits = waitsSince !== null;
    const ending = endedAt === null ? null : ends;
    return { id, submittedAt: createdAt, firstStartAt, totalWaitMs: waitedMs + (waitsSince === null ? 0 : this.books.now - waitsSince), suspensions, endedAt, ending, waits };
  }

  private claimOutcome({ guest, promised, roomExisted }: Claimed): ClaimOutcome {
    const { id: instanceId, createdAt: claimedAt, firstStartAt: startedAt, waitedMs, waitsSince } = guest;
    const waitMs = waitedMs + (waitsSince === null ? 0 : this.books.now - waitsSince);
    const late = waitMs > onTimeMs;
    return { instanceId, claimedAt, startedAt, waitMs, promised, late, roomExisted: late && roomExisted };
  }
}

const quietly = (happen: () => void): Happening => () => {
  happen();
  return 'quiet';
};

const loudly = (happen: () => void): Happening => () => {
  happen();
  return undefined;
};

/** Booked with less notice than saving everything that can run there takes, room may come later than the start. */
function noticeMs({ facts: { capacity, saveMiBPerSecond } }: Host, rules: SimulatedSite['rules']): number {
  const guests = Math.max(1, Math.floor(capacity.vcpus));
  return guests * leadMs([capacity.ramMiB / guests], saveMiBPerSecond, rules);
}
