import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';
import { isMember, type PriorityRules } from './request-priority';

export type BestEffortRules = Pick<PriorityRules, 'formula' | 'defaultPlatformValue' | 'memberGroups'>;

/**
 * The priority of an instance that was reserved and is best-effort from now on: what it would be if its owner had asked
 * for it without the reservation, whose factors are those of whoever made it. RAS was a matter of that request, and is 0.
 */
export async function bestEffortPriority(repositories: Repositories, { userId, imageId, ramMiB, requestedMinutes }: InstanceRecord, rules: BestEffortRules): Promise<PriorityParts> {
  const image = await repositories.images.find(imageId);
  const user = await repositories.users.find(userId);
  const who = { userId, groupIds: user?.groupIds ?? [], ownedGroupIds: await repositories.groups.idsOfOwner(userId) };
  const mon = await isMember(repositories, { who, image, reservationGroupId: null }, rules.memberGroups);
  return priorityOf({ pfv: image?.platformValue ?? rules.defaultPlatformValue, ras: false, mon, ramMiB, minutes: requestedMinutes }, rules.formula);
}
