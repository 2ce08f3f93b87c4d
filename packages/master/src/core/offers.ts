import type { EpochMs } from '@paravcl/shared/clock';
import { bestEffortNow } from './best-effort-offer';
import type { Window } from './calendar';
import { mostFitting, pack, type Calendar, type Parcel } from './packing';
import type { HeldReservation, ReservationOffer, ReservationRequest } from './reservation-request';
import { nextStarts } from './reservation-window';
import { minuteMs } from './local-time';
import { within, type Room, type Snapshot } from './snapshot';

/** What a refused request asked for, and the calendar that refused it. */
export interface Refused {
  readonly world: Snapshot;
  readonly calendar: Calendar;
  readonly held: readonly HeldReservation[];
  readonly request: ReservationRequest;
  readonly parcel: Parcel;
  readonly at: EpochMs;
}

/**
 * What one can have instead, without anybody giving way: the same at another time, less at this time, one machine
 * as best-effort now. Whoever asks for the first two at once is admitted.
 */
export function offersFor(refused: Refused): readonly ReservationOffer[] {
  const { world, request, at } = refused;
  if (request.start <= at) return [laterEnd(refused)].flatMap((offer) => offer ?? []);
  return [earliestFit(refused), largestFit(refused), bestEffortNow(world, request, at)].flatMap((offer) => offer ?? []);
}

const sized = ({ count, need }: Pick<ReservationRequest, 'count' | 'need'>): Pick<ReservationOffer, 'count' | 'vcpus'> => ({ count, vcpus: count * need.vcpus });

/**
 * The earliest fit at this size: the first start from the asked one on, as somebody who asks for Thursday is not helped
 * with today; when nothing is left up to the horizon, the first from now on.
 */
function earliestFit({ calendar, request, parcel, at }: Refused): ReservationOffer | null {
  const { rules, start, end, count, need } = request;
  if (!couldEverFit(calendar, need, count)) return null;
  for (const from of [start, at]) {
    for (const candidate of nextStarts(rules, from, end - start, at)) {
      const window = { start: candidate, end: candidate + (end - start) };
      // Counting is quicker than packing, and most starts of a full calendar fail it.
      if (mostFitting(calendar, window, need, parcel.slots.length) < parcel.slots.length) continue;
      if (pack(calendar, { ...parcel, window }) !== null) return { kind: 'time', ...window, ...sized(request) };
    }
  }
  return null;
}

/** Spares the search through the horizon for what is larger than the pool ever is. */
function couldEverFit(calendar: Calendar, need: Room, count: number): boolean {
  return mostFitting(calendar, { start: Infinity, end: Infinity }, need, count) >= count;
}

/** As many of them as fit at this time; when not even one does, one with as many cores as do. */
function largestFit({ calendar, request, parcel: { window } }: Refused): ReservationOffer | null {
  const { start, end, need, count } = request;
  const most = mostFitting(calendar, window, need, count);
  // Not fewer than asked for: what stands in the way then is a slot that is fixed, which no smaller number mends.
  if (most >= count) return null;
  if (most > 0) return { kind: 'size', start, end, ...sized({ count: most, need }) };
  const vcpus = largestMachine(calendar, window, need);
  return vcpus < 1 ? null : { kind: 'size', start, end, count: 1, vcpus };
}

function largestMachine(calendar: Calendar, window: Window, need: Room): number {
  const cores = [...calendar.values()]
    .filter(({ takesNew }) => takesNew)
    .map(({ timeline }) => timeline.freeDuring(window))
    .filter((free) => within({ ...need, vcpus: 1 }, free))
    .map(({ vcpus }) => Math.floor(vcpus));
  return Math.min(need.vcpus - 1, Math.max(0, ...cores));
}

/** For one that has begun: the latest end before the asked one that is later than its present one. */
function laterEnd({ calendar, held, request, parcel }: Refused): ReservationOffer | null {
  const present = held.find(({ id }) => id === request.id);
  const stepMs = request.rules.stepMinutes * minuteMs;
  for (let end = request.end - stepMs; present !== undefined && end > present.end; end -= stepMs) {
    if (pack(calendar, { ...parcel, window: { ...parcel.window, end } }) !== null) return { kind: 'time', start: request.start, end, ...sized(request) };
  }
  return null;
}
