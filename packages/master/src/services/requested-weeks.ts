import type { RequestReservationBody } from '@paravcl/shared/api/reservations';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { ReservationRules } from '../core/reservation-rules';
import { tellDay } from '../core/tell-time';
import { endOfDay, localStart, longestSeriesMs, momentOf, weeksUntil, type LocalStart } from '../core/weekly';
import type { Repositories } from '../repositories/repositories';
import type { InstanceSettings, ReservationSettings } from './instance-settings';
import { priorityOfRequest, type PriorityRules } from './request-priority';
import { minutesOf, requireWindow, wishedOwner, wishedSize, wishedWindow, type ReservationWish } from './reservation-wish';

export interface WishSettings {
  readonly settings: Pick<InstanceSettings, 'defaults'>;
  readonly reservations: ReservationSettings;
  readonly priority: PriorityRules;
}

/** A request with everything filled in: its first window, those of later weeks that are near, and what follows beyond the horizon. */
export interface RequestedWeeks {
  readonly wishes: readonly [ReservationWish, ...ReservationWish[]];
  /** Null for a request that does not repeat. */
  readonly series: { readonly id: string; readonly next: LocalStart | null; readonly until: string } | null;
  /** What the person should know of the priority. */
  readonly said: readonly string[];
}

/**
 * What a request comes to; nothing of it is decided yet.
 * @throws ParavclError `not-found` (what is to run), `invalid-input` with field, limit and way out, `image-not-ready`
 */
export async function requestedWeeks(repositories: Repositories, principal: Principal, body: RequestReservationBody, id: string, site: WishSettings, now: EpochMs): Promise<RequestedWeeks> {
  const owner = await wishedOwner(repositories, principal, body.groupId, site.reservations);
  const window = wishedWindow(body, owner.rules);
  requireWindow(owner.rules, window, now);
  const weeks = body.weeklyUntil === undefined ? null : nearWeeks(window.start, body.weeklyUntil, owner.rules, now);
  const { image, ...size } = await wishedSize(repositories, body, principal, site.settings.defaults);
  const requestedMinutes = minutesOf(window);
  const asking = { who: principal, image, reservationGroupId: body.groupId, ramMiB: size.ramMiB, minutes: requestedMinutes, asSlave: body.asSlave === true };
  const priority = await priorityOfRequest(repositories, asking, site.priority, now);
  const seriesId = weeks === null ? null : newId(now);
  const first: ReservationWish = {
    id, userId: principal.userId, groupId: body.groupId, imageId: image?.id ?? null, ...window, count: body.count, ...size,
    priority: priority.parts, requestedMinutes, seriesId, createdAt: now, owner,
  };
  const later = (weeks?.later ?? []).map((start): ReservationWish => ({ ...first, id: newId(now), start, end: start + (window.end - window.start) }));
  for (const wish of later) requireWindow(owner.rules, wish, now);
  return {
    wishes: [first, ...later],
    series: weeks === null || seriesId === null || body.weeklyUntil === undefined ? null : { id: seriesId, next: weeks.next, until: body.weeklyUntil },
    said: priority.said,
  };
}

/** Starts of the weeks after the first that lie within the horizon, and the first one beyond it. Throws `invalid-input`. */
function nearWeeks(start: EpochMs, until: string, rules: ReservationRules, now: EpochMs): { readonly later: readonly EpochMs[]; readonly next: LocalStart | null } {
  const { timeZone, lastDay } = rules;
  const first = localStart(start, timeZone);
  const last = localStart(start + longestSeriesMs, timeZone).slice(0, 10);
  if (until < first.slice(0, 10) || until > last) {
    const limit = `${first.slice(0, 10)} to ${last}`;
    throw new ParavclError('invalid-input', `A weekly repeat ends between its first day, ${tellDay(start, timeZone, now)}, and a year later, not on ${until}. Choose a date from ${first.slice(0, 10)} to ${last}.`, { field: 'weeklyUntil', limit });
  }
  const { near, next } = weeksUntil(first, until, endOfDay(now, lastDay, timeZone));
  return { later: near.slice(1).map((local) => requireMoment(local, timeZone)), next };
}

function requireMoment(local: LocalStart, timeZone: string): EpochMs {
  const at = momentOf(local, timeZone);
  if (at !== null) return at;
  throw new ParavclError('invalid-input', `${local.replace('T', ' ')} does not exist in ${timeZone}, where the clocks go forward that night. Repeat it at another time of day, or end the repeat before.`, { field: 'weeklyUntil', limit: `a time that exists in ${timeZone}` });
}
