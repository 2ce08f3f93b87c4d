import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import { dayEndsAt, preemptionsToday } from '../core/preemption-day';
import { slaveTimeline } from '../core/slave-timeline';
import { compute, roomFor } from '../core/snapshot';
import { tellMoment } from '../core/tell-time';
import type { Repositories } from '../repositories/repositories';
import { calendarLock } from './reservation-admission';
import { loadWorld, type WorldDeps } from './world-loader';

/**
 * One that was suspended for others as often as a day allows stays where it runs until its end, and reservations were
 * admitted beside that: a later end must leave them their room. Throws `conflict` with the way out.
 */
export async function requireRoomForSpared(repositories: Repositories, deps: WorldDeps, instance: InstanceRecord, endsAt: EpochMs | null, at: EpochMs): Promise<void> {
  const { rules, preemptionsPerDay } = deps.scheduling;
  if (instance.type === 'AR' || instance.slaveId === null || preemptionsToday(instance, at, rules.timeZone) < preemptionsPerDay) return;
  await repositories.settings.shareLock(calendarLock);
  const { snapshot } = await loadWorld(repositories, deps, at);
  const slave = snapshot.slaves.find(({ id }) => id === instance.slaveId);
  if (slave === undefined) return;
  const others = { ...slave, running: slave.running.filter(({ id }) => id !== instance.id) };
  // From tomorrow on it can be suspended again.
  const end = Math.min(endsAt ?? Infinity, dayEndsAt(at, rules.timeZone));
  if (slaveTimeline(others, at).fits({ start: at, end }, compute(roomFor(instance)))) return;
  const next = slave.bookings.find(({ start }) => start > at);
  const reserved = next === undefined ? 'is reserved' : `is reserved from ${tellMoment(next.start, rules.timeZone, at)} on`;
  throw new ParavclError(
    'conflict',
    `${instance.name} was suspended for others as often today as the site allows, so it stays where it is until its end, and its room ${reserved}. Ask for less time, or suspend it and resume it later.`,
  );
}
