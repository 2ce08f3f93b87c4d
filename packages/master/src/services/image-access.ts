import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { ImageRecord } from '../repositories/image-record';
import type { VisibleTo } from '../repositories/visible-images';

/** Operators and admins run the site: they see every version, and launch deprecated ones. */
export function runsSite({ role }: Pick<Principal, 'role'>): boolean {
  return role === 'operator' || role === 'admin';
}

/** As which of its images lists are filtered; undefined: all. */
export function imagesVisibleTo(principal: Principal): VisibleTo | undefined {
  return runsSite(principal) ? undefined : { userId: principal.userId, groupIds: [...principal.groupIds, ...principal.ownedGroupIds] };
}

/** The same rule as `whereVisible` of the repositories, for one image; the disk of an instance is no image to anybody. */
export function maySeeImage(principal: Principal, { visibility, ownerGroupId, createdByUserId, ofInstanceId }: Pick<ImageRecord, 'visibility' | 'ownerGroupId' | 'createdByUserId' | 'ofInstanceId'>): boolean {
  // It goes with the instance that lies over it: nobody else may come to.
  if (ofInstanceId !== null) return false;
  const visible = imagesVisibleTo(principal);
  if (visible === undefined || visibility === 'public' || createdByUserId === visible.userId) return true;
  return visibility === 'group' && ownerGroupId !== null && visible.groupIds.includes(ownerGroupId);
}

/** Throws `invalid-input` for an image of a group that no group owns. */
export function requireOwnerGroup({ visibility, ownerGroupId }: Pick<ImageRecord, 'visibility' | 'ownerGroupId'>): void {
  if (visibility !== 'group' || ownerGroupId !== null) return;
  throw new ParavclError('invalid-input', 'An image that only a group sees needs the group: name it in ownerGroupId, or choose another visibility.', { field: 'ownerGroupId', limit: 'needed for the visibility "group"' });
}
