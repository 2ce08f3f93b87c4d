import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { composeDeployments, type DeploymentParts } from '../../src/compose-deployments';
import { InstanceReset } from '../../src/services/instance-reset';
import { InstanceVerbs } from '../../src/services/instance-verbs';
import type { Rig } from './instance-rig';

/** Deployments over a rig as after a start of the master: nothing in memory, everything in the database. `change` replaces parts of what they stand on. */
export function deploymentsOf(rig: Rig, change: Partial<DeploymentParts> = {}) {
  const { unit: unitOfWork, agents, scheduler, pulse: figures, clock, settings, scheduling, priority, quotas, participation } = rig;
  const onFault = (error: unknown) => void rig.faults.push(error);
  const verbs = new InstanceVerbs({ unitOfWork, agents, scheduler, figures, clock, settings, scheduling, priority, quotas, onFault });
  const resets = new InstanceReset({ unitOfWork, agents, scheduler, clock, settings, quotas, onFault });
  return composeDeployments({ unitOfWork, scheduler, clock, settings, priority, quotas, participation, verbs, resets, onFault, ...change });
}

type Answer = Pick<ObservedInstance, 'state'> & Partial<ObservedInstance>;

/** What agents whose guests always do as they are told report next for an instance; null: nothing more. */
const obedient: Readonly<Record<DesiredInstance['desired'], readonly ObservedInstance['state'][]>> = {
  running: ['preparing', 'booting', 'running'],
  suspended: ['suspending', 'suspended'],
  stopped: ['stopping', 'stopped'],
  deleted: ['deleted'],
  // Nothing moves here.
  sent: [],
  received: [],
};

/**
 * Agents that answer whatever was pushed to them, a step of each instance at a time, so that several are on their way at once.
 * `answer` may say something else for one of them, or null to keep silent.
 */
export class ObedientAgents {
  private readonly steps = new Map<string, number>();
  /** Most that were preparing or booting on one slave at one moment. */
  mostBeginning = 0;

  constructor(
    private readonly rig: Rig,
    private readonly answer: (slaveId: string, instanceId: string, usual: ObservedInstance['state']) => Answer | null = (_slave, _instance, state) => ({ state }),
  ) {}

  /** Every instance that is on its way takes one step; false when there was none left to take. */
  async step(): Promise<boolean> {
    const { agents, observations, scheduler } = this.rig;
    await scheduler.idle();
    await this.count();
    const newest = new Map(agents.pushes.map((push) => [push.desired.instanceId, push]));
    let moved = false;
    for (const [instanceId, { slaveId, desired }] of newest) {
      const key = `${instanceId} ${slaveId} ${String(desired.generation)}`;
      const done = this.steps.get(key) ?? 0;
      const usual = obedient[desired.desired][done];
      if (usual === undefined) continue;
      const answer = this.answer(slaveId, instanceId, usual);
      if (answer === null) continue;
      this.steps.set(key, done + 1);
      moved = true;
      await observations.observed(slaveId, [{ instanceId, generation: desired.generation, reason: null, progressPercent: null, ...(desired.spec === null ? {} : { diskEpoch: desired.spec.diskEpoch ?? 1 }), ...answer }]);
    }
    await scheduler.idle();
    return moved;
  }

  /** Until nobody has anything left to do. */
  async settle(): Promise<void> {
    while (await this.step());
  }

  private async count(): Promise<void> {
    const beginning = new Map<string, number>();
    for (const { slaveId, observed } of await this.rig.unit.read.instances.active()) {
      if (slaveId !== null && (observed === 'preparing' || observed === 'booting')) beginning.set(slaveId, (beginning.get(slaveId) ?? 0) + 1);
    }
    this.mostBeginning = Math.max(this.mostBeginning, ...beginning.values());
  }
}
