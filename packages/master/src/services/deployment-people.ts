import { mostDeploymentMembers } from '@paravcl/shared/domain/deployment';
import type { Principal, User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { idSchema } from '@paravcl/shared/ids';
import type { DeploymentRecord, MemberRecord } from '../core/deployment-record';
import type { Repositories } from '../repositories/repositories';
import { chosenGroup } from './launch-request';
import { mayDeployFor, reach } from './policy';

/** Who gets the machines: so many for whoever deploys, or one for each of these. */
export interface HowMany {
  readonly count?: number | undefined;
  readonly users?: readonly string[] | undefined;
}

/** One machine to be, and whose. */
export interface Place {
  readonly owner: User;
  readonly namedForUser: boolean;
}

/** Named in one refusal. */
const mostSaid = 5;

/**
 * The owners of the machines, in the order in which they were named. Throws `not-found` for people who are not there or not the
 * principal's to act for, without telling which of the two; `invalid-input` for one who is named twice or disabled.
 */
export async function placesFor(repositories: Repositories, principal: Principal, { count, users }: HowMany): Promise<readonly Place[]> {
  if (users === undefined) {
    const owner = await repositories.users.find(principal.userId);
    if (owner === null) throw new ParavclError('not-found', 'Your account is gone.');
    return Array.from({ length: count ?? 0 }, () => ({ owner, namedForUser: false }));
  }
  const found = await Promise.all(users.map((named) => named.trim()).map((named) => (idSchema.safeParse(named).success ? repositories.users.find(named) : repositories.users.findByName(named.toLowerCase()))));
  const strangers = users.filter((_named, at) => !isTheirs(principal, found[at] ?? null));
  if (strangers.length > 0) {
    const whose = reach(principal, 'deployment.create') === 'any' ? 'no user of the site' : principal.role === 'teacher' ? 'not in a group that you own' : 'not you, and only teachers deploy for others';
    throw new ParavclError('not-found', `${listed(strangers)} ${strangers.length === 1 ? 'is' : 'are'} ${whose}. Leave ${strangers.length === 1 ? 'that name' : 'those names'} out.`, { field: 'users', limit: 'people you may act for' });
  }
  const owners = found.filter((user) => user !== null);
  const twice = owners.filter(({ id }, at) => owners.findIndex((one) => one.id === id) !== at);
  if (twice.length > 0) throw new ParavclError('invalid-input', `${listed(twice.map(({ name }) => name))} ${twice.length === 1 ? 'is' : 'are'} named twice: each person gets one machine. Name everybody once.`, { field: 'users', limit: 'everybody once' });
  const disabled = owners.filter((owner) => owner.disabled);
  if (disabled.length > 0) throw new ParavclError('invalid-input', `${listed(disabled.map(({ name }) => name))} cannot log in: the account is disabled. Leave ${disabled.length === 1 ? 'it' : 'them'} out.`, { field: 'users', limit: 'accounts that are not disabled' });
  return owners.map((owner) => ({ owner, namedForUser: true }));
}

/** Of late ones: who gets a machine, and who has one. */
export interface Late {
  readonly places: readonly Place[];
  readonly refused: { slot: number; instanceId: string; sentence: string }[];
}

/**
 * Who is named has one machine of the deployment, or a place for it: those who have are refused, each with their machine, and the
 * others get theirs. One that was refused, taken back, deleted or is to be deleted is none. So many of one's own are not asked.
 * Throws `conflict` when nobody is left.
 */
export async function lateOnes(repositories: Repositories, { id, name: deployment }: Pick<DeploymentRecord, 'id' | 'name'>, asked: readonly Place[]): Promise<Late> {
  if (!asked.some(({ namedForUser }) => namedForUser)) return { places: asked, refused: [] };
  const members = (await repositories.deploymentMembers.of(id)).filter(({ state }) => state === 'wanted' || state === 'made');
  const instances = new Map((await repositories.instances.among(members.map(({ instanceId }) => instanceId))).map((instance) => [instance.id, instance]));
  const theirs = new Map<string, MemberRecord>();
  for (const member of members) {
    const instance = instances.get(member.instanceId);
    const isThere = member.state === 'wanted' || (instance !== undefined && instance.desired !== 'deleted' && instance.observed !== 'deleted');
    if (isThere && !theirs.has(member.userId)) theirs.set(member.userId, member);
  }
  const wayOut = 'Reset or delete what is there; a second one takes a deployment of its own.';
  const places = asked.filter(({ owner }) => !theirs.has(owner.id));
  if (places.length === 0) {
    const names = asked.map(({ owner }) => owner.name);
    throw new ParavclError('conflict', `${listed(names)} ${names.length === 1 ? 'has' : 'have'} a machine in ${deployment} already, and each person gets one. ${wayOut}`, { field: 'users', limit: 'one machine each' });
  }
  const refused = asked.flatMap(({ owner }) => {
    const has = theirs.get(owner.id);
    if (has === undefined) return [];
    const { slot, instanceId } = has;
    return [{ slot, instanceId, sentence: `${owner.name} has ${instances.get(instanceId)?.name ?? 'a machine'} in ${deployment} already, and each person gets one. ${wayOut}` }];
  });
  return { places, refused };
}

function isTheirs(principal: Principal, user: User | null): boolean {
  return user !== null && mayDeployFor(principal, user);
}

/**
 * The group the machines belong to. Said, it must be one the principal may use (any, for who runs the site) with everybody in it
 * for whom a teacher deploys: else its teacher would not see what runs there. Unsaid: the primary group of who deploys for
 * themselves; of a teacher who deploys for others the one own group all of them are in. Throws `invalid-input` with field and limit.
 */
export async function groupOfDeployment(repositories: Repositories, principal: Principal, wished: string | null | undefined, places: readonly Place[]): Promise<string | null> {
  const owners = places.map(({ owner }) => owner);
  const others = owners.filter(({ id }) => id !== principal.userId);
  if (reach(principal, 'deployment.create') === 'any') {
    if (wished == null) return wished === null || others.length > 0 ? null : (owners[0]?.primaryGroupId ?? null);
    if ((await repositories.groups.find(wished)) === null) throw new ParavclError('invalid-input', `There is no group ${wished}.`, { field: 'groupId', limit: 'an existing group' });
    return wished;
  }
  if (others.length === 0) return chosenGroup(principal, wished, owners[0]?.primaryGroupId ?? null);
  const holding = principal.ownedGroupIds.filter((groupId) => others.every(({ groupIds }) => groupIds.includes(groupId)));
  if (wished != null) {
    if (holding.includes(wished)) return wished;
    const outside = others.filter(({ groupIds }) => !groupIds.includes(wished)).map(({ name }) => name);
    const why = principal.ownedGroupIds.includes(wished) ? `${listed(outside)} ${outside.length === 1 ? 'is' : 'are'} not in it` : 'you do not own it';
    throw new ParavclError('invalid-input', `You cannot deploy for them in this group: ${why}. Name a group of yours that all of them are in.`, { field: 'groupId', limit: 'a group that you own and all of them are in' });
  }
  const [only] = holding;
  if (wished === undefined && only !== undefined && holding.length === 1) return only;
  const why = holding.length === 0 ? 'they are in no one group of yours' : wished === null ? 'without a group you would not see what they run' : 'they are in several groups of yours';
  throw new ParavclError('invalid-input', `Say for which group this is: ${why}.`, { field: 'groupId', limit: 'a group that you own and all of them are in' });
}

/** Throws `invalid-input` when the deployment would have more machines than one may have. */
export function requireSlots(slotsMade: number, more: number): void {
  if (slotsMade + more <= mostDeploymentMembers) return;
  const left = Math.max(0, mostDeploymentMembers - slotsMade);
  throw new ParavclError('invalid-input', `A deployment has at most ${mostDeploymentMembers} machines in its life, and ${slotsMade} places of this one were given. ${left === 0 ? 'Make a new one.' : `Add at most ${left}, or make a new one.`}`, { field: 'count', limit: `${mostDeploymentMembers} machines` });
}

/** "alice, bob and 3 more". */
export function listed(names: readonly string[]): string {
  const said = names.slice(0, mostSaid);
  const more = names.length - said.length;
  if (more > 0) return `${said.join(', ')} and ${more} more`;
  return said.length < 2 ? said.join('') : `${said.slice(0, -1).join(', ')} and ${said.at(-1) ?? ''}`;
}
