import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { holdingReservationStates, type Reservation } from '@paravcl/shared/domain/reservation';
import { ParavclError } from '@paravcl/shared/errors';
import { priorityOf } from '@paravcl/shared/priority';
import { repeatCancelled } from '../core/explain-repeat';
import type { ReservationRecord } from '../core/reservation-record';
import type { FixedSlot } from '../core/reservation-request';
import { standingSentence } from '../core/reservation-standing';
import { fit } from '../core/say';
import { roomFor } from '../core/snapshot';
import { tellDatedWindow, tellMoment } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { Acting } from './acting';
import type { BestEffortRules } from './best-effort-priority';
import { desiredStates } from './desired-state';
import type { InstanceSettings, Quotas, ReservationSettings } from './instance-settings';
import type { AgentPort, SchedulerWake } from './ports';
import { missingReservation, requireOperate } from './reservation-access';
import type { ReservationAdmission } from './reservation-admission';
import { becomeBestEffort, giveEnd, type ToTell } from './reservation-instances';
import { requireReservationQuota } from './reservation-limits';
import { answerable, byPerson, claimants, tellPeople } from './reservation-people';
import { earlierAnswer, viewOf, writtenAnswer } from './reservation-view';
import { minutesOf, ownerOf, requireExtension, requireWindow, wishedMoment, wishedWindow, type AskedWindow, type ReservationOwner } from './reservation-wish';

export interface ReservationChangesDeps {
  readonly unitOfWork: UnitOfWork;
  readonly admission: ReservationAdmission;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly reservations: ReservationSettings;
  readonly priority: BestEffortRules;
  readonly quotas: Quotas;
  /** Told of a desired state that could not be sent; what was asked for is written. */
  readonly onFault: (error: unknown) => void;
}

/** What is asked of one reservation, locked and allowed. */
interface Present {
  readonly repositories: Repositories;
  readonly present: ReservationRecord;
  readonly owner: ReservationOwner;
  readonly now: EpochMs;
}

/** What those who answer for a reservation do with it. Whatever takes room is admitted anew, and keeps what it has when it is not. */
export class ReservationChanges {
  constructor(private readonly deps: ReservationChangesDeps) {}

  /** Says that the new time of a moved reservation is fine; once more changes nothing. Throws `conflict` when it was not moved. */
  acceptMove(acting: Acting, id: string): Promise<Reservation> {
    return this.shown(acting.principal, id, async ({ repositories, present, now }) => {
      const { moved } = present;
      if (moved === null) throw new ParavclError('conflict', 'This reservation was not moved: it keeps the time it was made for.');
      return moved.accepted ? present : this.write(repositories, present, { moved: { ...moved, accepted: true }, changedAt: now });
    });
  }

  /**
   * Another time for a reservation that has not begun; without end or minutes it lasts as long as before.
   * Throws `invalid-input`, `quota-exceeded`, `reservation-refused` with offers, and `conflict` when it has begun or is over.
   */
  reschedule(acting: Acting, id: string, asked: AskedWindow): Promise<ReservationAnswer> {
    return this.change(acting.principal, id, async (about) => {
      const { present, owner, now } = about;
      if (present.state !== 'confirmed' || present.start <= now) throw this.tooLate(about, 'Its time cannot be changed any more');
      const window = wishedWindow(asked, owner.rules, present.end - present.start);
      requireWindow(owner.rules, window, now);
      return this.readmit(acting, about, window, []);
    });
  }

  /**
   * A later end, admitted as a request for the total time; its instances get it too. Once more changes nothing.
   * Throws as `reschedule` does, `conflict` when it is over.
   */
  async extend(acting: Acting, id: string, asked: { readonly end: string; readonly timeZone?: string | undefined }): Promise<ReservationAnswer> {
    let toTell: ToTell = [];
    const answer = await this.change(acting.principal, id, async (about) => {
      const { repositories, present, owner, now } = about;
      if (!holdingReservationStates.includes(present.state) || present.end <= now) throw this.tooLate(about, 'It cannot be extended any more');
      const { timeZone } = owner.rules;
      const end = wishedMoment(asked.end, asked.timeZone ?? timeZone, 'end');
      if (end === present.end) return earlierAnswer(repositories, present);
      if (end < present.end) {
        const until = tellMoment(present.end, timeZone, now);
        throw new ParavclError('invalid-input', `It lasts until ${until} already. Choose a later end; to end it earlier, release it once it has begun.`, { field: 'end', limit: `after ${until}` });
      }
      const window = { start: present.start, end };
      requireExtension(owner.rules, window, now);
      const extended = await this.readmit(acting, about, window, present.start <= now ? await claimedSlots(repositories, present) : []);
      toTell = await giveEnd(repositories, { id, end }, { by: byPerson(acting).actor, now, settings: this.deps.settings });
      return extended;
    });
    await this.push(toTell);
    return answer;
  }

