import { ParavclError } from '@paravcl/shared/errors';
import { priorityOf } from '@paravcl/shared/priority';
import type { InstanceRecord } from '../core/instance-record';
import { requestedInAll, timeOfRun, type NewTime } from '../core/instance-time';
import { nextGeneration } from '../core/next-generation';
import { clockWrong } from '../core/slave-warnings';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { changedUnderLock } from './changed-under-lock';
import { changeInstance, type ChangeContext } from './instance-changes';
import type { PriorityRules } from './request-priority';
import { requireRoomForSpared } from './spared-extension';
import type { WorldDeps } from './slave-books';
import { remainingMs } from './world-loader';

export type RunTimeDeps = WorldDeps & { readonly priority: PriorityRules };

/** How long an instance may run, and what follows of more time: its priority, its slave's clock, the room of others. */
export class RunTime {
  constructor(private readonly deps: RunTimeDeps) {}

  /** New time and, where it adds to what was asked for, the priority that comes of it: an extension is a new admission with the total. */
  withTime(instance: InstanceRecord, time: NewTime, now: number): Pick<InstanceChange, 'minutes' | 'endsAt' | 'requestedMinutes' | 'priority'> {
    const { priority: { formula, endlessMinutes } } = this.deps;
    const requestedMinutes = requestedInAll(instance, time, now, endlessMinutes);
    // What was reserved keeps the priority it was admitted with.
    if (requestedMinutes === instance.requestedMinutes || instance.type === 'AR') return time;
    const { pfv, ras, mon } = instance.priority;
    return { ...time, requestedMinutes, priority: priorityOf({ pfv, ras: ras === 1, mon: mon === 1, ramMiB: instance.ramMiB, minutes: requestedMinutes }, formula) };
  }

  /** New time for what runs or is on its way: a new generation, so that its slave is told; what waits for a slave is told at its placement. */
  async giveTime(repositories: Repositories, instance: InstanceRecord, minutes: number | null, context: ChangeContext): Promise<InstanceRecord> {
    const { now } = context;
    if (instance.queuedAt !== null) {
      // It gets it once it goes on: until then its clock stands where it was.
      const left = remainingMs(instance);
      const standing = { ...instance, endsAt: left === null ? null : now + left };
      const after = await changeInstance(repositories, instance, { ...this.withTime(standing, timeOfRun(standing, minutes, now), now), endsAt: minutes === null ? null : instance.queuedAt + minutes * 60_000 }, context);
      if (after === null) throw changedUnderLock(instance.id);
      return after;
    }
    if (instance.desired !== 'running') return instance;
    const placed = instance.slaveId !== null;
    const time = placed ? timeOfRun(instance, minutes, now) : { minutes, endsAt: null };
    await this.requireClock(repositories, instance, time);
    if (placed && (time.endsAt ?? Infinity) > (instance.endsAt ?? Infinity)) await requireRoomForSpared(repositories, this.deps, instance, time.endsAt, now);
    const generation = placed ? nextGeneration(instance, await repositories.placements.ofInstance(instance.id)) : instance.generation;
    const after = await changeInstance(repositories, instance, { generation, ...this.withTime(instance, time, now) }, context);
    // The row is locked, so nobody can have been faster.
    if (after === null) throw changedUnderLock(instance.id);
    return after;
  }

  /**
   * An end is kept by its slave's clock too, counted from the moment it is told: a clock that is wrong would end it at
   * the wrong time, whether the end is new or what is left of an older one.
   */
  async requireClock(repositories: Repositories, instance: InstanceRecord, { endsAt }: { readonly endsAt?: number | null }): Promise<void> {
    if (instance.slaveId === null || endsAt == null) return;
    const slave = await repositories.slaves.find(instance.slaveId);
    if (slave === null) return;
    const wrong = clockWrong(slave.name, { ...slave.describe, ...this.deps.figures.latest(slave.id)?.describe }.clockOffsetMs);
    if (wrong !== null) throw new ParavclError(
      'conflict',
      `${instance.name} cannot run there until a set time now: it would end at a wrong one. ${wrong} Then try again; until then an operator can start it without an end, and what is saved stays saved.`,
    );
  }
}
