import type { Principal, Role } from '@paravcl/shared/domain/people';
import type { Knex } from 'knex';
import type { SeenBy, WrittenTopic } from './committed-changes';
import { imageSeenBy } from './visible-images';

/** A thing and whom it shows itself to; a thing that shows itself in two ways is there twice. */
export interface Shown {
  readonly id: string;
  readonly seenBy: SeenBy;
}

interface OwnedRow {
  readonly id: string;
  readonly owner: string | null;
  readonly of_group: string | null;
}

/** What the feed asks the books: whose things are, and who people are, for many at a time. */
export class FeedRepository {
  constructor(private readonly db: Knex) {}

  /** Of those of these things that are there. */
  async seenBy(topic: WrittenTopic, ids: readonly string[]): Promise<readonly Shown[]> {
    switch (topic) {
      case 'instances':
        return this.owned('instances', ids, 'user_id', 'group_id');
      case 'reservations':
        return (await this.owned('reservations', ids, 'user_id', 'group_id')).map(({ id, seenBy }) => ({ id, seenBy: { ...seenBy, sharedWithGroupId: seenBy.groupId } }));
      case 'notices':
        return this.owned('notices', ids, 'user_id', null);
      case 'slaves':
        return this.owned('slaves', ids, 'owner_user_id', null);
      case 'deployments':
        return this.owned('deployments', ids, 'created_by_user_id', 'group_id');
      case 'snapshots':
        return this.owned('snapshots', ids, 'user_id', null, { purpose: 'keep' });
      case 'groups':
        return (await this.owned('user_groups', ids, 'owner_user_id', 'id')).map(({ id, seenBy }) => ({ id, seenBy: { ...seenBy, audience: [id] } }));
      case 'images':
        return this.images(ids);
      case 'templates':
        return this.templates(ids);
      case 'operations':
        return this.operations(ids);
    }
  }

  /** Those of these people who are there and may log in, as they are now. */
  async principals(userIds: readonly string[]): Promise<ReadonlyMap<string, Principal>> {
    const ids = [...userIds];
    const [users, memberships, owned] = await Promise.all([
      this.db('users').whereIn('id', ids).where({ disabled: 0 }).select('id', 'name', 'role') as PromiseLike<readonly { readonly id: string; readonly name: string; readonly role: Role }[]>,
      this.db('memberships').whereIn('user_id', ids).select('user_id', 'group_id') as PromiseLike<readonly { readonly user_id: string; readonly group_id: string }[]>,
      this.db('user_groups').whereIn('owner_user_id', ids).select('owner_user_id as user_id', 'id as group_id') as PromiseLike<readonly { readonly user_id: string; readonly group_id: string }[]>,
    ]);
    const groupIds = groupsByUser(memberships);
    const ownedGroupIds = groupsByUser(owned);
    return new Map(
      users.map(({ id, name, role }) => [id, { userId: id, userName: name, role, groupIds: groupIds.get(id) ?? [], ownedGroupIds: ownedGroupIds.get(id) ?? [], sessionId: '' }]),
    );
  }

  private async owned(table: string, ids: readonly string[], owner: string, group: string | null, where: Readonly<Record<string, string>> = {}): Promise<readonly Shown[]> {
    const rows = (await this.db(table)
      .whereIn('id', [...ids])
      .where(where)
      .select('id', `${owner} as owner`, group === null ? this.db.raw('NULL AS of_group') : `${group} as of_group`)) as readonly OwnedRow[];
    return rows.map((row) => ({ id: row.id, seenBy: { ownerUserId: row.owner, groupId: row.of_group } }));
  }

  private async images(ids: readonly string[]): Promise<readonly Shown[]> {
    const rows = (await this.db('images').whereIn('id', [...ids]).whereNull('of_instance_id').whereNull('of_volume_id').select('id', 'visibility', 'owner_group_id', 'created_by_user_id')) as readonly {
      readonly id: string;
      readonly visibility: string;
      readonly owner_group_id: string | null;
      readonly created_by_user_id: string;
    }[];
    return rows.map((row) => ({ id: row.id, seenBy: imageSeenBy(row) }));
  }

  private async templates(ids: readonly string[]): Promise<readonly Shown[]> {
    const rows = (await this.db('templates as t')
      .leftJoin('template_groups as a', 'a.template_id', 't.id')
      .whereIn('t.id', [...ids])
      .select('t.id', 't.created_by_user_id as owner', 't.owner_group_id as of_group', 'a.group_id as audience')) as readonly (OwnedRow & { readonly audience: string | null })[];
    return rows.map((row) => ({
      id: row.id,
      seenBy: { ownerUserId: row.owner, groupId: row.of_group, everybody: row.audience === null, audience: [row.of_group, row.audience].filter((id) => id !== null) },
    }));
  }

  /** Whoever asked for it follows it; so does whoever sees the instance or the deployment. */
  private async operations(ids: readonly string[]): Promise<readonly Shown[]> {
    const rows = (await this.db('operations as o')
      .leftJoin('instances as i', 'i.id', 'o.subject_id')
      .leftJoin('deployments as d', 'd.id', 'o.subject_id')
      .whereIn('o.id', [...ids])
      .select('o.id', 'o.user_id as asked', this.db.raw('COALESCE(i.user_id, d.created_by_user_id, o.user_id) AS owner'), this.db.raw('COALESCE(i.group_id, d.group_id) AS of_group'))) as readonly (OwnedRow & { readonly asked: string })[];
    return rows.flatMap((row) => [
      { id: row.id, seenBy: { ownerUserId: row.asked, groupId: null } },
      { id: row.id, seenBy: { ownerUserId: row.owner, groupId: row.of_group } },
    ]);
  }
}

function groupsByUser(rows: readonly { readonly user_id: string; readonly group_id: string }[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const row of rows) found.set(row.user_id, [...(found.get(row.user_id) ?? []), row.group_id]);
  return found;
}
