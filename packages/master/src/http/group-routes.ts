import {
  addMember,
  createEnrolmentCode,
  createGroup,
  deleteEnrolmentCode,
  deleteGroup,
  editGroup,
  getGroup,
  listGroups,
  listMembers,
  removeMember,
} from '@paravcl/shared/api/groups';
import { postRoster } from '@paravcl/shared/api/roster';
import type { GroupService } from '../services/group-service';
import type { RosterService } from '../services/roster-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';
import { shownToken } from './user-routes';

export interface GroupRoutesDeps {
  readonly groups: GroupService;
  readonly roster: RosterService;
}

export function groupRoutes({ groups, roster }: GroupRoutesDeps): BoundRoute[] {
  return [
    bind(listGroups, async ({ principal, query }) => {
      const page = await groups.list(principal, query);
      return { body: { items: [...page.items], next: page.next } };
    }),
    bind(getGroup, async ({ principal, params }) => ({ body: await groups.get(principal, params.groupId) })),
    bind(createGroup, async (call) => ({ body: await groups.create(acting(call), call.body) })),
    bind(editGroup, async (call) => ({ body: await groups.edit(acting(call), call.params.groupId, call.body) })),
    bind(deleteGroup, async (call) => {
      await groups.delete(acting(call), call.params.groupId);
      return { body: undefined };
    }),
    bind(listMembers, async ({ principal, params, query }) => {
      const page = await groups.members(principal, params.groupId, query);
      return { body: { items: [...page.items], next: page.next } };
    }),
    bind(addMember, async (call) => ({ body: await groups.addMember(acting(call), call.params.groupId, call.body.userName) })),
    bind(removeMember, async (call) => {
      await groups.removeMember(acting(call), call.params.groupId, call.params.userId);
      return { body: undefined };
    }),
    bind(postRoster, async (call) => {
      const { csv, apply } = call.body;
      const { lines, counts } = await roster.bring(acting(call), call.params.groupId, csv, { apply });
      return { body: { applied: apply, counts, lines: lines.map((line) => ({ ...line, password: line.password === null ? null : shownToken(line.password) })) } };
    }),
    bind(createEnrolmentCode, async (call) => ({ body: { enrolmentCode: await groups.createEnrolmentCode(acting(call), call.params.groupId) } })),
    bind(deleteEnrolmentCode, async (call) => {
      await groups.deleteEnrolmentCode(acting(call), call.params.groupId);
      return { body: undefined };
    }),
  ];
}