  /**
   * Takes back what has not begun, with `series` every later week of its repeat too. Once more changes nothing.
   * Throws `conflict` when it has begun.
   */
  cancel(acting: Acting, id: string, { series }: { readonly series: boolean }): Promise<Reservation> {
    return this.shown(acting.principal, id, async (about) => {
      const { repositories, present, now } = about;
      const { state, start, seriesId } = present;
      if (state !== 'cancelled' && (state !== 'confirmed' || start <= now)) throw this.tooLate(about, 'It cannot be cancelled any more');
      const after = state === 'cancelled' ? present : await this.takeBack(acting, about);
      if (!series || seriesId === null) return after;
      let went = 0;
      for (const { id: laterId } of await repositories.reservations.ofSeries(seriesId)) {
        // Locked one by one: one that has begun meanwhile stays.
        const later = await repositories.reservations.lock(laterId);
        if (later?.state !== 'confirmed' || later.start <= Math.max(start, now)) continue;
        await this.takeBack(acting, { ...about, present: later });
        went += 1;
      }
      const wentOn = (await repositories.series.find(seriesId))?.nextStart != null;
      await repositories.series.change(seriesId, { nextStart: null });
      // Once more changes nothing, and says what was said then.
      if (state === 'cancelled' && went === 0 && !wentOn) return after;
      return this.write(repositories, after, { sentence: fit(`${after.sentence} ${repeatCancelled(went)}`), changedAt: now });
    });
  }

  /**
   * Gives back the rest of what has begun; what runs in it goes on as best-effort. Once more changes nothing.
   * Throws `conflict` before it has begun.
   */
  release(acting: Acting, id: string): Promise<Reservation> {
    return this.shown(acting.principal, id, async (about) => {
      const { repositories, present, owner, now } = about;
      const { state, start, end } = present;
      if (state === 'released') return present;
      if (state === 'confirmed' && start > now) throw new ParavclError('conflict', 'It has not begun yet, so there is nothing to give back. Cancel it.');
      if (!holdingReservationStates.includes(state) || end <= now) throw this.tooLate(about, 'There is nothing left to give back');
      // The job that follows the clock may not have come by yet.
      const begun = state === 'confirmed' ? await this.write(repositories, present, { state: 'active', changedAt: now }) : present;
      const instances = await repositories.instances.ofReservation(id);
      const after = await this.write(repositories, begun, { state: 'released', sentence: standingSentence({ ...begun, state: 'released' }, owner.name, owner.rules.timeZone, now), changedAt: now });
      const by = byPerson(acting);
      const toBestEffort = { rules: this.deps.priority, context: { by: by.actor, now, settings: this.deps.settings } };
      for (const instance of instances) await becomeBestEffort(repositories, instance.id, toBestEffort);
      const people = new Set([...(await claimants(repositories, present)), ...instances.map(({ userId }) => userId)]);
      const sentence = `${acting.principal.userName} gave back what was reserved for ${owner.name}, ${tellDatedWindow(present, owner.rules.timeZone, now)}. What runs in it goes on as best-effort: it may be suspended for a higher priority.`;
      await tellPeople(repositories, exceptFor(acting, people), after, { kind: 'reservation.ended', sentence, decisionId: null }, now, by);
      return after;
    });
  }

  private async takeBack(acting: Acting, { repositories, present, owner, now }: Present): Promise<ReservationRecord> {
    const after = await this.write(repositories, present, { state: 'cancelled', sentence: standingSentence({ ...present, state: 'cancelled' }, owner.name, owner.rules.timeZone, now), changedAt: now });
    await repositories.bookings.remove(present.id);
    const people = exceptFor(acting, await answerable(repositories, present));
    await tellPeople(repositories, people, present, { kind: 'reservation.ended', sentence: `${acting.principal.userName} cancelled: ${present.sentence}`, decisionId: null }, now, byPerson(acting));
    return after;
  }

