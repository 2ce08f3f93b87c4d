import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal, Role, User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { NewUser, UserFilter } from '../repositories/user-repository';
import { eventBy, type Acting } from './acting';
import type { UserNameRule } from './instance-settings';
import { issueToken, type IssuedToken } from './one-time-tokens';
import { authorise, may, reach, type Subject } from './policy';
import { nameTaken } from './registration-service';
import { requireSession } from './session-only';
import { requireAllowedName } from './user-name-rule';

export interface UserEdit {
  readonly displayName?: string | undefined;
  readonly disabled?: boolean | undefined;
  readonly primaryGroupId?: string | null | undefined;
  readonly mail?: string | null | undefined;
}

export type NewAccount = Omit<NewUser, 'id' | 'passwordHash'>;

/** What people do to the accounts of others. */
export class UserService {
  /** `userNames`: which names new people may have; any by default. */
  constructor(private readonly deps: { readonly unit: UnitOfWork; readonly clock: Clock; readonly userNames?: UserNameRule }) {}

  /** Teachers are shown the members of their groups, whatever they filter by. */
  list(principal: Principal, { groupId, ...filter }: Omit<UserFilter, 'groupIds'> & { readonly groupId?: string | undefined }): Promise<Page<User>> {
    const mine = reach(principal, 'user.list') === 'any' ? undefined : principal.ownedGroupIds;
    const asked = groupId === undefined ? undefined : [groupId];
    const groupIds = mine === undefined ? asked : mine.filter((id) => asked?.includes(id) ?? true);
    return this.deps.unit.read.users.page({ ...filter, groupIds });
  }

  async get(principal: Principal, userId: string): Promise<User> {
    const user = await found(this.deps.unit.read, userId);
    authorise(principal, 'user.see', 'user.see', seenAs(principal, user), `user ${userId}`);
    return user;
  }

  /** @throws ParavclError `invalid-input` (a name this site does not give), `already-exists`, `not-found` (the group) */
  async create(acting: Acting, person: NewAccount): Promise<{ readonly user: User; readonly password: IssuedToken }> {
    requireAllowedName(person.name, this.deps.userNames ?? 'any');
    try {
      return await this.deps.unit.transaction(async (write) => {
        const now = this.deps.clock.now();
        if (person.primaryGroupId !== null) await requireGroup(write, person.primaryGroupId);
        const { id, password } = await makeUser(write, acting, person, now);
        return { user: await found(write, id), password };
      });
    } catch (error) {
      throw isDuplicateKey(error) ? nameTaken(person.name) : error;
    }
  }

  /**
   * People change their own display name and mail address; teachers also those of the students of their groups, and lock
   * them out; admins everything.
   */
  edit(acting: Acting, userId: string, change: UserEdit): Promise<User> {
    const { principal } = acting;
    return this.deps.unit.transaction(async (write) => {
      const now = this.deps.clock.now();
      const user = await found(write, userId);
      requireEditor(principal, user);
      if (change.mail !== undefined && user.id === principal.userId) requireSession(principal, 'change the mail address');
      if (principal.role !== 'admin') {
        if (change.primaryGroupId !== undefined) throw reserved('primaryGroupId', 'Only an administrator moves people between groups.');
        if (change.disabled !== undefined && user.id === principal.userId) throw reserved('disabled', 'Nobody locks themselves out. Ask an administrator.');
      }
      if (change.disabled === true) await requireOtherAdmin(write, userId);
      if (change.primaryGroupId != null) {
        await requireGroup(write, change.primaryGroupId);
        await write.groups.addMember(change.primaryGroupId, userId, now);
      }
      await write.users.update(userId, change);
      if (change.disabled === true) await write.sessions.deleteOfUser(userId);
      for (const event of editEvents(user, change)) await write.events.append(eventBy(acting, { ...event, subjectType: 'user', subjectId: userId }), now);
      return found(write, userId);
    });
  }

  setRole(acting: Acting, userId: string, role: Role): Promise<User> {
    return this.deps.unit.transaction(async (write) => {
      const now = this.deps.clock.now();
      if (role !== 'admin') await requireOtherAdmin(write, userId);
      const user = await found(write, userId);
      await write.users.update(userId, { role });
      await write.events.append(
        eventBy(acting, { kind: 'user.role-set', subjectType: 'user', subjectId: userId, sentence: `${user.name} is ${role} now, and was ${user.role}.` }),
        now,
      );
      return found(write, userId);
    });
  }

