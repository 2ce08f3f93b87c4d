import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Group } from '@paravcl/shared/domain/people';
import { holdingReservationStates } from '@paravcl/shared/domain/reservation';
import type { Knex } from 'knex';
import { noNotes, type ChangeNotes } from './committed-changes';
import { likeLiteral, newestFirst, type PageRequest } from './newest-first';

interface GroupRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly owner_user_id: string | null;
  readonly has_code: number;
  readonly members: number;
  readonly created_at: Date;
}

export interface NewGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly ownerUserId: string | null;
}

export interface GroupChange {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly ownerUserId?: string | null | undefined;
  /** SHA-256 of the code; null ends self-registration. */
  readonly enrolmentCodeHash?: string | null | undefined;
}

export interface GroupFilter extends PageRequest {
  /** Groups this user is in or owns; absent for all. */
  readonly ofUserId?: string | undefined;
  readonly name?: string | undefined;
}

/** What keeps a group from being deleted. */
export interface GroupUse {
  readonly instances: number;
  readonly images: number;
  readonly reservations: number;
  readonly templates: number;
}

/** Groups and who is in them. */
export class GroupRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async find(id: string): Promise<Group | null> {
    return one(await this.select().where('g.id', id));
  }

  async findByCodeHash(hash: string): Promise<Group | null> {
    return one(await this.select().where('g.enrolment_code_hash', hash));
  }

  async ofUser(userId: string): Promise<readonly Group[]> {
    const rows = (await this.select().whereIn('g.id', this.db('memberships').where('user_id', userId).select('group_id')).orderBy('g.id')) as GroupRow[];
    return rows.map(toGroup);
  }

  async idsOfMember(userId: string): Promise<readonly string[]> {
    return (await this.db('memberships').where('user_id', userId).orderBy('group_id').pluck('group_id')) as string[];
  }

  async idsOfOwner(userId: string): Promise<readonly string[]> {
    return (await this.db('user_groups').where('owner_user_id', userId).orderBy('id').pluck('id')) as string[];
  }

  /** A name is one group’s however it is capitalised. */
  async idsNamed(names: readonly string[]): Promise<readonly string[]> {
    return (await this.db('user_groups').whereIn('name', [...names]).orderBy('id').pluck('id')) as string[];
  }

  async namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = (await this.db('user_groups').whereIn('id', [...ids]).select('id', 'name')) as readonly { readonly id: string; readonly name: string }[];
    return new Map(rows.map(({ id, name }) => [id, name]));
  }

  async page(filter: GroupFilter): Promise<Page<Group>> {
    const query = this.select();
    const { ofUserId, name } = filter;
    if (ofUserId !== undefined) {
      const joined = this.db('memberships').where('user_id', ofUserId).select('group_id');
      void query.where((either) => void either.whereIn('g.id', joined).orWhere('g.owner_user_id', ofUserId));
    }
    if (name !== undefined && name !== '') void query.whereILike('g.name', `%${likeLiteral(name)}%`);
    const page = await newestFirst<GroupRow>(query, 'g.id', filter);
    return { items: page.items.map(toGroup), next: page.next };
  }

  /** Locks the group against deletion by others; false when it is not there. */
  async lock(id: string): Promise<boolean> {
    return (await this.db('user_groups').where('id', id).forUpdate().first('id')) !== undefined;
  }

  /** Whether people may register themselves into any group. */
  async anyEnrolmentCode(): Promise<boolean> {
    return (await this.db('user_groups').whereNotNull('enrolment_code_hash').first('id')) !== undefined;
  }

  async insert(group: NewGroup, now: EpochMs): Promise<void> {
    await this.db('user_groups').insert({
      id: group.id,
      name: group.name,
      description: group.description,
      owner_user_id: group.ownerUserId,
      enrolment_code_hash: null,
      created_at: new Date(now),
    });
    this.changes.note('groups', group.id);
  }

  async update(id: string, change: GroupChange): Promise<void> {
    const row = {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(change.ownerUserId === undefined ? {} : { owner_user_id: change.ownerUserId }),
      ...(change.enrolmentCodeHash === undefined ? {} : { enrolment_code_hash: change.enrolmentCodeHash }),
    };
    if (Object.keys(row).length === 0) return;
    if (change.ownerUserId !== undefined) await this.noteAsItIs(id);
    await this.db('user_groups').where('id', id).update(row);
    this.changes.note('groups', id);
  }

  /** The group and its memberships. */
  async delete(id: string): Promise<void> {
    await this.noteAsItIs(id);
    await this.db('memberships').where('group_id', id).delete();
    await this.db('user_groups').where('id', id).delete();
  }

  /** Instances that still exist in the group, images it owns, reservations that hold room for it, and templates that are its own or for it. */
  async use(id: string): Promise<GroupUse> {
    const instances = (await this.db('instances').where('group_id', id).whereNull('deleted_at').count({ n: '*' })) as { n: number }[];
    const images = (await this.db('images').where('owner_group_id', id).count({ n: '*' })) as { n: number }[];
    const reservations = (await this.db('reservations').where('group_id', id).whereIn('state', [...holdingReservationStates]).count({ n: '*' })) as { n: number }[];
    const allowed = this.db('template_groups').where('group_id', id).select('template_id');
    const templates = (await this.db('templates').where('owner_group_id', id).orWhereIn('id', allowed).count({ n: '*' })) as { n: number }[];
    return { templates: Number(templates[0]?.n ?? 0), instances: Number(instances[0]?.n ?? 0), images: Number(images[0]?.n ?? 0), reservations: Number(reservations[0]?.n ?? 0) };
  }

  /** Harmless when the user is a member already. */
  async addMember(groupId: string, userId: string, now: EpochMs): Promise<void> {
    await this.db('memberships')
      .insert({ group_id: groupId, user_id: userId, created_at: new Date(now) })
      .onConflict(['group_id', 'user_id'])
      .ignore();
    this.changes.note('groups', groupId);
  }

  /** False when the user was no member. */
  async removeMember(groupId: string, userId: string): Promise<boolean> {
    if ((await this.db('memberships').where({ group_id: groupId, user_id: userId }).delete()) === 0) return false;
    this.changes.note('groups', groupId);
    this.changes.note('groups', groupId, { ownerUserId: userId, groupId: null });
    return true;
  }

  /** For its owner and its members, who may not be that any more afterwards. */
  private async noteAsItIs(id: string): Promise<void> {
    const owners = (await this.db('user_groups').where('id', id).pluck('owner_user_id')) as readonly (string | null)[];
    const members = (await this.db('memberships').where('group_id', id).pluck('user_id')) as readonly string[];
    for (const userId of new Set([...owners, ...members])) this.changes.note('groups', id, { ownerUserId: userId, groupId: null });
  }

  private select(): Knex.QueryBuilder {
    const members = this.db('memberships as m').whereRaw('m.group_id = g.id').count('*').as('members');
    return this.db('user_groups as g').select('g.id', 'g.name', 'g.description', 'g.owner_user_id', 'g.created_at', this.db.raw('g.enrolment_code_hash IS NOT NULL AS has_code'), members);
  }
}

function one(rows: readonly GroupRow[]): Group | null {
  return rows[0] === undefined ? null : toGroup(rows[0]);
}

function toGroup(row: GroupRow): Group {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    ownerUserId: row.owner_user_id,
    hasEnrolmentCode: Number(row.has_code) !== 0,
    members: Number(row.members),
    createdAt: row.created_at.toISOString(),
  };
}
