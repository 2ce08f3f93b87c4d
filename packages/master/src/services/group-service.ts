import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Group, Principal, User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { GroupUse } from '../repositories/group-repository';
import type { PageRequest } from '../repositories/newest-first';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { authorise, may, reach, type Subject } from './policy';
import { hashEnrolmentCode, newEnrolmentCode } from './secrets';
import type { Action } from '@paravcl/shared/api/actions';

export interface GroupEdit {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly ownerUserId?: string | null | undefined;
}

/** Courses and lab classes, and who is in them. */
export class GroupService {
  constructor(private readonly deps: { readonly unit: UnitOfWork; readonly clock: Clock }) {}

  list(principal: Principal, filter: PageRequest & { readonly name?: string | undefined }): Promise<Page<Group>> {
    return this.deps.unit.read.groups.page({ ...filter, ofUserId: reach(principal, 'group.list') === 'any' ? undefined : principal.userId });
  }

  async get(principal: Principal, groupId: string): Promise<Group> {
    const group = await found(this.deps.unit.read, groupId);
    authorise(principal, 'group.see', 'group.see', seenAs(principal, group), `group ${groupId}`);
    return group;
  }

  /** @throws ParavclError `already-exists`, `forbidden` (another owner), `not-found` (the owner) */
  async create(acting: Acting, asked: { readonly name: string; readonly description: string; readonly ownerUserId?: string | null | undefined }): Promise<Group> {
    const { principal } = acting;
    const ownerUserId = asked.ownerUserId === undefined ? principal.userId : asked.ownerUserId;
    return this.write(asked.name, async (write) => {
      const now = this.deps.clock.now();
      if (ownerUserId !== principal.userId) await requireOwner(write, principal, ownerUserId);
      const id = newId(now);
      await write.groups.insert({ id, name: asked.name, description: asked.description, ownerUserId }, now);
      await write.events.append(eventBy(acting, { kind: 'group.created', subjectType: 'group', subjectId: id, sentence: `The group ${asked.name} was made.` }), now);
      return found(write, id);
    });
  }

  edit(acting: Acting, groupId: string, change: GroupEdit): Promise<Group> {
    return this.write(change.name ?? '', async (write) => {
      const group = await lockedGroup(write, acting.principal, 'group.edit', groupId);
      if (change.ownerUserId !== undefined && change.ownerUserId !== group.ownerUserId) await requireOwner(write, acting.principal, change.ownerUserId);
      await write.groups.update(groupId, change);
      await write.events.append(eventBy(acting, { kind: 'group.edited', subjectType: 'group', subjectId: groupId, sentence: `The group ${group.name} was changed.` }), this.deps.clock.now());
      return found(write, groupId);
    });
  }

  /** @throws ParavclError `in-use` while instances belong to it, it owns images, templates are for it, or room is reserved for it */
  async delete(acting: Acting, groupId: string): Promise<void> {
    await this.deps.unit.transaction(async (write) => {
      const group = await lockedGroup(write, acting.principal, 'group.delete', groupId);
      const use = await write.groups.use(groupId);
      if (Object.values(use).some((count) => count > 0)) throw new ParavclError('in-use', `${group.name} cannot be deleted: ${inWords(use)}.`);
      await write.users.clearPrimaryGroup(groupId);
      await write.groups.delete(groupId);
      await write.events.append(eventBy(acting, { kind: 'group.deleted', subjectType: 'group', subjectId: groupId, sentence: `The group ${group.name} was deleted.` }), this.deps.clock.now());
    });
  }

  async members(principal: Principal, groupId: string, page: PageRequest): Promise<Page<User>> {
    const { read } = this.deps.unit;
    // Who else is in a group is its teacher's business, not its members'.
    authorise(principal, 'user.list', 'group.see', ownedAs(await found(read, groupId)), `group ${groupId}`);
    return read.users.page({ ...page, groupIds: [groupId] });
  }

  /** @throws ParavclError `not-found` (no user of that name) */
  addMember(acting: Acting, groupId: string, userName: string): Promise<User> {
    return this.deps.unit.transaction(async (write) => {
      const now = this.deps.clock.now();
      const group = await lockedGroup(write, acting.principal, 'group.edit', groupId);
      const user = await write.users.findByName(userName);
      if (user === null) throw new ParavclError('not-found', `There is no user ${userName}. Check the name, or give out the enrolment code.`, { field: 'userName' });
      if (user.groupIds.includes(groupId)) return user;
      await joinGroup(write, acting, group, user, now);
      return { ...user, groupIds: [...user.groupIds, groupId] };
    });
  }

  async removeMember(acting: Acting, groupId: string, userId: string): Promise<void> {
    await this.deps.unit.transaction(async (write) => {
      const group = await lockedGroup(write, acting.principal, 'group.edit', groupId);
      if (!(await write.groups.removeMember(groupId, userId))) throw new ParavclError('not-found', `User ${userId} is not in ${group.name}.`, { field: 'userId' });
      await write.users.clearPrimaryGroup(groupId, userId);
      await write.events.append(
        eventBy(acting, { kind: 'group.member-removed', subjectType: 'group', subjectId: groupId, sentence: `User ${userId} was taken out of ${group.name}.` }),
        this.deps.clock.now(),
      );
    });
  }

