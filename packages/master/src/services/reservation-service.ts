import type { Page } from '@paravcl/shared/api/page';
import type { RequestReservationBody, ReservationAnswer } from '@paravcl/shared/api/reservations';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Reservation, ReservationState } from '@paravcl/shared/domain/reservation';
import { newId } from '@paravcl/shared/ids';
import { refusedWeek, repeats } from '../core/explain-repeat';
import type { ReservationRecord } from '../core/reservation-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { Acting } from './acting';
import type { Quotas } from './instance-settings';
import type { Participation } from './participation';
import { reach } from './policy';
import type { SchedulerWake } from './ports';
import type { PreCopyService } from './pre-copy-service';
import { requestedWeeks, type RequestedWeeks, type WishSettings } from './requested-weeks';
import { missingReservation, requireSee } from './reservation-access';
import { NotAdmitted, offersOf, type Decided, type Granted, type ReservationAdmission, type Written } from './reservation-admission';
import { requireOpenShare, requireReservationQuota } from './reservation-limits';
import { answerable, byPerson, tellPeople } from './reservation-people';
import { earlierAnswer, reservationView, viewOf, writtenAnswer } from './reservation-view';
import { movesView } from './reservation-decision';
import { minutesOf, type ReservationWish } from './reservation-wish';

export interface ReservationServiceDeps extends WishSettings {
  readonly unitOfWork: UnitOfWork;
  readonly admission: ReservationAdmission;
  readonly participation: Pick<Participation, 'takePart' | 'wouldTakePart'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly quotas: Quotas;
  readonly preCopy: Pick<PreCopyService, 'readinessOf'>;
}

export interface ReservationQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly state?: ReservationState | undefined;
  readonly userId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Reserving, and reading what is reserved. Whether it fits is decided at once, by `ReservationAdmission`. */
export class ReservationService {
  constructor(private readonly deps: ReservationServiceDeps) {}

  /**
   * Reserves, with every week of a repeat that lies within the horizon: all of them or none.
   * Asked again under the same `reservedId` it answers what was reserved under it.
   * Throws `invalid-input`, `image-not-ready`, `quota-exceeded`, `participation-required`, `reservation-refused` with offers.
   */
  async request(acting: Acting, body: RequestReservationBody, reservedId: string | null = null): Promise<ReservationAnswer> {
    const { principal, clientAddress } = acting;
    const { admission, participation, clock, scheduler } = this.deps;
    const by = byPerson(acting);
    const answer = await admission.alone(async (repositories): Promise<ReservationAnswer> => {
      const now = clock.now();
      // What counts and promises of this person is written one after the other.
      await repositories.users.lock(principal.userId);
      const earlier = reservedId === null ? null : await repositories.reservations.find(reservedId);
      if (earlier?.userId === principal.userId) return earlierAnswer(repositories, earlier, (await laterWeeks(repositories, earlier)).map(seriesView));
      const weeks = await this.wished(repositories, principal, body, reservedId ?? newId(now), now);
      const { wishes: [wish, ...laterWishes], series, said } = weeks;
      const first = await admission.book(repositories, await this.requireWeek(repositories, weeks, wish, now), by);
      const later: Written[] = [];
      // One after the other: each sees those before it.
      for (const one of laterWishes) later.push(await admission.book(repositories, await this.requireWeek(repositories, weeks, one, now), by));
      if (series !== null) {
        await repositories.series.insert({ id: series.id, userId: principal.userId, reservationId: wish.id, nextStart: series.next, until: series.until, minutes: minutesOf(wish) }, now);
      }
      const part = await participation.takePart(repositories, { principal, clientAddress }, body.asSlave === true, now);
      const others = (await answerable(repositories, wish)).filter((id) => id !== principal.userId);
      await tellPeople(repositories, others, wish, { kind: 'reservation.confirmed', sentence: `${principal.userName} reserved: ${first.reservation.sentence}`, decisionId: first.decisionId }, now, by);
      return {
        ...writtenAnswer(first, [first, ...later], []),
        sentence: [first.sentence, ...repeatSaid(weeks), ...said, ...part.warnings].join(' '),
        series: later.map(({ reservation }) => seriesView(reservation)),
        pledge: part.pledge,
      };
    });
    scheduler.wake();
    return answer;
  }

