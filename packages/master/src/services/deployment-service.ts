import type { AddDeploymentMembersBody, CreateDeploymentBody, EditDeploymentBody } from '@paravcl/shared/api/deployments';
import type { Operation } from '@paravcl/shared/api/operations';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Deployment, DeploymentMember } from '@paravcl/shared/domain/deployment';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { DeploymentRecord, MemberRecord } from '../core/deployment-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { PageRequest } from '../repositories/newest-first';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { progressOf } from './deployment-following';
import { launchOf } from './deployment-making';
import { groupOfDeployment, lateOnes, placesFor, requireSlots, type Place } from './deployment-people';
import { requireDeploymentShare } from './deployment-quota';
import { deploymentView, deploymentViews, memberView, requireDeployment } from './deployment-view';
import type { InstanceSettings, Quotas } from './instance-settings';
import { operationView } from './instance-view';
import { keptElsewhere } from './kept-elsewhere';
import { requireMinutes, resolveLaunch, type Launch } from './launch-request';
import type { Participation } from './participation';
import { may, reach } from './policy';

export interface DeploymentServiceDeps {
  readonly unitOfWork: UnitOfWork;
  /** Makes what was asked for, soon; nothing is lost when it does not hear. */
  readonly job: { wake(): void };
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly quotas: Quotas;
  readonly participation: Pick<Participation, 'takePart'>;
}

/** What long work for the whole is answered with. */
export interface DeploymentAccepted {
  readonly deployment: Deployment;
  readonly operation: Operation;
  readonly warnings: string[];
  readonly refused: { slot: number; instanceId: string; sentence: string }[];
}

/**
 * Many machines as one thing (S3, S5). Asking for them only writes their places, all in one transaction with what they are made of
 * and the operation that tells how far they are; `DeploymentMaking` makes the instances after the answer.
 */
export class DeploymentService {
  constructor(private readonly deps: DeploymentServiceDeps) {}

  /**
   * Asked again under the same `reservedId` it answers what was deployed under it.
   * Throws what a launch throws; `not-found` and `invalid-input` for people, groups and slaves (`placesFor`, `groupOfDeployment`);
   * `quota-exceeded` with how many would fit.
   */
  async create(acting: Acting, body: CreateDeploymentBody, reservedId: string | null = null): Promise<DeploymentAccepted> {
    const { principal, clientAddress } = acting;
    const { settings, participation, clock } = this.deps;
    const now = clock.now();
    return this.accept(async (repositories) => {
      const id = reservedId ?? newId(now);
      const earlier = reservedId === null ? null : await repositories.operations.newestOf(id, 'deployment.create');
      const made = earlier?.userId === principal.userId ? await repositories.deployments.find(id) : null;
      if (earlier !== null && made !== null) return { deployment: made, operation: earlier, warnings: [] };
      const places = await placesFor(repositories, principal, body);
      requireSlots(0, places.length);
      const groupId = await groupOfDeployment(repositories, principal, body.groupId, places);
      const slaveIds = await this.chosenSlaves(repositories, principal, body.slaveIds ?? null);
      const launch = await resolveLaunch(repositories, body, principal, settings.defaults);
      const minutes = requireMinutes(principal, body.minutes === undefined ? (launch.minutes ?? undefined) : body.minutes, settings.minutes);
      await requireDeploymentShare(repositories, { places, groupId, size: launch }, settings, this.deps.quotas);
      const { warnings } = await participation.takePart(repositories, { principal, clientAddress }, false, now);
      const deployment = newDeployment(id, principal, body, { groupId, slaveIds, launch, minutes, slots: places.length }, now);
      await repositories.deployments.insert(deployment);
      const sentence = `${principal.userName} deployed ${machines(places.length)} of ${launch.image.name} as ${deployment.name}.`;
      await repositories.events.append(eventBy(acting, { kind: 'deployment.created', subjectType: 'deployment', subjectId: id, sentence }), now);
      return { deployment, operation: await this.writePlaces(repositories, deployment, places, { from: 0, kind: 'deployment.create', operationId: newId(now), userId: principal.userId }, now), warnings };
    });
  }

