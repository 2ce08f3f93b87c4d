import type { Clock } from '@paravcl/shared/clock';
import { instanceBounds } from '@paravcl/shared/domain/limits';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { diskEpochProtocolVersion } from '@paravcl/shared/protocol/version';
import { answerReset, type ResetAnswer } from '../core/answer-reset';
import { saysWhyItGaveWay, withoutStoredRam, type InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import type { UnitOfWork } from '../db/unit-of-work';
import type { InstanceChange } from '../repositories/instance-repository';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { changedUnderLock } from './changed-under-lock';
import { desiredStates } from './desired-state';
import { operableInstance } from './instance-access';
import { changeInstance, newOperation } from './instance-changes';
import type { InstanceSettings, Quotas } from './instance-settings';
import { productionImage, resolveLaunch } from './launch-request';
import { requireNoMigration } from './live-migration-guard';
import type { AgentPort, SchedulerWake } from './ports';
import { requireInstanceQuota } from './quota-check';
import { requireOutOfBin } from './recycle-bin';
import { requireWithinReach } from './within-reach';

export interface InstanceResetDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'protocolOf'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly quotas: Quotas;
  /** Told of a desired state that could not be sent; the reset itself is written. */
  readonly onFault: (error: unknown) => void;
}

/** What is asked for with a reset. */
export interface ResetWish {
  /** Begin from the version of its image's family that is in production, not from its own. */
  readonly toProduction: boolean;
  /** False: whoever asks tells how far it is, and no operation of the instance is made. */
  readonly followed?: boolean;
  /** Id kept for the operation by the request's Idempotency-Key; null without one. */
  readonly reservedId?: string | null;
  /** Where it was asked from, for the history of events. */
  readonly clientAddress?: string | null;
}

export interface ResetOutcome {
  readonly instance: InstanceRecord;
  readonly operation: OperationRecord;
}

/** What an instance is made of. */
type Content = Pick<InstanceRecord, 'imageId' | 'kernelId' | 'ramdiskId' | 'kernelArguments'>;

/**
 * Lets an instance begin anew from its image's start: name, MAC, address, owner, sizes and the end of its time stay; what is
 * on its disk and in its saved RAM goes. Its disk's epoch rises, its slave removes whatever is of an earlier one, and
 * its operation is done once the slave says that what it has is of the new one.
 */
export class InstanceReset {
  constructor(private readonly deps: InstanceResetDeps) {}

