import { z } from 'zod';
import { displayNameSchema } from '../domain/limits';
import { groupSchema, userNameSchema, userSchema } from '../domain/people';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ groupId: idSchema });
const descriptionSchema = z.string().trim().max(2000, 'at most 2000 characters');
const answer = { status: 200, schema: groupSchema } as const;

export const listGroups = route({
  method: 'get',
  path: '/groups',
  summary: 'Groups, newest first; people see those they are in or own, operators and admins all',
  action: 'group.list',
  query: pageQuerySchema.extend({ name: z.string().trim().max(100, 'at most 100 characters').optional() }),
  answer: { status: 200, schema: pageSchema(groupSchema) },
});

export const getGroup = route({ method: 'get', path: '/groups/:groupId', summary: 'One group', action: 'group.see', params: one, answer });

export const createGroup = route({
  method: 'post',
  path: '/groups',
  summary: 'Make a group; a teacher owns it, an admin may name its owner',
  action: 'group.create',
  body: z.object({ name: displayNameSchema, description: descriptionSchema.default(''), ownerUserId: idSchema.nullable().optional() }),
  answer: { status: 201, schema: groupSchema },
});

export const editGroup = route({
  method: 'patch',
  path: '/groups/:groupId',
  summary: 'Change name or description; admins may change the owner',
  action: 'group.edit',
  params: one,
  body: z.object({ name: displayNameSchema.optional(), description: descriptionSchema.optional(), ownerUserId: idSchema.nullable().optional() }),
  answer,
});

export const deleteGroup = route({
  method: 'delete',
  path: '/groups/:groupId',
  summary: 'Delete a group; refused while instances belong to it, or it owns images or templates',
  action: 'group.delete',
  params: one,
  answer: { status: 204 },
});

export const listMembers = route({
  method: 'get',
  path: '/groups/:groupId/members',
  summary: 'Members of a group, newest user first',
  action: 'user.list',
  params: one,
  query: pageQuerySchema,
  answer: { status: 200, schema: pageSchema(userSchema) },
});

export const addMember = route({
  method: 'post',
  path: '/groups/:groupId/members',
  summary: 'Add a user, by user name, to a group; harmless when they are in it already',
  action: 'group.edit',
  params: one,
  body: z.object({ userName: userNameSchema }),
  answer: { status: 201, schema: userSchema },
});

export const removeMember = route({
  method: 'delete',
  path: '/groups/:groupId/members/:userId',
  summary: 'Take a user out of a group; what they run in it stays theirs',
  action: 'group.edit',
  params: one.extend({ userId: idSchema }),
  answer: { status: 204 },
});

export const createEnrolmentCode = route({
  method: 'post',
  path: '/groups/:groupId/enrolment-code',
  summary: 'Make a code with which people register themselves into the group; an earlier one stops working',
  action: 'group.edit',
  params: one,
  answer: {
    status: 201,
    schema: z.object({
      /** Shown this once; easy to write on a blackboard. */
      enrolmentCode: z.string(),
    }),
  },
});

export const deleteEnrolmentCode = route({
  method: 'delete',
  path: '/groups/:groupId/enrolment-code',
  summary: 'End self-registration into the group',
  action: 'group.edit',
  params: one,
  answer: { status: 204 },
});
