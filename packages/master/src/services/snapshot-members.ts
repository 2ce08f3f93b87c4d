import { mostSnapshotParts } from '@paravcl/shared/api/snapshots';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';
import { requireDeployment } from './deployment-view';
import { may } from './policy';

/** What a snapshot takes. */
export interface SnapshotSubjects {
  /** At least one. */
  readonly instances: readonly InstanceRecord[];
  /** All of them in words: "CL II Monday (38 machines)". */
  readonly what: string;
  /** Names what is left out of it, with the reason of the first; null when nothing is. */
  readonly leftOut: string | null;
}

/**
 * All machines of the deployment whose disk can be taken now, in the order of their slots; those that are gone are not missed.
 * `requireDisk` throws `conflict` or `slave-offline` with what is to be said of one that cannot.
 * Throws `not-found` and `forbidden` as the verbs for the whole do, `conflict` with the first reason when no machine is left,
 * and `invalid-input` for more disks than one snapshot takes.
 */
export async function snapshotMembers(repositories: Repositories, principal: Principal, deploymentId: string, requireDisk: (instance: InstanceRecord) => Promise<void>): Promise<SnapshotSubjects> {
  const { name, state } = requireDeployment(await repositories.deployments.find(deploymentId), principal, 'deployment.operate', deploymentId);
  if (state === 'deleting') throw new ParavclError('conflict', `${name} is being deleted, so it is not taken any more. Take a snapshot before you delete.`, { field: 'deploymentId' });
  const members = await repositories.deploymentMembers.of(deploymentId);
  const found = new Map((await repositories.instances.among(members.map(({ instanceId }) => instanceId))).map((instance) => [instance.id, instance]));

  const instances: InstanceRecord[] = [];
  const without: { readonly name: string; readonly why: string }[] = [];
  for (const { slot, state: place, instanceId } of members) {
    if (place === 'wanted') without.push({ name: `machine ${slot}`, why: `Machine ${slot} is not made yet.` });
    const instance = found.get(instanceId);
    if (place !== 'made' || instance === undefined || instance.desired === 'deleted') continue;
    const why = await reasonAgainst(principal, instance, requireDisk);
    if (why === null) instances.push(instance);
    else without.push({ name: instance.name, why });
  }

  const [first] = without;
  if (instances.length === 0) {
    const said = first === undefined ? `${name} has no machines, so there is nothing to take. Add some first.` : `None of the machines of ${name} has a disk that can be taken now. ${first.why}`;
    throw new ParavclError('conflict', said, { field: 'deploymentId' });
  }
  if (instances.length > mostSnapshotParts) {
    throw new ParavclError('invalid-input', `${name} has ${instances.length} disks, and one snapshot takes at most ${mostSnapshotParts}. Take it in several, with instanceIds.`, { field: 'deploymentId', limit: String(mostSnapshotParts) });
  }
  return { instances, what: `${name} (${instances.length === 1 ? '1 machine' : `${instances.length} machines`})`, leftOut: first === undefined ? null : `Without ${without.map((one) => one.name).join(', ')}: ${first.why}` };
}

/** Why it is left out; null when it is taken. */
async function reasonAgainst(principal: Principal, instance: InstanceRecord, requireDisk: (instance: InstanceRecord) => Promise<void>): Promise<string | null> {
  // Whoever has the deployment sees its machines by name, but operates only what is theirs at this moment.
  if (!may(principal, 'snapshot.create', { ownerUserId: instance.userId, groupId: instance.groupId })) return `${instance.name} is not yours to take. Ask its owner or an operator.`;
  try {
    await requireDisk(instance);
    return null;
  } catch (error) {
    if (error instanceof ParavclError && (error.code === 'conflict' || error.code === 'slave-offline')) return error.message;
    throw error;
  }
}
