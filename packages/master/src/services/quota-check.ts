import type { Role } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { Repositories } from '../repositories/repositories';
import type { Quota, Quotas } from './instance-settings';
import { bounds, quotaDimensions } from './quota-dimensions';

/** Amounts that quotas bound, all VMs together. */
export type Share = Readonly<Record<keyof Quota, number>>;

export interface QuotaHolder {
  readonly userId: string;
  readonly role: Role;
  readonly groupId: string | null;
  /** Null without a group. */
  readonly groupName: string | null;
}

/** What one gives back to get room. */
const waysOut: Readonly<Record<keyof Quota, string>> = {
  instances: 'Suspend, stop or delete one first',
  vcpus: 'Suspend, stop or delete an instance first',
  ramMiB: 'Suspend, stop or delete an instance first',
  diskMiB: 'Delete an instance first',
};

/**
 * Throws `quota-exceeded` when what runs, should run or waits, and this on top, is more than the person's share or that
 * of the group it is for; the message names whose limit it is, what is in use and what would still fit. Operators and
 * admins have no share of their own; a group's holds for everybody. Call it in the transaction that makes the thing,
 * with the person's row locked; the group's is locked here, so that two members take the last room one after the other.
 */
export async function requireQuota(repositories: Repositories, who: QuotaHolder, wanted: Share, quotas: Quotas): Promise<void> {
  const exempt = who.role === 'operator' || who.role === 'admin';
  if (!exempt && bounds(quotas.user)) requireWithin('Your', 'you', quotas.user, await repositories.instances.usageOf({ userId: who.userId }), wanted);
  if (who.groupId === null) return;
  const quota = quotas.groups.get(who.groupName ?? '') ?? quotas.group;
  if (!bounds(quota)) return;
  await repositories.groups.lock(who.groupId);
  requireWithin(`${who.groupName ?? 'Your group'}’s`, 'its members', quota, await repositories.instances.usageOf({ groupId: who.groupId }), wanted);
}

/** The same for one instance more of this size, which belongs to the person and, unless null, to the group. Throws `invalid-input` too, for a group that is not there. */
export async function requireInstanceQuota(repositories: Repositories, { userId, role }: Pick<QuotaHolder, 'userId' | 'role'>, groupId: string | null, need: Omit<Share, 'instances'>, quotas: Quotas): Promise<void> {
  const group = groupId === null ? null : await repositories.groups.find(groupId);
  if (groupId !== null && group === null) throw new ParavclError('invalid-input', `There is no group ${groupId}.`, { field: 'groupId', limit: 'an existing group' });
  const { vcpus, ramMiB, diskMiB } = need;
  await requireQuota(repositories, { userId, role, groupId, groupName: group?.name ?? null }, { instances: 1, vcpus, ramMiB, diskMiB }, quotas);
}

function requireWithin(whose: string, users: string, quota: Quota, used: Share, wanted: Share): void {
  for (const { of, say } of quotaDimensions) {
    const limit = quota[of];
    if (limit === null || used[of] + wanted[of] <= limit) continue;
    const left = Math.max(0, limit - used[of]);
    const less = left === 0 ? '' : `, or ask for at most ${say(left)}`;
    throw new ParavclError('quota-exceeded', `${whose} limit is ${say(limit)}: ${users} use ${used[of]}, and this asks for ${wanted[of]} more. ${waysOut[of]}${less}.`, { limit: say(limit) });
  }
}
