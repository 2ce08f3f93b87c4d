import type { Knex } from 'knex';
import type { SeenBy } from './committed-changes';

/** Whose eyes a list of images is for. */
export interface VisibleTo {
  readonly userId: string;
  /** Groups this person is in or owns. */
  readonly groupIds: readonly string[];
}

/** Only images that this person may see: public ones, those of their groups, and what they made themselves. Absent: all. */
export function whereVisible<Query extends Knex.QueryBuilder>(query: Query, visibleTo: VisibleTo | undefined): Query {
  if (visibleTo === undefined) return query;
  const { userId, groupIds } = visibleTo;
  void query.where((seen) =>
    seen
      .where('images.visibility', 'public')
      .orWhere('images.created_by_user_id', userId)
      .orWhere((ofGroup) => ofGroup.where('images.visibility', 'group').whereIn('images.owner_group_id', [...groupIds])),
  );
  return query;
}

/** The same rule, for who is told that an image changed. */
export function imageSeenBy(row: { readonly visibility: string; readonly owner_group_id: string | null; readonly created_by_user_id: string }): SeenBy {
  return {
    ownerUserId: row.created_by_user_id,
    groupId: row.owner_group_id,
    everybody: row.visibility === 'public',
    audience: row.visibility === 'group' && row.owner_group_id !== null ? [row.owner_group_id] : [],
  };
}