  /**
   * Asked again while the same is under way, or before anything was written since, it answers that and changes nothing. Asked
   * again under the same `reservedId` it answers the operation that was made under it.
   * `stillWanted` is asked first within the transaction; when it says no, nothing is done and null is answered.
   * Throws `not-found`, `forbidden`, `conflict` with the way out (being deleted or moved, an agent of an earlier release, a
   * disk that is too small for the version in production), `image-not-ready` when none is in production.
   */
  carryOut(principal: Principal, id: string, wish: ResetWish): Promise<ResetOutcome>;
  carryOut(principal: Principal, id: string, wish: ResetWish, stillWanted: (repositories: Repositories) => Promise<boolean>): Promise<ResetOutcome | null>;
  async carryOut(principal: Principal, id: string, wish: ResetWish, stillWanted?: (repositories: Repositories) => Promise<boolean>): Promise<ResetOutcome | null> {
    const { unitOfWork, agents, scheduler, clock, settings } = this.deps;
    const { reservedId = null } = wish;
    const outcome = await unitOfWork.transaction(async (repositories) => {
      const instance = await operableInstance(repositories, principal, id);
      if (stillWanted !== undefined && !(await stillWanted(repositories))) return null;
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance, operation: earlier, push: false };
      return this.apply(repositories, principal, instance, wish, clock.now());
    });
    if (outcome === null) return null;
    const { instance, operation } = outcome;
    if (outcome.push && instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, this.deps.onFault));
    scheduler.wake();
    return { instance, operation };
  }

  private async apply(repositories: Repositories, principal: Principal, instance: InstanceRecord, wish: ResetWish, now: number): Promise<ResetOutcome & { readonly push: boolean }> {
    const { reservedId = null, clientAddress = null, followed = true } = wish;
    requireOutOfBin(instance, this.deps.settings.timeZone, now);
    await requireNoMigration(repositories, instance);
    const slave = instance.slaveId === null ? null : await repositories.slaves.find(instance.slaveId);
    await requireWithinReach(repositories, instance, slave);
    const other = wish.toProduction && instance.desired !== 'deleted' ? await this.inProduction(repositories, principal, instance) : null;
    const answer = answerReset(instance, other !== null);
    if (answer.kind === 'conflict') throw new ParavclError('conflict', answer.sentence);
    const slaveName = slave?.name ?? null;
    if (answer.kind === 'already') {
      const pending = await repositories.operations.pendingOf(instance.id, 'instance.reset', instance.generation);
      const operation = pending ?? newOperation('instance.reset', instance, slaveName, principal.userId, now, reservedId);
      if (pending === null && followed) await repositories.operations.insert(operation);
      return { instance, operation, push: false };
    }
    if (answer.kind === 'anew') this.requireAbleAgent(instance, slaveName);

    const by = `user ${principal.userName}`;
    const context = { by, asker: principal, now, slaveName, settings: this.deps.settings, ...(answer.kind === 'unmade' ? {} : { supersede: `${principal.userName} asked for something else: reset.` }) };
    const change = await this.changeOf(repositories, principal, instance, answer);
    const after = await changeInstance(repositories, instance, { ...change, ...other, diskImageId: null, ...withoutStoredRam }, context);
    // The row is locked, so nobody can have been faster.
    if (after === null) throw changedUnderLock(instance.id);
    const operation = newOperation('instance.reset', after, slaveName, principal.userId, now, reservedId);
    if (followed) await repositories.operations.insert(operation);
    const to = other === null ? 'the start of its image' : `the start of ${other.imageName}, which is in production`;
    const sentence = `${principal.userName} reset ${instance.name} to ${to}.`;
    await repositories.events.append({ kind: 'instance.reset', subjectType: 'instance', subjectId: instance.id, actor: by, actorUserId: principal.userId, clientAddress, sentence }, now);
    return { instance: after, operation, push: answer.kind === 'anew' };
  }

  private async changeOf(repositories: Repositories, principal: Principal, instance: InstanceRecord, answer: Exclude<ResetAnswer, { kind: 'already' | 'conflict' }>): Promise<InstanceChange> {
    const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    switch (answer.kind) {
      case 'unmade':
        return { generation };
      case 'forget':
        return { generation, observedGeneration: generation };
      case 'requeue':
        await requireInstanceQuota(repositories, principal, instance.groupId, instance, this.deps.quotas);
        await repositories.placements.forgive(instance.id);
        return { observed: 'queued', desired: 'running', generation, reason: null, endsAt: null, waitsSince: this.deps.clock.now() };
      case 'anew': {
        const diskEpoch = Math.max(instance.diskEpoch, instance.observedDiskEpoch) + 1;
        return {
          desired: answer.desired,
          ...(answer.observed === null ? {} : { observed: answer.observed }),
          stopForced: false,
          generation,
          diskEpoch,
          // Nothing that is of worth is on its disk any more: a launch that fails now may be tried elsewhere.
          booted: false,
          ...(saysWhyItGaveWay(instance) ? {} : { reason: null }),
        };
      }
    }
  }

  /** Nobody is told that all is gone by an agent that does not know what that is. */
  private requireAbleAgent({ name, slaveId }: InstanceRecord, slaveName: string | null): void {
    const protocol = slaveId === null ? null : this.deps.agents.protocolOf(slaveId);
    if (protocol === null || protocol >= diskEpochProtocolVersion) return;
    throw new ParavclError('conflict', `${slaveName ?? 'Its host'} runs an agent of an earlier release (protocol ${protocol}; a reset needs ${diskEpochProtocolVersion}), which cannot begin ${name} anew. Update the agent there, which touches no guest, and reset it then; or delete it and launch a new one.`);
  }

  /**
   * What is in production of its image's family; null when that is what it is of. What it boots follows, unless something
   * else than its image's own was chosen for it.
   */
  private async inProduction(repositories: Repositories, principal: Principal, instance: InstanceRecord): Promise<(Content & { readonly imageName: string }) | null> {
    const own = await repositories.images.find(instance.imageId);
    if (own === null) throw new ParavclError('internal', `Instance ${instance.id} is of image ${instance.imageId}, which is gone.`);
    const image = await productionImage(repositories, own.familyId, principal);
    if (image.id === own.id) return null;
    const smallest = Math.max(instanceBounds.diskMiB.min, image.virtualSizeMiB ?? 0);
    if (instance.diskMiB < smallest) {
      throw new ParavclError('conflict', `${image.name} (version ${image.version}) needs a disk of at least ${smallest} MiB, and that of ${instance.name} has ${instance.diskMiB} MiB. Reset it to its own version, or launch a new one of ${image.name}.`, { limit: `at least ${smallest} MiB` });
    }
    const kernelId = instance.kernelId === own.defaultKernelId ? undefined : instance.kernelId;
    const ramdiskId = instance.ramdiskId === own.defaultRamdiskId ? undefined : instance.ramdiskId;
    const launch = await resolveLaunch(repositories, { imageId: image.id, kernelId, ramdiskId, diskMiB: instance.diskMiB }, 'promised', this.deps.settings.defaults);
    return { imageId: image.id, kernelId: launch.kernelId, ramdiskId: launch.ramdiskId, kernelArguments: launch.kernelArguments, imageName: `${image.name} version ${image.version}` };
  }
}
