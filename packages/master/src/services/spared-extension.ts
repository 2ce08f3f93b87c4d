import type { EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import { dayEndsAt, preemptionsToday } from '../core/preemption-day';
import { leadMs } from '../core/save-time';
import { slaveTimeline } from '../core/slave-timeline';
import { compute, roomFor } from '../core/snapshot';
import { tellMoment } from '../core/tell-time';
import type { Repositories } from '../repositories/repositories';
import { loadSlaveView, type WorldDeps } from './slave-books';

/**
 * One that was suspended for others as often as a day allows stays where it runs until its end, and reservations were
 * admitted beside that: a later end must leave them their room. The calendar is shared by the caller. Throws `conflict` with the way out.
 */
export async function requireRoomForSpared(repositories: Repositories, deps: WorldDeps, instance: InstanceRecord, endsAt: EpochMs | null, at: EpochMs): Promise<void> {
  const { rules, preemptionsPerDay } = deps.scheduling;
  if (instance.type === 'AR' || instance.slaveId === null || preemptionsToday(instance, at, rules.timeZone) < preemptionsPerDay) return;
  const slave = await loadSlaveView(repositories, deps, at, instance.slaveId);
  if (slave === null) return;
  const others = { ...slave, running: slave.running.filter(({ id }) => id !== instance.id) };
  // From tomorrow on it can be suspended again, and has to be saved by then.
  const lead = leadMs([instance.ramMiB], slave.saveMiBPerSecond, rules);
  const end = Math.min(endsAt ?? Infinity, dayEndsAt(at, rules.timeZone) + lead);
  if (slaveTimeline(others, at).fits({ start: at, end }, compute(roomFor(instance)))) return;
  const next = slave.bookings.find(({ start }) => start > at);
  const reserved = next === undefined ? 'is reserved' : `is reserved from ${tellMoment(next.start, rules.timeZone, at)} on`;
  throw new ParavclError(
    'conflict',
    `${instance.name} was suspended for others as often today as the site allows, so it stays where it is until its end, and its room ${reserved}. Ask for less time, or suspend it and resume it later.`,
  );
}
