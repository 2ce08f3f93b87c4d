import type { Principal, User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
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
    if (principal === null || !maySeeHome(principal, owner)) return false;
  }
  return true;
}

/**
 * Somebody asks for a run of an instance, which is locked, and which would have its owner's home volume with it. Whom the home is not open to
 * starts it without; asked for again by others, it has it as it was wished. Answers what its owner should know of it, null when
 * nothing is withheld. Throws `forbidden` when it was never to run without.
 */
export async function judgeAsker({ instances, users }: Repositories, asker: Principal, { id, name, userId }: Pick<InstanceRecord, 'id' | 'name' | 'userId'>): Promise<string | null> {
  const owner = await users.find(userId);
  if (owner !== null && maySeeHome(asker, owner)) {
    await instances.lendHomeAgain(id);
    return null;
  }
  if ((await instances.homeWish(id)) === true) throw new ParavclError('forbidden', `${name} never runs without the home volume of its owner, which is not open to you. Ask ${owner?.name ?? 'an operator'} to start it.`);
  const isWithheld = await instances.withholdHome(id);
  return isWithheld ? `${asker.userName} started it, whom that home is not open to: stopped and started by its owner, it has it.` : null;
}

function maySeeHome(principal: Principal, owner: Pick<User, 'id' | 'primaryGroupId'>): boolean {
  return may(principal, 'home.see', { ownerUserId: owner.id, groupId: owner.primaryGroupId });
}
