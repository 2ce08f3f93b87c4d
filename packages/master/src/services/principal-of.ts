import type { Principal } from '@paravcl/shared/domain/people';
import type { Repositories } from '../repositories/repositories';

/**
 * Whom a person is now, for what they asked for earlier and the master does since: with the role and the groups of this
 * moment. Null when they are gone or disabled: nothing is done in their name any more.
 */
export async function principalOf(repositories: Repositories, userId: string): Promise<Principal | null> {
  const user = await repositories.users.find(userId);
  if (user === null || user.disabled) return null;
  return { userId, userName: user.name, role: user.role, groupIds: user.groupIds, ownedGroupIds: await repositories.groups.idsOfOwner(userId), sessionId: '' };
}
