import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { observedStateMeanings, transitionalStates } from '@paravcl/shared/domain/instance-state';
import type { InstanceRecord } from '../core/instance-record';
import type { LivenessThresholds } from '../core/liveness';
import type { UnitOfWork } from '../db/unit-of-work';
import { changeInstance } from '../services/instance-changes';
import type { InstanceSettings } from '../services/instance-settings';
import type { OnRecovery } from '../services/recovery-paths';

const batch = 200;

/**
 * Calls what did not end in time failed. What is desired is kept and the slave is still told: the outcome
 * is unknown rather than bad, and the next report may move `failed` to what really is.
 *
 * Deadlines run on while the master is down, but nobody can answer it then: after a start, a slave's
 * states are judged only once a silent slave would count as lost, and the scheduler's once it has looked.
 */
export class DeadlineJob {
  private readonly startedAtMs: number;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly settings: Pick<InstanceSettings, 'deadlinesMs'>,
    private readonly scheduler: { readonly hasPassed: boolean },
    private readonly grace: Pick<LivenessThresholds, 'lostAfterMs'>,
    private readonly onRecovery: OnRecovery,
  ) {
    this.startedAtMs = clock.monotonicMs();
  }

  /** One round. `onFault` is told of an instance that could not be judged; the others are. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const now = this.clock.now();
    const late = await this.unitOfWork.read.instances.pastDeadline(now, batch);
    const slaves = await this.unitOfWork.read.fleet.findAll(late.flatMap(({ slaveId }) => slaveId ?? []));
    for (const instance of late) {
      try {
        await this.judge(instance, slaves.get(instance.slaveId ?? '')?.name ?? null, now);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async judge(instance: InstanceRecord, slaveName: string | null, now: EpochMs): Promise<void> {
    const { observed } = instance;
    const owner = transitionalStates[observed]?.owner;
    if (owner === undefined) return;
    if (owner === 'scheduler' ? !this.scheduler.hasPassed : this.clock.monotonicMs() < this.startedAtMs + this.grace.lostAfterMs) return;
    const minutes = Math.max(1, Math.round((now - instance.changedAt) / 60_000));
    const sentence =
      `${instance.name} was ${observed} for ${minutes} min without an end (${observedStateMeanings[observed]}). ` +
      (slaveName === null ? 'Start it again, or delete it.' : `Its state is read again from ${slaveName}'s next report; if it stays so, stop or delete it.`);
    const changed = await this.unitOfWork.transaction((repositories) =>
      changeInstance(
        repositories,
        instance,
        { observed: 'failed', observedGeneration: instance.generation, reason: { code: 'DeadlinePassed', sentence } },
        { by: 'deadline', now, slaveName, settings: this.settings },
      ),
    );
    if (changed === null) this.onRecovery('lost-race', { part: 'deadlines', instance: instance.id, generation: instance.generation });
  }
}