  /** For a person who forgot the password or never had one. The old password works until a new one is set. */
  createPasswordToken(acting: Acting, userId: string): Promise<IssuedToken> {
    const { principal } = acting;
    return this.deps.unit.transaction(async (write) => {
      const user = await found(write, userId);
      requireEditor(principal, user);
      if (user.id === principal.userId) requireSession(principal, 'change the password');
      if (user.id === principal.userId && principal.role !== 'admin') {
        // Otherwise an unattended screen would be enough to take the account for good.
        throw new ParavclError('forbidden', 'Change your own password with the old one, or ask a teacher or an administrator for a token.');
      }
      const now = this.deps.clock.now();
      const issued = await issueToken(write, 'password', userId, now);
      await write.events.append(
        eventBy(acting, { kind: 'user.password-token-issued', subjectType: 'user', subjectId: userId, sentence: `A password token for ${user.name} was made.` }),
        now,
      );
      return issued;
    });
  }
}

/** An account without a password, in its primary group, and the token with which the person sets one. */
export async function makeUser(write: Repositories, acting: Acting, person: NewAccount, now: EpochMs): Promise<{ readonly id: string; readonly password: IssuedToken }> {
  const id = newId(now);
  await write.users.insert({ ...person, id, passwordHash: null }, now);
  if (person.primaryGroupId !== null) await write.groups.addMember(person.primaryGroupId, id, now);
  const password = await issueToken(write, 'password', id, now);
  await write.events.append(eventBy(acting, { kind: 'user.created', subjectType: 'user', subjectId: id, sentence: `${person.name} was made, as ${person.role}.` }), now);
  return { id, password };
}

/** Somebody in several groups is seen by the teacher of any of them. */
export function seenAs(principal: Principal, user: User): Subject {
  return { ownerUserId: user.id, groupId: user.groupIds.find((id) => principal.ownedGroupIds.includes(id)) ?? null };
}

/**
 * Edited by fewer: a teacher may take anybody into an own group, so being in it must not hand the account
 * over. Only students whose primary group it is belong to a teacher, never other teachers or admins.
 */
function editedAs(principal: Principal, user: User): Subject {
  if (principal.role === 'teacher' && user.role !== 'student' && user.id !== principal.userId) return { ownerUserId: null, groupId: null };
  return { ownerUserId: user.id, groupId: user.primaryGroupId };
}

/** Throws `not-found` when the principal may not even see the user. */
function requireEditor(principal: Principal, user: User): void {
  if (may(principal, 'user.edit', editedAs(principal, user))) return;
  authorise(principal, 'user.see', 'user.see', seenAs(principal, user), `user ${user.id}`);
  throw new ParavclError('forbidden', `The account of ${user.name} is not in your hands: a teacher looks after the students whose primary group is the teacher's. Ask an administrator.`);
}

async function found(repositories: Repositories, userId: string): Promise<User> {
  const user = await repositories.users.find(userId);
  if (user === null) throw new ParavclError('not-found', `There is no user ${userId}, or it is not yours to see.`);
  return user;
}

async function requireGroup(write: Repositories, groupId: string): Promise<void> {
  if (!(await write.groups.lock(groupId))) throw new ParavclError('not-found', `There is no group ${groupId}.`, { field: 'primaryGroupId' });
}

/** The site always keeps an admin who can log in. The lock makes two who demote each other take turns. */
async function requireOtherAdmin(write: Repositories, userId: string): Promise<void> {
  const admins = await write.users.lockAdmins();
  if (admins.length === 1 && admins[0] === userId) {
    throw new ParavclError('conflict', 'This is the last administrator. Make somebody else administrator first.');
  }
}

function reserved(field: string, message: string): ParavclError {
  return new ParavclError('forbidden', message, { field });
}

function editEvents(user: User, change: UserEdit): { readonly kind: string; readonly sentence: string }[] {
  const events = [];
  if (change.disabled !== undefined && change.disabled !== user.disabled) {
    events.push(
      change.disabled
        ? { kind: 'user.disabled', sentence: `${user.name} was locked out; all sessions ended.` }
        : { kind: 'user.enabled', sentence: `${user.name} may log in again.` },
    );
  }
  if (change.displayName !== undefined || change.primaryGroupId !== undefined || change.mail !== undefined) {
    events.push({ kind: 'user.edited', sentence: `Name, group or mail address of ${user.name} was changed.` });
  }
  return events;
}
