import type { EpochMs } from '@paravcl/shared/clock';
import type { Offer } from '@paravcl/shared/domain/decision';
import { ParavclError } from '@paravcl/shared/errors';
import { admit } from '../core/admit';
import { admittedSentence, movedSentence } from '../core/explain-reservation';
import type { BookingRecord, ReservationRecord } from '../core/reservation-record';
import type { Admission, FixedSlot, HeldReservation, Move, ReservationRequest } from '../core/reservation-request';
import { standingSentence } from '../core/reservation-standing';
import { roomFor, type Snapshot } from '../core/snapshot';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { lockCalendar } from './calendar-lock';
import { keepInputs } from './decision-inputs';
import { heldReservations } from './held-reservations';
import type { ReservationSettings, SchedulingSettings } from './instance-settings';
import { admissionDecision, moveDecision, offerView, type DecidedBy } from './reservation-decision';
import { answerable, tellPeople, type By } from './reservation-people';
import { ownerOf, type ReservationWish } from './reservation-wish';
import type { WorkingWorld } from './working-world';
import type { World } from './world-loader';

export interface AdmissionDeps {
  readonly unitOfWork: UnitOfWork;
  readonly world: Pick<WorkingWorld, 'seen' | 'decided'>;
  readonly scheduling: SchedulingSettings;
  readonly reservations: ReservationSettings;
}

/** What the calendar answers to a wish, and what it was made of. Nothing is written yet. */
export interface Decided {
  readonly wish: ReservationWish;
  readonly admission: Admission;
  readonly sentence: string;
  readonly world: Snapshot;
  readonly held: readonly HeldReservation[];
  readonly request: ReservationRequest;
  readonly at: EpochMs;
}

/** A wish that the calendar admits. */
export type Granted = Decided & { readonly admission: Extract<Admission, { kind: 'admitted' }> };

/** What is booked of a reservation that was admitted. */
export interface Written {
  readonly reservation: ReservationRecord;
  readonly sentence: string;
  readonly moves: readonly Move[];
  readonly decisionId: string;
}

/** Thrown out of a transaction that must write nothing, so that `refuse` can say why in its own. */
export class NotAdmitted extends Error {
  override readonly name = 'NotAdmitted';
  constructor(readonly decided: Decided) {
    super(decided.sentence);
  }
}

/**
 * Admission of reservations. What is confirmed can be packed because every slot has its slave, and two admissions never
 * look at one calendar at a time: whoever decides holds the site-wide lock until what was decided is written, all of it
 * or nothing: the reservation and its slots, whoever gave way, the decisions, who is told.
 */
export class ReservationAdmission {
  constructor(private readonly deps: AdmissionDeps) {}

  /**
   * Runs `work` while nobody else changes the calendar. A wish that is not admitted (`require`) leaves nothing but its
   * decision. Throws what `work` throws, and `reservation-refused` with offers.
   */
  async alone<T>(work: (repositories: Repositories) => Promise<T>): Promise<T> {
    try {
      return await this.deps.unitOfWork.transaction(async (repositories) => {
        await lockCalendar(repositories);
        return work(repositories);
      });
    } catch (error) {
      if (error instanceof NotAdmitted) throw await this.refusal(error.decided);
      throw error;
    }
  }

  /** What the calendar would answer to `askedBy`, who has it alone or only looks, outside of any transaction; changes nothing. `fixed` slots stay where they are. */
  async decide(repositories: Repositories, wish: ReservationWish, fixed: readonly FixedSlot[], at: EpochMs, askedBy: string = wish.userId): Promise<Decided> {
    const { world } = this.deps;
    const decide = (seen: World): Promise<Decided> => this.decideIn(seen, repositories, wish, fixed, at, askedBy);
    if (repositories.run === null) return decide(await world.seen(at));
    return world.decided(repositories, at, decide, ({ admission }) => (admission.kind === 'refused' ? [] : slavesOf(admission)));
  }

  private async decideIn({ snapshot }: World, repositories: Repositories, wish: ReservationWish, fixed: readonly FixedSlot[], at: EpochMs, askedBy: string): Promise<Decided> {
    const held = await heldReservations(repositories, this.deps.reservations);
    const { id, start, end, count, priority, owner } = wish;
    const request: ReservationRequest = { id, start, end, count, need: roomFor(wish), pi: priority.pi, rules: owner.rules, fixed, askedBy };
    const admission = admit(snapshot, held, request, at);
    const sentence = admission.kind === 'admitted' ? admittedSentence(request, owner.name, admission, snapshot, at) : admission.reason.sentence;
    return { wish, admission, sentence, world: snapshot, held, request, at };
  }

  /** The same, to be written in this transaction; throws `NotAdmitted` otherwise. */
  async require(repositories: Repositories, wish: ReservationWish, fixed: readonly FixedSlot[], at: EpochMs, askedBy?: string): Promise<Granted> {
    const decided = await this.decide(repositories, wish, fixed, at, askedBy);
    if (decided.admission.kind === 'refused') throw new NotAdmitted(decided);
    return { ...decided, admission: decided.admission };
  }

