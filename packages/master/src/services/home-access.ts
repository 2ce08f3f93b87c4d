import type { User } from '@paravcl/shared/domain/people';
import type { Repositories } from '../repositories/repositories';
import { may } from './policy';
import { principalOf } from './principal-of';

/** In whose hands a machine of somebody's is, beside its owner's: who has it made, and the teacher of its group, who operates it and sees its screen. */
export interface Hands {
  readonly userIds: readonly string[];
  readonly groupId: string | null;
}

/**
 * Whether a machine that others make for this person gets the person's home volume: only where every one of them may see that home
 * anyway, by the role and the groups of this moment. Who takes a stranger into a group must not come by what the stranger keeps.
 */
export async function isHomeOpenTo(repositories: Repositories, owner: Pick<User, 'id' | 'primaryGroupId'>, { userIds, groupId }: Hands): Promise<boolean> {
  const others = userIds.filter((userId) => userId !== owner.id);
  if (others.length === 0) return true;
  const teacherId = groupId === null ? null : ((await repositories.groups.find(groupId))?.ownerUserId ?? null);
  for (const userId of new Set(teacherId === null ? others : [...others, teacherId])) {
    const principal = await principalOf(repositories, userId);
    if (principal === null || !may(principal, 'home.see', { ownerUserId: owner.id, groupId: owner.primaryGroupId })) return false;
  }
  return true;
}
