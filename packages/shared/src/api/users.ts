import { z } from 'zod';
import { displayNameSchema, sshPublicKeySchema } from '../domain/limits';
import { mailSchema, passwordSchema, roleSchema, userNameSchema, userSchema } from '../domain/people';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ userId: idSchema });

/** A secret to hand to the person, with which they set their password once. */
export const passwordTokenSchema = z.object({
  /** Shown this once. */
  token: z.string(),
  expiresAt: z.iso.datetime(),
});
export type PasswordToken = z.infer<typeof passwordTokenSchema>;

export const listUsers = route({
  method: 'get',
  path: '/users',
  summary: 'Users, newest first; teachers see the members of their groups',
  action: 'user.list',
  query: pageQuerySchema.extend({
    groupId: idSchema.optional(),
    role: roleSchema.optional(),
    /** Part of the user name or the display name. */
    name: z.string().trim().max(100, 'at most 100 characters').optional(),
  }),
  answer: { status: 200, schema: pageSchema(userSchema) },
});

export const getUser = route({
  method: 'get',
  path: '/users/:userId',
  summary: 'One user',
  action: 'user.see',
  params: one,
  answer: { status: 200, schema: userSchema },
});

export const createUser = route({
  method: 'post',
  path: '/users',
  summary: 'Make a user; answers a one-time token with which the person sets the password',
  action: 'user.create',
  body: z.object({
    name: userNameSchema,
    displayName: displayNameSchema,
    role: roleSchema.default('student'),
    primaryGroupId: idSchema.nullable().default(null),
    sshPublicKeys: z.array(sshPublicKeySchema).max(20, 'at most 20 keys').default([]),
    mail: mailSchema.nullable().default(null),
  }),
  answer: { status: 201, schema: z.object({ user: userSchema, password: passwordTokenSchema }) },
});

export const editUser = route({
  method: 'patch',
  path: '/users/:userId',
  summary: 'Change name, mail address, primary group, or lock somebody out; disabling ends all sessions',
  action: 'user.edit',
  params: one,
  body: z.object({
    displayName: displayNameSchema.optional(),
    disabled: z.boolean().optional(),
    primaryGroupId: idSchema.nullable().optional(),
    mail: mailSchema.nullable().optional(),
  }),
  answer: { status: 200, schema: userSchema },
});

export const setRole = route({
  method: 'put',
  path: '/users/:userId/role',
  summary: 'Give a user another role; it holds from the next request on',
  action: 'user.set-role',
  params: one,
  body: z.object({ role: roleSchema }),
  answer: { status: 200, schema: userSchema },
});

export const createPasswordToken = route({
  method: 'post',
  path: '/users/:userId/password-token',
  summary: 'Make a one-time token with which the person sets a new password; earlier ones stop working',
  action: 'user.edit',
  params: one,
  answer: { status: 201, schema: passwordTokenSchema },
});

export const setPassword = route({
  method: 'post',
  path: '/passwords',
  summary: 'Set a password with a one-time token; open to anybody because the token is the key. Ends all sessions of the user',
  action: 'public',
  body: z.object({ token: z.string().trim().min(1, 'must not be empty').max(100, 'at most 100 characters'), password: passwordSchema }),
  answer: { status: 204 },
});
