import type { EpochMs } from '@paravcl/shared/clock';
import { Timeline, type Lease } from './calendar';
import { minuteMs } from './local-time';
import type { ReservationOffer, ReservationRequest } from './reservation-request';
import { leavesCriticalLimit, poolTotals, slaveNow, takesPart, unpromised } from './room-now';
import { leadMs } from './save-time';
import { within, type Room, type Rules, type SlaveView, type Snapshot } from './snapshot';

/**
 * One such machine now as best-effort, for as long as the reservation would last or until what is reserved wants its room
 * back. Only where nobody has to go for it, so that the offer does not hang on priorities; null when that is nowhere, or
 * for less than the site's shortest loan.
 */
export function bestEffortNow({ slaves, rules }: Snapshot, request: ReservationRequest, at: EpochMs): ReservationOffer | null {
  const { need, start, end } = request;
  const taking = slaves.filter(takesPart);
  const asking = { id: request.id, type: 'BE', booking: null } as const;
  if (!leavesCriticalLimit(poolTotals(slaves.map(slaveNow), rules, asking), need)) return null;
  const wished = at + (end - start);
  const ends = taking.filter((slave) => slave.clockWrong === null && within(need, unpromised(slaveNow(slave)))).map((slave) => keepsUntil(slave, need, at, wished, rules));
  const latest = Math.max(at, ...ends);
  return latest - at < Math.max(rules.shortestLoanMs, minuteMs) ? null : { kind: 'best-effort', start: at, end: latest, count: 1, vcpus: need.vcpus };
}

/** When one that starts now must begin to go at the latest; before `at` when slots that are there already want its room. */
function keepsUntil(slave: SlaveView, need: Room, at: EpochMs, wished: EpochMs, rules: Rules): EpochMs {
  const { bookings, running, capacity, promised, poolAvailableMiB, saveMiBPerSecond } = slave;
  const withSlot = new Set(bookings.flatMap(({ instanceId }) => instanceId ?? []));
  const guests = running
    .filter(({ id, leaving }) => !leaving && !withSlot.has(id))
    .map(({ need: taken, endsAt }): Lease => ({ start: at, end: endsAt ?? Infinity, need: { ...taken, diskMiB: 0 } }));
  const timeline = Timeline.of({ ...capacity, diskMiB: Math.min(capacity.diskMiB - promised.diskMiB, poolAvailableMiB) }, [...guests, ...bookings]);
  // Room only becomes less where a slot begins.
  const starts = bookings.filter(({ start, end }) => start < wished && end > at).map(({ start }) => Math.max(at, start));
  const wantedAt = Math.min(...starts.filter((start) => !timeline.fits({ start, end: start }, need)));
  if (wantedAt === Infinity) return wished;
  // People plan in minutes.
  return Math.min(wished, Math.floor((wantedAt - leadMs([need.ramMiB], saveMiBPerSecond, rules)) / minuteMs) * minuteMs);
}
