import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import type { ReservationRecord, SeriesRecord } from '../core/reservation-record';
import { endOfDay, momentOf, weeksLater } from '../core/weekly';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { rulesOf, type Quotas, type ReservationSettings } from './instance-settings';
import type { PriorityRules } from './request-priority';
import { mayReserveFor } from './reservation-access';
import type { ReservationAdmission } from './reservation-admission';
import { requireOpenShare, requireReservationQuota } from './reservation-limits';
import { answerable, byMaster, tellPeople } from './reservation-people';
import { ownerOf, requireWindow, type ReservationOwner, type ReservationWish } from './reservation-wish';

export interface ReservationSeriesDeps {
  readonly unitOfWork: UnitOfWork;
  readonly admission: ReservationAdmission;
  readonly clock: Clock;
  readonly reservations: ReservationSettings;
  readonly priority: Pick<PriorityRules, 'formula'>;
  readonly quotas: Quotas;
}

/** The next week of a repeat, with what it was first asked for. */
interface DueWeek {
  readonly series: SeriesRecord & { readonly nextStart: string };
  readonly first: ReservationRecord;
  readonly owner: ReservationOwner;
}

/** Admits the weeks of repeats as they come within the horizon. A week that is refused is left out, and its people are told what they can have instead. */
export class ReservationSeries {
  constructor(private readonly deps: ReservationSeriesDeps) {}

  /** Everything that has come within somebody's horizon and is not decided yet; the earliest first. */
  async due(): Promise<readonly DueWeek[]> {
    const { unitOfWork: { read }, clock, reservations } = this.deps;
    const now = clock.now();
    const { rules, groupRules } = reservations;
    const lastDay = Math.max(rules.lastDay, ...[...groupRules.values()].map((group) => group.lastDay));
    const due: DueWeek[] = [];
    for (const { groupName, ...series } of await read.series.due(endOfDay(now, lastDay, rules.timeZone))) {
      const { nextStart } = series;
      const own = rulesOf(groupName, reservations);
      if (nextStart === null || nextStart >= endOfDay(now, own.lastDay, own.timeZone)) continue;
      const first = await read.reservations.find(series.reservationId);
      if (first !== null) due.push({ series: { ...series, nextStart }, first, owner: await ownerOf(read, first, reservations) });
    }
    return due;
  }

  /** Decides one week. Whatever comes of it, the repeat goes on with the next; it ends when its person may not reserve any more. */
  async admit(week: DueWeek): Promise<void> {
    try {
      await this.deps.admission.alone((repositories) => this.admitIn(repositories, week));
    } catch (error) {
      if (!(error instanceof ParavclError)) throw error;
      await this.leaveOut(week, error);
    }
  }

  private async admitIn(repositories: Repositories, week: DueWeek): Promise<void> {
    const { admission, clock, quotas } = this.deps;
    const now = clock.now();
    if (!(await this.goOn(repositories, week))) return;
    const wish = this.wishOf(week, now);
    requireWindow(wish.owner.rules, wish, now);
    const person = await this.personOf(repositories, week);
    await requireOpenShare(repositories, person, wish, 1);
    await requireReservationQuota(repositories, person, wish, quotas);
    const written = await admission.book(repositories, await admission.require(repositories, wish, [], now), byMaster);
    await tellPeople(repositories, await answerable(repositories, wish), wish, { kind: 'reservation.confirmed', sentence: `The next one of your weekly reservation is confirmed: ${written.reservation.sentence}`, decisionId: written.decisionId }, now);
  }

  /** Sets the repeat to the week after; false when somebody has decided this one or ended the repeat. */
  private async goOn(repositories: Repositories, { series: { id, nextStart, until } }: DueWeek): Promise<boolean> {
    const present = await repositories.series.find(id);
    if (present?.nextStart !== nextStart) return false;
    const next = weeksLater(nextStart, 1);
    await repositories.series.change(id, { nextStart: next.slice(0, 10) > until ? null : next });
    return true;
  }

  private wishOf({ series, first, owner }: DueWeek, now: EpochMs): ReservationWish {
    const { timeZone } = owner.rules;
    const start = momentOf(series.nextStart, timeZone);
    if (start === null) throw new ParavclError('invalid-input', `${series.nextStart.replace('T', ' ')} does not exist in ${timeZone}, where the clocks go forward that night.`, { field: 'start' });
    const { userId, groupId, imageId, count, vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed = null, priority: { pfv, ras, mon } } = first;
    const priority = priorityOf({ pfv, ras: ras === 1, mon: mon === 1, ramMiB, minutes: series.minutes }, this.deps.priority.formula);
    return {
      id: newId(now), userId, groupId, imageId, start, end: start + series.minutes * 60_000, count, vcpus, ramMiB, diskMiB, bandwidthMbps, minSpeed,
      priority, requestedMinutes: series.minutes, seriesId: series.id, createdAt: now, owner,
    };
  }

  /** Throws `forbidden` when whoever asked for the repeat is gone, or may not reserve for its group any more. */
  private async personOf(repositories: Repositories, { series: { userId }, first: { groupId } }: DueWeek): Promise<Principal> {
    const user = await repositories.users.find(userId);
    if (user === null || user.disabled) throw new ParavclError('forbidden', 'Whoever asked for it has no account any more.');
    const person: Principal = { userId, userName: user.name, role: user.role, groupIds: user.groupIds, ownedGroupIds: await repositories.groups.idsOfOwner(userId), sessionId: '' };
    if (groupId !== null && !mayReserveFor(person, groupId)) throw new ParavclError('forbidden', 'Whoever asked for it is not in the group any more.');
    return person;
  }

  private async leaveOut(week: DueWeek, error: ParavclError): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      const now = clock.now();
      if (!(await this.goOn(repositories, week))) return;
      const { series, first, owner } = week;
      const ended = error.code === 'forbidden';
      if (ended) await repositories.series.change(series.id, { nextStart: null });
      const what = `Your weekly reservation for ${owner.name} at ${series.nextStart.replace('T', ' ')}`;
      const sentence = ended ? `${what} and its later weeks are not made: ${error.message}` : `${what} was not made. ${error.message} The weeks after it are tried as they come.`;
      await tellPeople(repositories, await answerable(repositories, first), first, { kind: 'reservation.refused', sentence, decisionId: error.detail.decisionId ?? null }, now);
    });
  }
}
