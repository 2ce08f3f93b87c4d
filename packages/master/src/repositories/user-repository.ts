import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Role, User } from '@paravcl/shared/domain/people';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { likeLiteral, newestFirst, type PageRequest } from './newest-first';

interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
  readonly role: Role;
  readonly primary_group_id: string | null;
  readonly ssh_public_keys: string;
  readonly disabled: number;
  readonly mail: string | null;
  readonly created_at: Date;
}

const columns = ['u.id', 'u.name', 'u.display_name', 'u.role', 'u.primary_group_id', 'u.ssh_public_keys', 'u.disabled', 'u.mail', 'u.created_at'];

export interface NewUser {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly role: Role;
  /** Stored form with its parameters; null until the person sets one. */
  readonly passwordHash: string | null;
  readonly primaryGroupId: string | null;
  readonly sshPublicKeys: readonly string[];
  /** Where notices are sent besides; absent or null: nowhere. */
  readonly mail?: string | null | undefined;
}

export interface UserChange {
  readonly displayName?: string | undefined;
  readonly role?: Role | undefined;
  readonly passwordHash?: string | undefined;
  readonly primaryGroupId?: string | null | undefined;
  readonly sshPublicKeys?: readonly string[] | undefined;
  readonly disabled?: boolean | undefined;
  readonly mail?: string | null | undefined;
}

/** What somebody can show that they are this user. */
export interface Credentials {
  readonly disabled: boolean;
  readonly sshPublicKeys: readonly string[];
  readonly passwordHash: string | null;
}

export interface UserFilter extends PageRequest {
  /** In any of these groups; absent for all users. */
  readonly groupIds?: readonly string[] | undefined;
  readonly role?: Role | undefined;
  /** Part of the user name or display name. */
  readonly name?: string | undefined;
}

export class UserRepository {
  constructor(private readonly db: Knex) {}

  async find(id: string): Promise<User | null> {
    return this.one(await this.select().where('u.id', id));
  }

  /** What a person makes within their share is made one after the other: the row is locked until the transaction ends. */
  async lock(id: string): Promise<void> {
    await this.db('users').where({ id }).forUpdate().select('id');
  }

  async findByName(name: string): Promise<User | null> {
    return this.one(await this.select().where('u.name', name));
  }

  /** By name, of those of these names that somebody has. */
  async findByNames(names: readonly string[]): Promise<ReadonlyMap<string, User>> {
    const users = await this.withGroups((await this.select().whereIn('u.name', [...names])) as UserRow[]);
    return new Map(users.map((user) => [user.name, user]));
  }

  /** The stored hash of a user who may exist; undefined when there is no such user. */
  async passwordHash(id: string): Promise<string | null | undefined> {
    const row = (await this.db('users').where('id', id).first('password_hash')) as { password_hash: string | null } | undefined;
    return row?.password_hash;
  }

  /** By id, of those of these users who exist. */
  async credentials(ids: readonly string[]): Promise<ReadonlyMap<string, Credentials>> {
    const rows = (await this.db('users').whereIn('id', [...ids]).select('id', 'disabled', 'ssh_public_keys', 'password_hash')) as (Pick<UserRow, 'id' | 'disabled' | 'ssh_public_keys'> & { readonly password_hash: string | null })[];
    return new Map(rows.map((row) => [row.id, { disabled: row.disabled !== 0, sshPublicKeys: parseJson(row.ssh_public_keys) as string[], passwordHash: row.password_hash }]));
  }

  async page(filter: UserFilter): Promise<Page<User>> {
    const query = this.select();
    const { groupIds, role, name } = filter;
    if (groupIds !== undefined) {
      void query.whereExists(this.db('memberships as m').select(this.db.raw('1')).whereRaw('m.user_id = u.id').whereIn('m.group_id', [...groupIds]));
    }
    if (role !== undefined) void query.where('u.role', role);
    if (name !== undefined && name !== '') {
      const pattern = `%${likeLiteral(name)}%`;
      void query.where((either) => void either.whereILike('u.name', pattern).orWhereILike('u.display_name', pattern));
    }
    const page = await newestFirst<UserRow>(query, 'u.id', filter);
    return { items: await this.withGroups(page.items), next: page.next };
  }

