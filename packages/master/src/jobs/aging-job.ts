import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { agingOf, type Aging } from '../core/aging';
import type { InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import { agingSentence, binnedOutSentence, recycledSentence } from '../core/recycle-bin';
import { setBetween, type ClockReading } from '../core/steady-clock';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { desiredStates, tombstone } from '../services/desired-state';
import { beginDeletion, changeInstance, type ChangeContext, type Deletion } from '../services/instance-changes';
import type { InstanceSettings } from '../services/instance-settings';
import { tell } from '../services/notice-service';
import type { AgentPort, SchedulerWake } from '../services/ports';
import { putIntoBin } from '../services/recycle-bin';

export const agingEveryMs = 3_600_000;

/** So many are read at a time. */
const batch = 200;
/** A round that would do more is gone on with at the next one: the master must be able to stop. */
const mostPerRound = 1000;

export interface AgingJobDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
}

/** What is to be told to agents once a transaction is there; losing it is harmless, since the books owe it. */
type ToTell = Pick<Deletion, 'instance' | 'tombstones'> | null;

/**
 * Carries out how long instances may lie unused: tells their owners, puts them into the recycle bin, deletes them from there.
 * What is due is judged by `agingOf` with the instance locked, and each effect is written in one transaction with the mark that
 * it was done: whoever dies in between, it is done once.
 *
 * Whatever takes something away waits until the time of day has run steadily since the round before, by the clock that cannot be
 * set: one that jumps ahead for a moment deletes nothing, and neither does the first round after a start.
 */
export class AgingJob {
  private before: ClockReading | null = null;

  constructor(private readonly deps: AgingJobDeps) {}

  /** One round; run it every hour. `onFault` is told of an instance that could not be handled, and of a clock that was set; the others are handled. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, clock, settings: { aging }, scheduler } = this.deps;
    const steady = this.isSteady(onFault);
    const now = clock.now();
    const limitMs = Math.min(aging.suspendedMs ?? Infinity, aging.stoppedMs ?? Infinity);
    // Without a limit only what lies in the bin is looked at.
    const since = limitMs === Infinity ? 0 : now - limitMs + aging.noticeMs;
    let done = 0;
    for (let after: string | null = null; done < mostPerRound; ) {
      const seen: readonly InstanceRecord[] = await unitOfWork.read.instances.aged(since, after, batch);
      for (const instance of seen) {
        if (!isActedUpon(agingOf(instance, aging, now).due, steady)) continue;
        done += 1;
        try {
          await this.settle(instance.id, now, steady, onFault);
        } catch (error) {
          onFault(error);
        }
      }
      after = seen.at(-1)?.id ?? null;
      if (seen.length < batch) break;
    }
    if (done > 0) scheduler.wake();
  }

  /** The time of day agrees with the clock that cannot be set since the round before. */
  private isSteady(onFault: (error: unknown) => void): boolean {
    const { clock } = this.deps;
    const { before } = this;
    const reading = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() };
    this.before = reading;
    if (before === null) return false;
    const byMs = setBetween(before, reading);
    if (byMs === 0) return true;
    const how = `${Math.round(Math.abs(byMs) / 60_000)} min ${byMs > 0 ? 'ahead' : 'back'}`;
    onFault(new Error(`The clock of this machine was set ${how} since the last look at unused instances (or it slept): nothing goes into the recycle bin or is deleted from it until the next one. Check it with timedatectl.`));
    return false;
  }

  private async settle(id: string, now: EpochMs, steady: boolean, onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, settings } = this.deps;
    const toTell = await unitOfWork.transaction(async (repositories): Promise<ToTell> => {
      const instance = await repositories.instances.lock(id);
      if (instance === null) return null;
      // Somebody may have needed or restored it since it was seen.
      const aging = agingOf(instance, settings.aging, now);
      if (!isActedUpon(aging.due, steady)) return null;
      const slaveName = instance.slaveId === null ? null : ((await repositories.slaves.find(instance.slaveId))?.name ?? null);
      return this.act(repositories, instance, aging, { by: 'retention', now, slaveName, settings });
    });
    if (toTell === null) return;
    const { instance, tombstones } = toTell;
    for (const { slaveId, generation } of tombstones) agents.pushDesired(slaveId, [tombstone(id, generation)]);
    if (tombstones.length === 0 && instance.slaveId !== null && instance.desired !== 'deleted') {
      agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    }
  }

  private async act(repositories: Repositories, instance: InstanceRecord, { due, agesOutAt }: Aging, context: ChangeContext): Promise<ToTell> {
    const { settings: { timeZone, aging } } = this.deps;
    const { now } = context;
    const owner = { userId: instance.userId, subjectType: 'instance', subjectId: instance.id, decisionId: null } as const;
    switch (due) {
      case 'none':
        return null;
      case 'notice': {
        if (agesOutAt === null) return null;
        await changeInstance(repositories, instance, { agingNoticedAt: now }, context);
        await tell(repositories, { ...owner, kind: 'instance.aging', sentence: agingSentence(instance, agesOutAt, aging.recycleMs, timeZone, now) }, now);
        return null;
      }
      case 'recycle': {
        const after = await putIntoBin(repositories, instance, aging, { ...context, supersede: 'It goes into the recycle bin.' });
        await tell(repositories, { ...owner, kind: 'instance.recycled', sentence: recycledSentence(instance, after.recycleUntil, timeZone, now) }, now);
        return after.generation === instance.generation ? null : { instance: after, tombstones: [] };
      }
      case 'delete': {
        const sentence = binnedOutSentence(instance, instance.recycledAt ?? now, timeZone, now);
        const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
        const deleting = { ...context, supersede: sentence };
        const after = await changeInstance(repositories, instance, { desired: 'deleted', stopForced: false, generation, reason: null, queuedAt: null, queuedBecause: null, nominatedSlaveId: null }, deleting);
        if (after === null) return null;
        const deletion = await beginDeletion(repositories, after, deleting);
        await tell(repositories, { ...owner, kind: 'instance.deleted', sentence }, now);
        return deletion;
      }
    }
  }
}

/** Telling somebody takes nothing away. */
function isActedUpon(due: Aging['due'], steady: boolean): boolean {
  return due === 'notice' || (due !== 'none' && steady);
}
