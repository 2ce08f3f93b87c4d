import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import { tellDatedMoment } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import { desiredStates } from '../services/desired-state';
import { changeInstance } from '../services/instance-changes';
import type { InstanceSettings } from '../services/instance-settings';
import { tell } from '../services/notice-service';
import type { AgentPort, SchedulerWake } from '../services/ports';
import type { OnRecovery } from '../services/recovery-paths';

const batch = 200;

export interface EndingJobDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly onRecovery: OnRecovery;
}

/**
 * Ends the time of instances: what should run and whose end has passed should be saved from now on. It looks
 * at the wall clock anew in every round and keeps no timer, so that a clock that was set and a machine that
 * slept are right in the next one. A slave does the same alone when the master is away (`judgeReport`).
 */
export class EndingJob {
  constructor(private readonly deps: EndingJobDeps) {}

  /** One round; run it every second or so. `onFault` is told of an instance that could not be ended; the others are, and it is tried again in the next round. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, clock, scheduler, settings } = this.deps;
    const now = clock.now();
    const over = await unitOfWork.read.instances.pastEnd(now, batch);
    if (over.length === 0) return;
    const slaves = await unitOfWork.read.fleet.findAll(over.flatMap(({ slaveId }) => slaveId ?? []));
    for (const instance of over) {
      try {
        const ended = await this.end(instance, slaves.get(instance.slaveId ?? '')?.name ?? null, now);
        if (ended?.slaveId != null) agents.pushDesired(ended.slaveId, await desiredStates(unitOfWork.read, [ended], settings.guestUser, onFault));
      } catch (error) {
        onFault(error);
      }
    }
    scheduler.wake();
  }

  private async end(seen: InstanceRecord, slaveName: string | null, now: EpochMs): Promise<InstanceRecord | null> {
    const { unitOfWork, settings, onRecovery } = this.deps;
    const sentence = endedSentence(seen, settings.timeZone, now);
    const ended = await unitOfWork.transaction(async (repositories) => {
      // Locked, so that nobody makes the same next generation for a tombstone.
      await repositories.instances.lock(seen.id);
      const generation = nextGeneration(seen, await repositories.placements.ofInstance(seen.id));
      const after = await changeInstance(
        repositories,
        seen,
        { desired: 'suspended', generation, reason: { code: 'TimeEnded', sentence } },
        { by: 'time', now, slaveName, settings, supersede: sentence },
      );
      if (after === null) return null;
      await tell(repositories, { userId: seen.userId, kind: 'instance.time-ended', subjectType: 'instance', subjectId: seen.id, sentence, decisionId: null }, now);
      return after;
    });
    if (ended === null) onRecovery('lost-race', { part: 'ending', instance: seen.id, generation: seen.generation });
    return ended;
  }
}

/** "The time of i-ubuntu-9af was over at Mon 2 Mar 12:00, so it is saved with everything open. Resume it to go on." */
function endedSentence({ name, endsAt }: InstanceRecord, timeZone: string, now: EpochMs): string {
  const when = endsAt === null ? '' : ` at ${tellDatedMoment(endsAt, timeZone, now)}`;
  return `The time of ${name} was over${when}, so it is saved with everything open. Resume it to go on.`;
}
