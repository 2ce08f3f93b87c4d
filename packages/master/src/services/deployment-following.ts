import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { aimOf } from '../core/deployment-verbs';
import { deploymentProgress, type MemberNow } from '../core/deployment-progress';
import type { MemberRecord } from '../core/deployment-record';
import type { OperationProgress } from '../core/operation-progress';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';

/**
 * Tells by the pending operations of deployments how far they are, and takes a deployment out of the books once the last of its
 * instances is gone. Derived from the books each time: nothing has to be remembered of what was told before.
 */
export class DeploymentFollowing {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /** `onFault` is told of an operation that could not be followed; the others are, and it is tried again at the next call. */
  async followAll(onFault: (error: unknown) => void): Promise<void> {
    const { read } = this.unitOfWork;
    for (const operation of await read.operations.pendingOfDeployments()) {
      try {
        await this.follow(operation);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async follow(operation: OperationRecord): Promise<void> {
    const { read } = this.unitOfWork;
    const now = this.clock.now();
    const seen = await progressOf(read, operation, await read.deploymentMembers.ofOperation(operation.id));
    if (seen.state === 'pending') return read.operations.progressOf(operation.id, seen.state, seen.sentence, now);
    // It ends: under the lock of the deployment, since somebody may have asked for something else of the same members.
    await this.unitOfWork.transaction(async (repositories) => {
      const deployment = await repositories.deployments.lock(operation.subjectId);
      const members = await repositories.deploymentMembers.ofOperation(operation.id);
      if (members.length === 0) return;
      const ended = await progressOf(repositories, operation, members);
      await repositories.operations.progressOf(operation.id, ended.state, ended.sentence, now);
      if (ended.state === 'pending' || deployment?.state !== 'deleting' || aimOf(operation.kind) !== 'delete') return;
      await this.endDeletion(repositories, deployment.id, ended.state === 'done', now);
    });
  }

  /** Nothing of it is left, or some could not be deleted and it stays with them. */
  private async endDeletion(repositories: Repositories, deploymentId: string, done: boolean, now: EpochMs): Promise<void> {
    const deployment = await repositories.deployments.find(deploymentId);
    if (deployment === null) return;
    const event = { subjectType: 'deployment', subjectId: deploymentId, actor: 'master', actorUserId: null, clientAddress: null } as const;
    if (!done) {
      await repositories.deployments.update({ ...deployment, state: 'active', changedAt: now });
      await repositories.events.append({ ...event, kind: 'deployment.deletion-refused', sentence: `The deployment ${deployment.name} stays: not all of its machines could be deleted.` }, now);
      return;
    }
    await repositories.deploymentMembers.removeOf(deploymentId);
    await repositories.deployments.remove(deploymentId);
    await repositories.events.append({ ...event, kind: 'deployment.gone', sentence: `The deployment ${deployment.name} is gone with the last of its machines.` }, now);
  }
}

/** How this operation stands with these members. */
export async function progressOf(repositories: Repositories, { kind }: Pick<OperationRecord, 'kind'>, members: readonly MemberRecord[]): Promise<OperationProgress> {
  const ids = members.map(({ instanceId }) => instanceId);
  const instances = new Map((await repositories.instances.among(ids)).map((instance) => [instance.id, instance]));
  const slaveIds = [...instances.values()].flatMap(({ slaveId }) => slaveId ?? []);
  const liveness = await repositories.fleet.liveness([...new Set(slaveIds)]);
  const now = members.map((member): MemberNow => {
    const instance = instances.get(member.instanceId);
    return { state: member.state, wish: member.wish, sentence: member.sentence, instance: instance === undefined ? null : { ...instance, liveness: liveness.get(instance.slaveId ?? '') ?? null } };
  });
  const aim = aimOf(kind);
  if (aim !== 'make' && aim !== 'start') return deploymentProgress(aim, now);
  const attempts = await repositories.placements.attempts(ids);
  const elsewhere = [...attempts].filter(([id, tried]) => instances.get(id)?.observed !== 'failed' && tried.some(({ sentence }) => sentence !== null)).length;
  return deploymentProgress(aim, now, elsewhere);
}