  /** Locks the enabled admins against changes by others and counts them. */
  async lockAdmins(): Promise<readonly string[]> {
    const rows = (await this.db('users').where({ role: 'admin', disabled: 0 }).orderBy('id').forUpdate().select('id')) as { id: string }[];
    return rows.map((row) => row.id);
  }

  async adminExists(): Promise<boolean> {
    return (await this.db('users').where({ role: 'admin', disabled: 0 }).first('id')) !== undefined;
  }

  async namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = (await this.db('users').whereIn('id', [...ids]).select('id', 'name')) as readonly { readonly id: string; readonly name: string }[];
    return new Map(rows.map((row) => [row.id, row.name]));
  }

  async insert(user: NewUser, now: EpochMs): Promise<void> {
    await this.db('users').insert({
      id: user.id,
      name: user.name,
      display_name: user.displayName,
      role: user.role,
      password_hash: user.passwordHash,
      primary_group_id: user.primaryGroupId,
      ssh_public_keys: JSON.stringify(user.sshPublicKeys),
      disabled: 0,
      mail: user.mail ?? null,
      created_at: new Date(now),
    });
  }

  async update(id: string, change: UserChange): Promise<void> {
    const row = {
      ...(change.displayName === undefined ? {} : { display_name: change.displayName }),
      ...(change.role === undefined ? {} : { role: change.role }),
      ...(change.passwordHash === undefined ? {} : { password_hash: change.passwordHash }),
      ...(change.primaryGroupId === undefined ? {} : { primary_group_id: change.primaryGroupId }),
      ...(change.sshPublicKeys === undefined ? {} : { ssh_public_keys: JSON.stringify(change.sshPublicKeys) }),
      ...(change.disabled === undefined ? {} : { disabled: change.disabled ? 1 : 0 }),
      ...(change.mail === undefined ? {} : { mail: change.mail }),
    };
    if (Object.keys(row).length > 0) await this.db('users').where('id', id).update(row);
  }

  /** How often this person asked for machines and lent none (the participation rule). */
  async optOuts(id: string): Promise<number> {
    const row = (await this.db('users').where({ id }).first('opt_outs')) as { readonly opt_outs: number } | undefined;
    return row?.opt_outs ?? 0;
  }

  async addOptOut(id: string): Promise<void> {
    await this.db('users').where({ id }).increment('opt_outs', 1);
  }

  /** Of everybody whose primary group this is, or of one of them. */
  async clearPrimaryGroup(groupId: string, userId?: string): Promise<void> {
    const query = this.db('users').where('primary_group_id', groupId);
    if (userId !== undefined) void query.where('id', userId);
    await query.update({ primary_group_id: null });
  }

  private select(): Knex.QueryBuilder {
    return this.db('users as u').select(columns);
  }

  private async one(rows: readonly UserRow[]): Promise<User | null> {
    return (await this.withGroups(rows))[0] ?? null;
  }

  private async withGroups(rows: readonly UserRow[]): Promise<User[]> {
    if (rows.length === 0) return [];
    const memberships = (await this.db('memberships')
      .whereIn('user_id', rows.map((row) => row.id))
      .orderBy(['created_at', 'group_id'])
      .select('user_id', 'group_id')) as { user_id: string; group_id: string }[];
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      displayName: row.display_name,
      role: row.role,
      primaryGroupId: row.primary_group_id,
      groupIds: memberships.filter((membership) => membership.user_id === row.id).map((membership) => membership.group_id),
      sshPublicKeys: parseJson(row.ssh_public_keys) as string[],
      disabled: row.disabled !== 0,
      mail: row.mail,
      createdAt: row.created_at.toISOString(),
    }));
  }
}