  private async readmit(acting: Acting, { repositories, present, owner, now }: Present, window: { readonly start: EpochMs; readonly end: EpochMs }, fixed: readonly FixedSlot[]): Promise<ReservationAnswer> {
    const { admission, quotas, priority: { formula } } = this.deps;
    const requestedMinutes = minutesOf(window);
    const { pfv, ras, mon } = present.priority;
    // The factors stay as they were at the request; only the time counts anew.
    const priority = priorityOf({ pfv, ras: ras === 1, mon: mon === 1, ramMiB: present.ramMiB, minutes: requestedMinutes }, formula);
    const wish = { ...present, ...window, priority, requestedMinutes, owner };
    await requireReservationQuota(repositories, acting.principal, wish, quotas);
    const before = await repositories.bookings.ofReservations([present.id]);
    const by = byPerson(acting);
    const written = await admission.readmit(repositories, await admission.require(repositories, wish, fixed, now, acting.principal.userId), present, before, by);
    // Those who claim count on a window that is open; before that they are told when it opens.
    const people = present.start <= now ? await claimants(repositories, present) : await answerable(repositories, present);
    const { timeZone } = owner.rules;
    const sentence = `${acting.principal.userName} changed what is reserved for ${owner.name}: it was ${tellDatedWindow(present, timeZone, now)}, and is ${tellDatedWindow(window, timeZone, now)} now.`;
    await tellPeople(repositories, exceptFor(acting, people), present, { kind: 'reservation.changed', sentence, decisionId: written.decisionId }, now, by);
    return writtenAnswer(written, [written], await repositories.bookings.ofReservations([present.id]));
  }

  private async write(repositories: Repositories, before: ReservationRecord, change: Partial<ReservationRecord>): Promise<ReservationRecord> {
    if (!(await repositories.reservations.change(before.id, before.state, change))) throw new ParavclError('conflict', 'The reservation has just changed. Look at it again and try once more.');
    return { ...before, ...change };
  }

  /** The same for what answers the reservation itself. */
  private shown(principal: Principal, id: string, work: (about: Present) => Promise<ReservationRecord>): Promise<Reservation> {
    return this.change(principal, id, async (about) => viewOf(about.repositories, await work(about)));
  }

  /** Runs `work` on a reservation that the principal may change, while nobody else changes the calendar. */
  private async change<T>(principal: Principal, id: string, work: (about: Present) => Promise<T>): Promise<T> {
    const { admission, clock, reservations, scheduler } = this.deps;
    const result = await admission.alone(async (repositories) => {
      const present = await repositories.reservations.lock(id);
      if (present === null) throw missingReservation(id);
      requireOperate(principal, present);
      return work({ repositories, present, owner: await ownerOf(repositories, present, reservations), now: clock.now() });
    });
    scheduler.wake();
    return result;
  }

  private async push(toTell: ToTell): Promise<void> {
    const { agents, unitOfWork, settings, onFault } = this.deps;
    for (const instance of toTell) {
      if (instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    }
  }

  private tooLate({ present: { state, start, end }, owner, now }: Present, what: string): ParavclError {
    const { timeZone } = owner.rules;
    const why = state === 'cancelled' ? 'It was cancelled.' : state === 'released' ? 'It was given back.' : end <= now ? `It is over since ${tellMoment(end, timeZone, now)}.` : `It has begun at ${tellMoment(start, timeZone, now)}.`;
    const way = holdingReservationStates.includes(state) && end > now ? 'Release it to give the rest back, or extend it.' : 'Reserve again.';
    return new ParavclError('conflict', `${why} ${what}. ${way}`);
  }
}

/** Nobody is told what they did themselves. */
function exceptFor({ principal }: Acting, people: Iterable<string>): readonly string[] {
  return [...people].filter((userId) => userId !== principal.userId);
}

/** Slots that an instance was claimed from stay where they are; of their disk only what is not there already is asked for. */
async function claimedSlots(repositories: Repositories, { id, end }: Pick<ReservationRecord, 'id' | 'end'>): Promise<readonly FixedSlot[]> {
  const placed = new Map((await repositories.instances.ofReservation(id)).filter(({ slaveId }) => slaveId !== null).map((instance) => [instance.id, roomFor(instance).diskMiB]));
  const bookings = await repositories.bookings.ofReservations([id]);
  return bookings.flatMap(({ slot, slaveId, instanceId }) => (instanceId === null ? [] : [{ slot, slaveId, promisedDiskMiB: placed.get(instanceId) ?? 0, heldUntil: end }]));
}