  /** What a request would come to now; writes nothing and counts nothing. Throws as `request` does, but answers a refusal by the calendar. */
  async check({ principal }: Acting, body: RequestReservationBody): Promise<ReservationAnswer> {
    const { admission, clock, participation, unitOfWork: { read } } = this.deps;
    const now = clock.now();
    const weeks = await this.wished(read, principal, body, newId(now), now);
    const { wishes: [wish, ...laterWishes], said } = weeks;
    let shown = await admission.decide(read, wish, [], now);
    const moves = movesView(shown.admission);
    for (const one of laterWishes) {
      // A repeat is refused for its first week that is.
      if (shown.admission.kind === 'refused') break;
      const later = await admission.decide(read, one, [], now);
      if (later.admission.kind === 'refused') shown = later;
      moves.push(...movesView(later.admission));
    }
    const admitted = shown.admission.kind === 'admitted';
    const part = admitted ? await participation.wouldTakePart(read, principal, body.asSlave === true, now) : [];
    return {
      reservation: null, admitted, sentence: [...(admitted ? [shown.sentence, ...repeatSaid(weeks)] : [asWeek(weeks, shown).sentence]), ...said, ...part].join(' '), priority: wish.priority,
      moves: admitted ? moves : [], offers: [...offersOf(shown)], series: [], pledge: null, decisionId: null,
    };
  }

  async list(principal: Principal, query: ReservationQuery): Promise<Page<Reservation>> {
    const { read } = this.deps.unitOfWork;
    const { userId, groupIds, ownedGroupIds } = principal;
    const visibleTo = reach(principal, 'reservation.list') === 'own' ? { userId, groupIds: [...groupIds, ...ownedGroupIds] } : undefined;
    const moment = (text: string | undefined): EpochMs | undefined => (text === undefined ? undefined : Date.parse(text));
    const { items, next } = await read.reservations.page({ ...query, from: moment(query.from), to: moment(query.to), visibleTo });
    const bookings = await read.bookings.ofReservations(items.map(({ id }) => id));
    return { items: items.map((item) => this.withReadiness(reservationView(item, bookings))), next };
  }

  async get(principal: Principal, id: string): Promise<Reservation> {
    const { read } = this.deps.unitOfWork;
    const reservation = await read.reservations.find(id);
    if (reservation === null) throw missingReservation(id);
    requireSee(principal, reservation);
    return this.withReadiness(await viewOf(read, reservation));
  }

  private withReadiness(view: Reservation): Reservation {
    const readiness = this.deps.preCopy.readinessOf(view.id);
    return readiness === null ? view : { ...view, readiness };
  }

  /** A refused one names its week, and what to do with the repeat. */
  private async requireWeek(repositories: Repositories, weeks: RequestedWeeks, wish: ReservationWish, now: EpochMs): Promise<Granted> {
    try {
      return await this.deps.admission.require(repositories, wish, [], now);
    } catch (error) {
      throw error instanceof NotAdmitted ? new NotAdmitted(asWeek(weeks, error.decided)) : error;
    }
  }

  private async wished(repositories: Repositories, principal: Principal, body: RequestReservationBody, id: string, now: EpochMs): Promise<RequestedWeeks> {
    const weeks = await requestedWeeks(repositories, principal, body, id, this.deps, now);
    await requireOpenShare(repositories, principal, weeks.wishes[0], weeks.wishes.length);
    for (const wish of weeks.wishes) await requireReservationQuota(repositories, principal, wish, this.deps.quotas);
    return weeks;
  }
}

/** The same answer, about a week of a repeat. */
function asWeek({ wishes, series }: RequestedWeeks, decided: Decided): Decided {
  if (series === null) return decided;
  const { wish: { id, start, owner }, sentence, at } = decided;
  const week = wishes.findIndex((one) => one.id === id);
  return { ...decided, sentence: refusedWeek(sentence, week, start, owner.rules.timeZone, at) };
}

function repeatSaid({ wishes, series }: RequestedWeeks): readonly string[] {
  return series === null ? [] : [repeats(series.until, wishes.length, series.next !== null)];
}

async function laterWeeks(repositories: Repositories, { id, seriesId }: ReservationRecord): Promise<readonly ReservationRecord[]> {
  return seriesId === null ? [] : (await repositories.reservations.ofSeries(seriesId)).filter((one) => one.id !== id);
}

function seriesView({ id, start }: ReservationRecord): ReservationAnswer['series'][number] {
  return { reservationId: id, start: new Date(start).toISOString() };
}
