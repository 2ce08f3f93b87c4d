import type { Principal } from '@paravcl/shared/domain/people';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import type { Repositories } from '../repositories/repositories';
import { may } from './policy';

/** Whose machine a new host is. */
export interface HostOwner {
  readonly userId: string;
  readonly userName: string;
}

/**
 * Whose machine a host is that is to come: of a volunteer who asks for it, unless somebody else is named; of a dedicated one nobody's (null).
 * Who may edit hosts may name others.
 *
 * @throws ParavclError `invalid-input` (a dedicated host), `forbidden` (somebody else), `not-found`, `conflict` (a disabled account, also who asks)
 */
export async function newHostOwner({ users }: Pick<Repositories, 'users'>, principal: Principal, kind: SlaveKind, ownerUserId: string | undefined): Promise<HostOwner | null> {
  const field = { field: 'ownerUserId' } as const;
  if (kind === 'dedicated') {
    if (ownerUserId !== undefined) throw new ParavclError('invalid-input', 'ownerUserId: a dedicated host has no owner. Leave it out, or make the host a volunteer.', field);
    return null;
  }
  const isOwn = ownerUserId === undefined || ownerUserId === principal.userId;
  if (!isOwn && !may(principal, 'slave.operate', { ownerUserId: null, groupId: null })) {
    throw new ParavclError('forbidden', `A ${principal.role} adds own machines only, not those of others. Leave out "ownerUserId", or ask an operator.`, field);
  }
  const owner = await users.find(isOwn ? principal.userId : ownerUserId);
  // Also of who asks: an installation goes on for a while after that.
  if (owner?.disabled === true) throw new ParavclError('conflict', `The account of ${owner.name} is disabled, so no machine becomes theirs. Enable it first, or name somebody else.`, field);
  if (isOwn) return { userId: principal.userId, userName: principal.userName };
  if (owner === null) throw new ParavclError('not-found', `There is no user ${ownerUserId}, whose machine this could be. Name somebody else, or leave it out: then it is yours.`, field);
  return { userId: owner.id, userName: owner.name };
}
