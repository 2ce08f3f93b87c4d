import type { User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceUsage } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import type { InstanceSettings, Quota, Quotas } from './instance-settings';
import { bounds, quotaDimensions } from './quota-dimensions';
import type { Share } from './quota-check';
import { listed, type Place } from './deployment-people';

/** What a deployment asks of the quotas. */
export interface DeploymentShare {
  readonly places: readonly Place[];
  readonly groupId: string | null;
  /** Of each machine. */
  readonly size: Omit<Share, 'instances'>;
}

/** What stands in the way of so many machines, and how many of them would fit. */
interface Lack {
  readonly limit: string;
  readonly used: number;
  readonly fit: number;
}

/**
 * Throws `quota-exceeded` when the machines of a deployment are more than the share of their owners, or of the group they are for,
 * together with all that is there or still to be made; the message names whose limit it is and how many would fit, and of
 * limits that hold together the one that lets the fewest in. Before anything is made: within the transaction that writes the
 * places, the owners locked here in the order of their ids, then the group.
 */
export async function requireDeploymentShare(repositories: Repositories, { places, groupId, size }: DeploymentShare, settings: Pick<InstanceSettings, 'instancesPerUser'>, quotas: Quotas): Promise<void> {
  const owners = new Map<string, { readonly owner: User; readonly count: number }>();
  for (const { owner } of places) owners.set(owner.id, { owner, count: (owners.get(owner.id)?.count ?? 0) + 1 });
  const lacking: { readonly owner: User; readonly count: number; readonly lack: Lack }[] = [];
  for (const [id, { owner, count }] of [...owners].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await repositories.users.lock(id);
    if (owner.role === 'operator' || owner.role === 'admin') continue;
    const coming = await repositories.deploymentMembers.usageToCome({ userId: id });
    const had = (await repositories.instances.countOf(id)) + coming.instances;
    const share = lackOf({ ...noLimits, instances: settings.instancesPerUser }, { ...nothing, instances: had }, size, count);
    const quota = bounds(quotas.user) ? lackOf(quotas.user, together(await repositories.instances.usageOf({ userId: id }), coming), size, count) : null;
    const lack = fewestOf(share, quota);
    if (lack !== null) lacking.push({ owner, count, lack });
  }
  const ofGroup = groupId === null ? null : await groupsLack(repositories, groupId, size, places.length, quotas);
  const [first] = lacking;
  const alone = owners.size === 1;
  if (first !== undefined && !(alone && ofGroup !== null && ofGroup.lack.fit < first.lack.fit)) throw ownersLack(lacking.map(({ owner }) => owner.name), places.length, first, alone, ofGroup);
  if (ofGroup === null) return;
  const { name, lack } = ofGroup;
  throw new ParavclError('quota-exceeded', `${name}’s limit is ${lack.limit}: its members use ${lack.used}. Of the ${machines(places.length)} asked for ${would(lack.fit)}.`, { limit: lack.limit });
}

interface GroupLack {
  readonly name: string;
  readonly lack: Lack;
}

/** Locks the group, where it has a limit. */
async function groupsLack(repositories: Repositories, groupId: string, size: DeploymentShare['size'], count: number, quotas: Quotas): Promise<GroupLack | null> {
  const group = await repositories.groups.find(groupId);
  const quota = quotas.groups.get(group?.name ?? '') ?? quotas.group;
  if (!bounds(quota)) return null;
  await repositories.groups.lock(groupId);
  const lack = lackOf(quota, together(await repositories.instances.usageOf({ groupId }), await repositories.deploymentMembers.usageToCome({ groupId })), size, count);
  return lack === null ? null : { name: group?.name ?? 'The group', lack };
}

function ownersLack(names: readonly string[], asked: number, { count, lack }: { readonly count: number; readonly lack: Lack }, alone: boolean, ofGroup: GroupLack | null): ParavclError {
  if (alone) return new ParavclError('quota-exceeded', `The limit of ${names[0] ?? ''} is ${lack.limit}, and ${lack.used} are in use. Of the ${machines(count)} asked for ${would(lack.fit)}.`, { limit: lack.limit });
  const left = asked - names.length;
  const without = ofGroup === null || ofGroup.lack.fit >= left ? would(left) : `${would(ofGroup.lack.fit)}, because ${ofGroup.name}’s limit is ${ofGroup.lack.limit}`;
  return new ParavclError('quota-exceeded', `The limit of each person is ${lack.limit}, and ${listed(names)} ${names.length === 1 ? 'has' : 'have'} no room for one machine more. Without them ${without}.`, { field: 'users', limit: lack.limit });
}

/** Of two limits that hold, the one that lets fewer in. */
function fewestOf(one: Lack | null, other: Lack | null): Lack | null {
  if (one === null || other === null) return one ?? other;
  return other.fit < one.fit ? other : one;
}

const machines = (count: number): string => (count === 1 ? '1 machine' : `${count} machines`);
const would = (fit: number): string => (fit === 0 ? 'none would fit' : `${fit} would fit`);

const noLimits: Quota = { instances: null, vcpus: null, ramMiB: null, diskMiB: null };
const nothing: InstanceUsage = { instances: 0, vcpus: 0, ramMiB: 0, diskMiB: 0 };

const together = (a: InstanceUsage, b: InstanceUsage): InstanceUsage => ({ instances: a.instances + b.instances, vcpus: a.vcpus + b.vcpus, ramMiB: a.ramMiB + b.ramMiB, diskMiB: a.diskMiB + b.diskMiB });

/** The limit that lets the fewest of so many machines in; null when all fit. */
function lackOf(quota: Quota, used: InstanceUsage, size: DeploymentShare['size'], count: number): Lack | null {
  const lacks = quotaDimensions.flatMap(({ of, say }): readonly Lack[] => {
    const limit = quota[of];
    if (limit === null) return [];
    const each = of === 'instances' ? 1 : size[of];
    const fit = each === 0 ? count : Math.max(0, Math.floor((limit - used[of]) / each));
    return fit >= count ? [] : [{ limit: say(limit), used: used[of], fit }];
  });
  return lacks.reduce<Lack | null>(fewestOf, null);
}
