import type { User } from '@paravcl/shared/domain/people';
import { useMemo } from 'react';
import { useMe } from '../../session/session';
import { useAll } from '../../api/use-all';

/** Names of the people of a group by their ids, and one's own. Empty while they are read, and for those who may not read them. */
export function useNames(groupId: string | null): ReadonlyMap<string, string> {
  const { user } = useMe();
  const members = useAll('groups', 'get /groups/:groupId/members', { params: { groupId: groupId ?? '' } }, { enabled: groupId !== null && user.role !== 'operator' });
  return useMemo(() => new Map([...(groupId === null ? [] : (members.data ?? [])), user].map(({ id, displayName }) => [id, displayName])), [groupId, members.data, user]);
}

/** Whether this person changes this group: its owner as a teacher, and admins. What they may is decided by the master. */
export function mayEditGroup(user: Pick<User, 'id' | 'role'>, group: { readonly ownerUserId: string | null }): boolean {
  return user.role === 'admin' || (user.role === 'teacher' && group.ownerUserId === user.id);
}

/** Whether this person deploys for the people of this group. */
export const mayDeployTo = (user: Pick<User, 'id' | 'role'>, group: { readonly ownerUserId: string | null }): boolean => user.role === 'operator' || mayEditGroup(user, group);
