import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { PriorityParts } from '@paravcl/shared/priority';
import type { DeploymentRecord, MemberRecord } from '../core/deployment-record';
import { memberNames } from '../core/member-names';
import { fit } from '../core/say';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { isHomeOpenTo } from './home-access';
import { makeInstance } from './instance-making';
import type { InstanceSettings, Quotas } from './instance-settings';
import { resolveLaunch, type Launch } from './launch-request';
import { tell } from './notice-service';
import type { SchedulerWake } from './ports';
import { requireInstanceQuota } from './quota-check';
import { priorityOfRequest, type PriorityRules } from './request-priority';

export interface DeploymentMakingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly priority: PriorityRules;
  readonly quotas: Quotas;
}

/** Made in one transaction: few enough that its locks are short, enough that forty take five of them. */
const batchMembers = 8;

/** What is the same for all members of a batch that one person owns. */
interface OwnerTerms {
  readonly owner: User;
  readonly priority: PriorityParts;
  readonly requestedMinutes: number;
}

/**
 * Makes the instances of deployments' places. A place stays `wanted` until the transaction that makes its instance under the id
 * that was reserved for it: whatever dies, none is lost and none is made twice, and what is left is found again in the books.
 */
export class DeploymentMaking {
  constructor(private readonly deps: DeploymentMakingDeps) {}

  /** Makes, or refuses, everything that is wanted now, a batch at a time; each is told to the scheduler at once. `onFault` is told of a batch that could not be written: its deployment is left for the next call, the others go on. */
  async makeAll(onFault: (error: unknown) => void): Promise<void> {
    const left: string[] = [];
    for (;;) {
      const wanted = await this.deps.unitOfWork.read.deploymentMembers.wanted(batchMembers, left);
      const [first] = wanted;
      if (first === undefined) return;
      const batch = wanted.filter(({ deploymentId }) => deploymentId === first.deploymentId);
      try {
        await this.settle(first.deploymentId, batch);
      } catch (error) {
        onFault(error);
        left.push(first.deploymentId);
      }
    }
  }

  private async settle(deploymentId: string, batch: readonly MemberRecord[]): Promise<void> {
    try {
      await this.write(deploymentId, batch);
    } catch (error) {
      // A refusal undid the whole batch: one by one, only those it is about are refused.
      if (!isRefusal(error)) throw error;
      const [only] = batch;
      if (batch.length > 1) for (const member of batch) await this.settle(deploymentId, [member]);
      else if (only !== undefined) await this.refuse(only, error.message);
    }
    this.deps.scheduler.wake();
  }

