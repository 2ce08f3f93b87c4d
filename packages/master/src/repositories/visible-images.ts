import type { Knex } from 'knex';

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
