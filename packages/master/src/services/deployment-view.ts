import type { Deployment, DeploymentMember } from '@paravcl/shared/domain/deployment';
import type { MemberState } from '@paravcl/shared/domain/deployment';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { DeploymentRecord, MemberRecord } from '../core/deployment-record';
import { awaitingSlave, ofOne } from '../core/deployment-progress';
import type { InstanceRecord } from '../core/instance-record';
import { slaveIsAwaited } from '../core/slave-silence';
import type { MemberCount } from '../repositories/deployment-member-repository';
import type { Repositories } from '../repositories/repositories';
import { waitsForSlave, type Surroundings } from './instance-view';
import { authorise, type Subject } from './policy';

/** A deployment is its maker's, and its group's teacher's. */
export function deploymentSubject({ createdByUserId, groupId }: Pick<DeploymentRecord, 'createdByUserId' | 'groupId'>): Subject {
  return { ownerUserId: createdByUserId, groupId };
}

export function missingDeployment(id: string): ParavclError {
  return new ParavclError('not-found', `There is no deployment ${id}, or it is not yours to see.`);
}

/** Throws `not-found` when the principal may not see it, `forbidden` when they may only see it. */
export function requireDeployment(deployment: DeploymentRecord | null, principal: Principal, action: 'deployment.see' | 'deployment.edit' | 'deployment.operate', id: string): DeploymentRecord {
  if (deployment === null) throw missingDeployment(id);
  authorise(principal, action, 'deployment.see', deploymentSubject(deployment), `deployment ${id}`);
  return deployment;
}

/** Deployments as people see them, with their members counted. */
export async function deploymentViews(repositories: Repositories, deployments: readonly DeploymentRecord[]): Promise<readonly Deployment[]> {
  const counts = await repositories.deploymentMembers.counts(deployments.map(({ id }) => id));
  return deployments.map((deployment) => view(deployment, counts.filter(({ deploymentId }) => deploymentId === deployment.id)));
}

export async function deploymentView(repositories: Repositories, deployment: DeploymentRecord): Promise<Deployment> {
  const [only] = await deploymentViews(repositories, [deployment]);
  if (only === undefined) throw missingDeployment(deployment.id);
  return only;
}

function view(deployment: DeploymentRecord, counts: readonly MemberCount[]): Deployment {
  const members = counts.reduce((sum, { count }) => sum + count, 0);
  const places: Record<MemberState, number> = { wanted: 0, made: 0, cancelled: 0, refused: 0 };
  const instances: Partial<Record<ObservedState, number>> = {};
  const told: Partial<Record<ObservedState, number>> = {};
  let slaveOffline = 0;
  for (const { state, instance, count } of counts) {
    places[state] += count;
    if (state !== 'made') continue;
    // Nothing is kept of one that is long deleted.
    const observed = instance?.observed ?? 'deleted';
    instances[observed] = (instances[observed] ?? 0) + count;
    if (instance !== null && slaveIsAwaited(instance, instance.liveness)) slaveOffline += count;
    else told[observed] = (told[observed] ?? 0) + count;
  }
  const { id, name, description, createdByUserId, groupId, templateId, familyId, imageId, vcpus, ramMiB, diskMiB, bandwidthMbps, minutes, perHostLimit, state } = deployment;
  return {
    id, name, description, createdByUserId, groupId, templateId, familyId, imageId, vcpus, ramMiB, diskMiB, bandwidthMbps, minutes, perHostLimit, state,
    slaveIds: deployment.slaveIds === null ? null : [...deployment.slaveIds],
    sentence: countedSentence(deployment, { members, places, told, slaveOffline }),
    counts: { members, places, instances, slaveOffline },
    createdAt: new Date(deployment.createdAt).toISOString(),
    changedAt: new Date(deployment.changedAt).toISOString(),
  };
}

interface Counted {
  readonly members: number;
  readonly places: Readonly<Record<MemberState, number>>;
  /** Instances whose slave answers, by what it said of them; and those that need no answer. */
  readonly told: Readonly<Partial<Record<ObservedState, number>>>;
  readonly slaveOffline: number;
}

/** "38 of 40 running, 2 queued." What they wait for is told by the operation, and by each member; of a silent slave nobody knows what runs. */
function countedSentence({ state }: DeploymentRecord, { members, places, told, slaveOffline }: Counted): string {
  const { running = 0, ...others } = told;
  const placeWords = { wanted: 'to be made', cancelled: 'taken back', refused: 'refused' } as const;
  const parts = [
    ...Object.entries(others).map(([observed, count]) => `${count} ${observed}`),
    ...(slaveOffline === 0 ? [] : [`${slaveOffline} ${slaveOffline === 1 ? ofOne(awaitingSlave) : awaitingSlave}`]),
    ...(['wanted', 'cancelled', 'refused'] as const).flatMap((place) => (places[place] === 0 ? [] : [`${places[place]} ${placeWords[place]}`])),
  ];
  return `${state === 'deleting' ? 'Being deleted: ' : ''}${running} of ${members} running${parts.map((part) => `, ${part}`).join('')}.`;
}

/** One member with what is known of its instance, as the instance itself tells it; null: not made, or nothing is kept of it. */
export function memberView({ slot, userId, instanceId, state, sentence }: MemberRecord, instance: InstanceRecord | null, around: Pick<Surroundings, 'slave' | 'isKept'>, timeZone: string): DeploymentMember {
  return {
    slot, userId, instanceId, state, sentence,
    name: instance?.name ?? null,
    desired: instance?.desired ?? null,
    observed: instance?.observed ?? null,
    slaveId: instance?.slaveId ?? null,
    address: instance?.address ?? null,
    reason: instance === null ? null : (waitsForSlave(instance, around, timeZone) ?? instance.reason),
  };
}