  /** Answers the code, this once. */
  createEnrolmentCode(acting: Acting, groupId: string): Promise<string> {
    return this.deps.unit.transaction(async (write) => {
      const group = await lockedGroup(write, acting.principal, 'group.edit', groupId);
      const code = newEnrolmentCode();
      await write.groups.update(groupId, { enrolmentCodeHash: hashEnrolmentCode(code) });
      await write.events.append(
        eventBy(acting, { kind: 'group.code-made', subjectType: 'group', subjectId: groupId, sentence: `A new enrolment code of ${group.name} was made.` }),
        this.deps.clock.now(),
      );
      return code;
    });
  }

  async deleteEnrolmentCode(acting: Acting, groupId: string): Promise<void> {
    await this.deps.unit.transaction(async (write) => {
      const group = await lockedGroup(write, acting.principal, 'group.edit', groupId);
      await write.groups.update(groupId, { enrolmentCodeHash: null });
      await write.events.append(
        eventBy(acting, { kind: 'group.code-ended', subjectType: 'group', subjectId: groupId, sentence: `Self-registration into ${group.name} was ended.` }),
        this.deps.clock.now(),
      );
    });
  }

  private async write(name: string, work: (write: Repositories) => Promise<Group>): Promise<Group> {
    try {
      return await this.deps.unit.transaction(work);
    } catch (error) {
      throw isDuplicateKey(error) ? new ParavclError('already-exists', `There is a group ${name} already. Choose another name.`, { field: 'name' }) : error;
    }
  }
}

/** The group, locked, when the principal may do this to it. Throws `not-found` to who may not see it, else `forbidden`. */
export async function lockedGroup(write: Repositories, principal: Principal, action: Action, groupId: string): Promise<Group> {
  await write.groups.lock(groupId);
  const group = await found(write, groupId);
  if (!may(principal, action, ownedAs(group)) && principal.groupIds.includes(groupId)) {
    throw new ParavclError('forbidden', `${group.name} is not yours to change, though you are in it. Ask its teacher or an administrator.`);
  }
  authorise(principal, action, action, ownedAs(group), `group ${groupId}`);
  return group;
}

/** Somebody who is not in the group yet joins it. */
export async function joinGroup(write: Repositories, acting: Acting, group: Group, user: Pick<User, 'id' | 'name'>, now: EpochMs): Promise<void> {
  await write.groups.addMember(group.id, user.id, now);
  await write.events.append(eventBy(acting, { kind: 'group.member-added', subjectType: 'group', subjectId: group.id, sentence: `${user.name} was added to ${group.name}.` }), now);
}

/** A group is its owner's. */
const ownedAs = (group: Group): Subject => ({ ownerUserId: group.ownerUserId, groupId: group.id });

/** And it is seen by its members. */
function seenAs(principal: Principal, group: Group): Subject {
  return principal.groupIds.includes(group.id) ? { ownerUserId: principal.userId, groupId: group.id } : ownedAs(group);
}

async function found(repositories: Repositories, groupId: string): Promise<Group> {
  const group = await repositories.groups.find(groupId);
  if (group === null) throw new ParavclError('not-found', `There is no group ${groupId}, or it is not yours to see.`);
  return group;
}

/** Groups are given to other owners by admins only; an owner must be able to act as one. */
async function requireOwner(write: Repositories, principal: Principal, ownerUserId: string | null): Promise<void> {
  if (principal.role !== 'admin') throw new ParavclError('forbidden', 'Only an administrator gives groups to other owners.', { field: 'ownerUserId' });
  if (ownerUserId === null) return;
  const owner = await write.users.find(ownerUserId);
  if (owner === null) throw new ParavclError('not-found', `There is no user ${ownerUserId}.`, { field: 'ownerUserId' });
  if (owner.role !== 'teacher' && owner.role !== 'admin') {
    throw new ParavclError('conflict', `${owner.name} is a ${owner.role} and cannot own a group. Make them teacher first.`, { field: 'ownerUserId' });
  }
}

function inWords(use: GroupUse): string {
  const parts = [
    ...(use.instances > 0 ? [`${use.instances} ${use.instances === 1 ? 'instance belongs' : 'instances belong'} to it; delete them first`] : []),
    ...(use.images > 0 ? [`it owns ${use.images} ${use.images === 1 ? 'image' : 'images'}; delete them or give them to another group`] : []),
    ...(use.reservations > 0 ? [`${use.reservations} ${use.reservations === 1 ? 'reservation is' : 'reservations are'} open for it; cancel or release them first`] : []),
    ...(use.templates > 0 ? [`${use.templates} ${use.templates === 1 ? 'template is' : 'templates are'} for it; delete them or give them to other groups`] : []),
  ];
  return parts.join(', and ');
}
