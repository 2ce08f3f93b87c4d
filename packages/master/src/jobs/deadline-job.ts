import type { Clock } from '@paravcl/shared/clock';
import { observedStateMeanings, transitionalStates } from '@paravcl/shared/domain/instance-state';
import type { UnitOfWork } from '../db/unit-of-work';
import { changeInstance } from '../services/instance-changes';
import type { InstanceSettings } from '../services/instance-settings';

const batch = 200;

/**
 * Calls what did not end in time failed. What is desired is kept and the slave is still told: the outcome
 * is unknown rather than bad, and the next report may move `failed` to what really is.
 */
export class DeadlineJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly settings: Pick<InstanceSettings, 'deadlinesMs'>,
  ) {}

  async run(): Promise<void> {
    const now = this.clock.now();
    const late = await this.unitOfWork.read.instances.pastDeadline(now, batch);
    const slaves = await this.unitOfWork.read.fleet.findAll(late.flatMap(({ slaveId }) => slaveId ?? []));
    for (const instance of late) {
      const { observed } = instance;
      if (transitionalStates[observed] === undefined) continue;
      const slaveName = slaves.get(instance.slaveId ?? '')?.name ?? null;
      const minutes = Math.max(1, Math.round((now - instance.changedAt) / 60_000));
      const sentence =
        `${instance.name} was ${observed} for ${minutes} min without an end (${observedStateMeanings[observed]}). ` +
        (slaveName === null ? 'Start it again, or delete it.' : `Its state is read again from ${slaveName}'s next report; if it stays so, stop or delete it.`);
      await this.unitOfWork.transaction((repositories) =>
        changeInstance(
          repositories,
          instance,
          { observed: 'failed', observedGeneration: instance.generation, reason: { code: 'DeadlinePassed', sentence } },
          { by: 'deadline', now, slaveName, settings: this.settings },
        ),
      );
    }
  }
}