  /** Writes what was admitted as a new reservation. */
  async book(repositories: Repositories, granted: Granted, by: By): Promise<Written> {
    const { wish: { owner, ...asked }, at } = granted;
    const confirmed = { ...asked, state: 'confirmed', moved: null, atRisk: false } as const;
    const reservation: ReservationRecord = { ...confirmed, sentence: standingSentence(confirmed, owner.name, owner.rules.timeZone, at), changedAt: at };
    await repositories.reservations.insert(reservation);
    await repositories.bookings.insert(granted.admission.bookings.map((slot) => ({ reservationId: reservation.id, ...slot, instanceId: null })));
    const written = await this.settle(repositories, granted, reservation, by);
    await repositories.events.append({ kind: 'reservation.created', subjectType: 'reservation', subjectId: reservation.id, ...by, sentence: written.sentence }, at);
    return written;
  }

  /** Writes what was admitted as another window of a reservation that is there, whose present slots are `before`; who is told is for the caller. */
  async readmit(repositories: Repositories, granted: Granted, present: ReservationRecord, before: readonly BookingRecord[], by: By): Promise<Written> {
    const { wish: { owner, start, end, priority, requestedMinutes }, admission, at } = granted;
    const changed = { ...present, start, end, priority, requestedMinutes, moved: present.moved === null ? null : { ...present.moved, accepted: true }, atRisk: false };
    const reservation: ReservationRecord = { ...changed, sentence: standingSentence(changed, owner.name, owner.rules.timeZone, at), changedAt: at };
    await this.change(repositories, reservation, present);
    for (const { slot, slaveId } of admission.bookings) {
      if (before.find((one) => one.slot === slot)?.slaveId !== slaveId) await repositories.bookings.moveSlot(reservation.id, slot, slaveId);
    }
    return this.settle(repositories, granted, reservation, by);
  }

  /** Writes the decision about a refused wish and answers the error that tells of it. */
  async refusal(decided: Decided): Promise<ParavclError> {
    const decisionId = await this.keepRefusal(decided);
    return new ParavclError('reservation-refused', decided.sentence, { offers: offersOf(decided), decisionId });
  }

  /** Writes the decision about a refused wish, for which nothing else was written; answers its id. */
  keepRefusal(decided: Decided): Promise<string> {
    const { unitOfWork } = this.deps;
    return unitOfWork.transaction(async (repositories) => {
      const decision = admissionDecision(decided.wish, decided.admission, decided.sentence, await this.decidedBy(repositories, decided));
      await repositories.decisions.insert(decision);
      return decision.id;
    });
  }

  /** The decision, and everybody who gives way, told so. */
  private async settle(repositories: Repositories, granted: Granted, reservation: ReservationRecord, by: By): Promise<Written> {
    const { admission, sentence } = granted;
    const decidedBy = await this.decidedBy(repositories, granted);
    const decision = admissionDecision(reservation, admission, sentence, decidedBy);
    await repositories.decisions.insert(decision);
    for (const move of admission.moves) await this.giveWay(repositories, granted, move, decidedBy, by);
    return { reservation, sentence, moves: admission.moves, decisionId: decision.id };
  }

  /** A weaker one holds its new place from this moment; its people may accept, choose another time or cancel. */
  private async giveWay(repositories: Repositories, { wish, at }: Granted, move: Move, decidedBy: DecidedBy, by: By): Promise<void> {
    const present = await repositories.reservations.lock(move.reservationId);
    if (present === null) throw new Error(`Reservation ${move.reservationId} is gone though the calendar is locked.`);
    const owner = await ownerOf(repositories, present, this.deps.reservations);
    const sentence = movedSentence(move, { theirs: wish.priority.pi, own: present.priority.pi }, owner.rules.timeZone, at);
    const decision = moveDecision(present, move, sentence, decidedBy);
    const moved = { ...present, ...move.to, atRisk: false, moved: { from: move.from.start, to: move.to.start, decisionId: decision.id, accepted: false } };
    await this.change(repositories, { ...moved, sentence: standingSentence(moved, owner.name, owner.rules.timeZone, at), changedAt: at }, present);
    await repositories.bookings.remove(present.id);
    await repositories.bookings.insert(move.bookings.map((slot) => ({ reservationId: present.id, ...slot, instanceId: null })));
    await repositories.decisions.insert(decision);
    await tellPeople(repositories, await answerable(repositories, present), present, { kind: 'reservation.moved', sentence, decisionId: decision.id }, at, by);
  }

  private async change(repositories: Repositories, { id, ...after }: ReservationRecord, before: ReservationRecord): Promise<void> {
    // Nobody else changes windows while the calendar is locked; only its state may have followed the clock.
    if (!(await repositories.reservations.change(id, before.state, after))) throw new ParavclError('conflict', 'The reservation has just changed. Look at it again and try once more.');
  }

  private async decidedBy(repositories: Repositories, { world, held, request, at }: Decided): Promise<DecidedBy> {
    const { ordering, placement } = this.deps.scheduling;
    return { at, considered: world.slaves.length, policy: `${ordering.name}/${placement.name}`, inputsHash: await keepInputs(repositories, { at, world, held, request }, at) };
  }
}

/** Those it takes room of. */
function slavesOf({ bookings, moves }: Extract<Admission, { kind: 'admitted' }>): readonly string[] {
  return [...bookings, ...moves.flatMap((move) => move.bookings)].map(({ slaveId }) => slaveId);
}

/** What one can have instead; nothing for what was admitted. */
export function offersOf({ admission }: Decided): readonly Offer[] {
  return admission.kind === 'refused' ? admission.offers.map(offerView) : [];
}