  /** Late ones, made of the same as the others; who is named and has one already is refused (`lateOnes`). Throws as `create`, and `conflict` while it is being deleted. */
  async add(acting: Acting, id: string, body: AddDeploymentMembersBody, reservedId: string | null = null): Promise<DeploymentAccepted> {
    const { principal } = acting;
    const { settings, clock } = this.deps;
    const now = clock.now();
    return this.accept(async (repositories) => {
      const before = requireDeployment(await repositories.deployments.lock(id), principal, 'deployment.operate', id);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { deployment: before, operation: earlier, warnings: [] };
      if (before.state === 'deleting') throw new ParavclError('conflict', `${before.name} is being deleted. Make a new deployment instead.`);
      const { places, refused } = await lateOnes(repositories, before, await placesFor(repositories, principal, body));
      requireSlots(before.slotsMade, places.length);
      await this.requireInGroup(repositories, principal, before, places);
      const launch = await launchOf(repositories, before, settings);
      await requireDeploymentShare(repositories, { places, groupId: before.groupId, size: launch }, settings, this.deps.quotas);
      const deployment = { ...before, slotsMade: before.slotsMade + places.length, changedAt: now };
      await repositories.deployments.update(deployment);
      const sentence = `${principal.userName} added ${machines(places.length)} to ${before.name}.`;
      await repositories.events.append(eventBy(acting, { kind: 'deployment.members-added', subjectType: 'deployment', subjectId: id, sentence }), now);
      const about = { from: before.slotsMade, kind: 'deployment.add', operationId: reservedId ?? newId(now), userId: principal.userId };
      return { deployment, operation: await this.writePlaces(repositories, deployment, places, about, now), warnings: [], refused };
    });
  }

  /** `slaveIds` and `perHostLimit` hold for what is made from then on; the limit for what still waits, too. */
  async edit(acting: Acting, id: string, body: EditDeploymentBody): Promise<Deployment> {
    const { unitOfWork, clock } = this.deps;
    const { principal } = acting;
    const now = clock.now();
    return unitOfWork.transaction(async (repositories) => {
      const before = requireDeployment(await repositories.deployments.lock(id), principal, 'deployment.edit', id);
      const { name = before.name, description = before.description, perHostLimit = before.perHostLimit } = body;
      const slaveIds = body.slaveIds === undefined ? before.slaveIds : await this.chosenSlaves(repositories, principal, body.slaveIds);
      const deployment = { ...before, name, description, perHostLimit, slaveIds, changedAt: now };
      await repositories.deployments.update(deployment);
      await repositories.events.append(eventBy(acting, { kind: 'deployment.edited', subjectType: 'deployment', subjectId: id, sentence: `The deployment ${name} was changed.` }), now);
      return deploymentView(repositories, deployment);
    });
  }

  async list(principal: Principal, page: PageRequest): Promise<Page<Deployment>> {
    const { read } = this.deps.unitOfWork;
    const own = reach(principal, 'deployment.list') === 'own';
    const visibleTo = own ? { userId: principal.userId, ownedGroupIds: principal.role === 'teacher' ? principal.ownedGroupIds : [] } : undefined;
    const { items, next } = await read.deployments.page({ ...page, visibleTo });
    return { items: [...(await deploymentViews(read, items))], next };
  }

  /** With all its members, in the order of their slots. Throws `not-found`. */
  async get(principal: Principal, id: string): Promise<{ readonly deployment: Deployment; readonly members: DeploymentMember[] }> {
    const { read } = this.deps.unitOfWork;
    const deployment = requireDeployment(await read.deployments.find(id), principal, 'deployment.see', id);
    const members = await read.deploymentMembers.of(id);
    const instances = new Map((await read.instances.among(members.map(({ instanceId }) => instanceId))).map((instance) => [instance.id, instance]));
    const slaves = await read.fleet.findAll([...new Set([...instances.values()].flatMap(({ slaveId }) => slaveId ?? []))]);
    const kept = await keptElsewhere(read, instances.values(), slaves);
    const views = members.map((member) => {
      const instance = instances.get(member.instanceId) ?? null;
      return memberView(member, instance, { slave: slaves.get(instance?.slaveId ?? '') ?? null, isKept: kept.has(member.instanceId) }, this.deps.settings.timeZone);
    });
    return { deployment: await deploymentView(read, deployment), members: views };
  }