  private async write(deploymentId: string, batch: readonly MemberRecord[]): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      const deployment = await repositories.deployments.lock(deploymentId);
      if (deployment === null) return;
      const slots = new Set(batch.map(({ slot }) => slot));
      const members = (await repositories.deploymentMembers.of(deploymentId)).filter(({ slot, state }) => slots.has(slot) && state === 'wanted');
      const [first] = members;
      if (first === undefined) return;
      const now = clock.now();
      // One launch of a person after the other, whoever launches it.
      for (const userId of [...new Set(members.map((member) => member.userId))].sort()) await repositories.users.lock(userId);
      const launch = await launchOf(repositories, deployment, this.deps.settings);
      const maker = await repositories.users.find(deployment.createdByUserId);
      const owners = new Map<string, OwnerTerms>();
      for (const member of members) {
        const terms = owners.get(member.userId) ?? (await this.ownerTerms(repositories, deployment, launch, member.userId, now));
        owners.set(member.userId, terms);
        await this.make(repositories, { deployment, launch, maker, member, terms }, now);
      }
    });
  }

  private async make(
    repositories: Repositories,
    { deployment, launch, maker, member, terms }: { readonly deployment: DeploymentRecord; readonly launch: Launch; readonly maker: User | null; readonly member: MemberRecord; readonly terms: OwnerTerms },
    now: EpochMs,
  ): Promise<void> {
    const { settings, quotas } = this.deps;
    const { owner, priority, requestedMinutes } = terms;
    await requireShare(repositories, owner, settings.instancesPerUser);
    await requireInstanceQuota(repositories, { userId: owner.id, role: owner.role }, deployment.groupId, launch, quotas);
    const by = { userId: deployment.createdByUserId, userName: maker?.name ?? 'somebody who is gone', clientAddress: null };
    const forOther = owner.id !== deployment.createdByUserId;
    // Late ones are asked for by others than who made the deployment.
    const asker = (await repositories.operations.find(member.operationId))?.userId ?? deployment.createdByUserId;
    const isOpen = await isHomeOpenTo(repositories, owner, { userIds: [deployment.createdByUserId, asker], groupId: deployment.groupId });
    const { instance, withoutHome } = await makeInstance(
      repositories,
      {
        id: member.instanceId,
        userId: owner.id,
        groupId: deployment.groupId,
        launch,
        sshPublicKeys: owner.sshPublicKeys,
        minutes: deployment.minutes,
        priority,
        requestedMinutes,
        reservationId: null,
        names: memberNames({ deploymentName: deployment.name, slot: member.slot, userName: member.namedForUser ? owner.name : null, instanceId: member.instanceId }),
        by,
        home: isOpen ? undefined : 'closed',
        forWhom: ` with ${deployment.name}${forOther ? `, for ${owner.name}` : ''}`,
      },
      now,
      settings,
    );
    await repositories.deploymentMembers.update({ ...member, state: 'made', sentence: null });
    if (!forOther) return;
    const sentence = `${by.userName} deployed ${instance.name} for you (${deployment.name}). It starts by itself as soon as there is room, and is yours to use.${withoutHome === null ? '' : ` It runs without your home volume. ${withoutHome}`}`;
    await tell(repositories, { userId: owner.id, kind: 'instance.deployed', subjectType: 'instance', subjectId: instance.id, sentence, decisionId: null }, now);
  }

  /** Its priority is the owner's, as if they had asked themselves without promising a machine: it is they who work with it. */
  private async ownerTerms(repositories: Repositories, { minutes }: DeploymentRecord, { image, ramMiB }: Launch, userId: string, now: EpochMs): Promise<OwnerTerms> {
    const owner = await repositories.users.find(userId);
    if (owner === null) throw new ParavclError('not-found', 'Its owner is gone: there is nobody it could belong to.');
    const who = { userId, groupIds: owner.groupIds, ownedGroupIds: await repositories.groups.idsOfOwner(userId) };
    const { parts, minutes: requestedMinutes } = await priorityOfRequest(repositories, { who, image, reservationGroupId: null, ramMiB, minutes, asSlave: false }, this.deps.priority, now);
    return { owner, priority: parts, requestedMinutes };
  }

  private async refuse({ deploymentId, slot }: MemberRecord, why: string): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      const deployment = await repositories.deployments.lock(deploymentId);
      const member = (await repositories.deploymentMembers.of(deploymentId)).find((one) => one.slot === slot);
      if (deployment === null || member?.state !== 'wanted') return;
      await repositories.deploymentMembers.update({ ...member, state: 'refused', sentence: fit(why) });
      const sentence = fit(`Machine ${slot} of ${deployment.name} could not be made: ${why}`);
      await repositories.events.append({ kind: 'deployment.member-refused', subjectType: 'deployment', subjectId: deploymentId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, clock.now());
    });
  }
}

/** What all members are made of. The image was promised when the deployment was made, however it stands now. */
export async function launchOf(repositories: Repositories, deployment: DeploymentRecord, settings: Pick<InstanceSettings, 'defaults'>): Promise<Launch> {
  const { imageId, kernelId, ramdiskId, vcpus, ramMiB, diskMiB, bandwidthMbps, cloudInit } = deployment;
  const asked = { imageId, kernelId, ramdiskId, vcpus, ramMiB, diskMiB, ...(bandwidthMbps === null ? {} : { bandwidthMbps }) };
  return { ...(await resolveLaunch(repositories, asked, 'promised', settings.defaults)), cloudInit };
}

/** Asking again later would be answered the same; what only has to wait a moment is not refused. */
function isRefusal(error: unknown): error is ParavclError {
  return error instanceof ParavclError && error.detail?.retryAfterSeconds === undefined && error.code !== 'storage-full' && error.code !== 'not-ready';
}

async function requireShare(repositories: Repositories, { id, name, role }: User, share: number): Promise<void> {
  if (role === 'operator' || role === 'admin') return;
  const used = await repositories.instances.countOf(id);
  if (used < share) return;
  throw new ParavclError('quota-exceeded', `${name} has ${used} instances, and the share of each is ${share}.`, { limit: `${share} instances` });
}
