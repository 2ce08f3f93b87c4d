import type { Group, User } from '@paravcl/shared/domain/people';
import type { Template } from '@paravcl/shared/domain/template';

/** Whether this person changes this template: its maker, the teacher of its owner group, and who runs the site. What they may is decided by the master. */
export function mayEditTemplate(user: Pick<User, 'id' | 'role'>, { createdByUserId, ownerGroupId }: Pick<Template, 'createdByUserId' | 'ownerGroupId'>, groups: readonly Pick<Group, 'id' | 'ownerUserId'>[]): boolean {
  return user.role !== 'teacher' || createdByUserId === user.id || groups.some(({ id, ownerUserId }) => id === ownerGroupId && ownerUserId === user.id);
}