  private async accept(work: (repositories: Repositories) => Promise<{ readonly deployment: DeploymentRecord; readonly operation: OperationRecord; readonly warnings: readonly string[]; readonly refused?: DeploymentAccepted['refused'] }>): Promise<DeploymentAccepted> {
    const { unitOfWork, job } = this.deps;
    const answer = await unitOfWork.transaction(async (repositories) => {
      const { deployment, operation, warnings, refused = [] } = await work(repositories);
      return { deployment: await deploymentView(repositories, deployment), operation: operationView(operation), warnings: [...warnings], refused };
    });
    job.wake();
    return answer;
  }

  /** The rows that make the machines certain: each place with the id of its instance-to-be, and the operation that tells of them. */
  private async writePlaces(
    repositories: Repositories,
    { id, slaveIds }: DeploymentRecord,
    places: readonly Place[],
    about: { readonly from: number; readonly kind: string; readonly operationId: string; readonly userId: string },
    now: EpochMs,
  ): Promise<OperationRecord> {
    const { from, kind, operationId, userId } = about;
    const members = places.map(({ owner, namedForUser }, at): MemberRecord => ({
      deploymentId: id, slot: from + at + 1, userId: owner.id, instanceId: newId(now), namedForUser, state: 'wanted', operationId, wish: null, wishForced: false, sentence: null, slaveIds,
    }));
    await repositories.deploymentMembers.insert(members);
    const operation: OperationRecord = { id: operationId, kind, subjectType: 'deployment', subjectId: id, generation: null, ...(await progressOf(repositories, { kind }, members)), userId, createdAt: now, changedAt: now };
    await repositories.operations.insert(operation);
    return operation;
  }

  /** Those whom a teacher adds must be in the group, as those before them were. */
  private async requireInGroup(repositories: Repositories, principal: Principal, { groupId }: DeploymentRecord, places: readonly Place[]): Promise<void> {
    const others = places.some(({ owner }) => owner.id !== principal.userId);
    if (others) await groupOfDeployment(repositories, principal, groupId, places);
  }

  /** Throws `not-found` for a slave that is not there, has left the pool, or is not the principal's to see. */
  private async chosenSlaves(repositories: Repositories, principal: Principal, slaveIds: readonly string[] | null): Promise<readonly string[] | null> {
    if (slaveIds === null) return null;
    for (const id of slaveIds) {
      const slave = await repositories.slaves.find(id);
      if (slave === null || slave.admission === 'retired' || !may(principal, 'slave.see', { ownerUserId: slave.ownerUserId, groupId: null })) {
        throw new ParavclError('not-found', `There is no host ${id} in the pool, or it is not yours to see. List the hosts to see which there are.`, { field: 'slaveIds', limit: 'hosts of the pool' });
      }
    }
    return [...new Set(slaveIds)];
  }
}

interface Terms {
  readonly groupId: string | null;
  readonly slaveIds: readonly string[] | null;
  readonly launch: Launch;
  readonly minutes: number | null;
  readonly slots: number;
}

function newDeployment(id: string, { userId }: Principal, body: CreateDeploymentBody, { groupId, slaveIds, launch, minutes, slots }: Terms, now: EpochMs): DeploymentRecord {
  return {
    id,
    name: body.name,
    description: body.description,
    createdByUserId: userId,
    groupId,
    templateId: body.templateId ?? null,
    familyId: body.familyId ?? null,
    imageId: launch.image.id,
    kernelId: launch.kernelId,
    ramdiskId: launch.ramdiskId,
    vcpus: launch.vcpus,
    ramMiB: launch.ramMiB,
    diskMiB: launch.diskMiB,
    bandwidthMbps: launch.bandwidthMbps,
    minutes,
    cloudInit: launch.cloudInit,
    slaveIds,
    perHostLimit: body.perHostLimit ?? null,
    state: 'active',
    slotsMade: slots,
    createdAt: now,
    changedAt: now,
  };
}

const machines = (count: number): string => (count === 1 ? '1 machine' : `${count} machines`);
