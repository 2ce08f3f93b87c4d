import { z } from 'zod';
import { displayNameSchema, sshPublicKeySchema } from '../domain/limits';
import { groupSchema, mailSchema, passwordSchema, userNameSchema, userSchema } from '../domain/people';
import { claimableSchema } from '../domain/reservation';
import { route } from './route';

export const login = route({
  method: 'post',
  path: '/sessions',
  summary: 'Log in; open to anybody because it is the door',
  action: 'public',
  body: z.object({
    name: userNameSchema,
    /** No length rule here: it would tell what passwords look like, and old ones must keep working. */
    password: z.string().min(1, 'must not be empty').max(1000, 'at most 1000 characters'),
    /** `cookie` for browsers; `bearer` answers the token for programs, which keep it themselves. */
    transport: z.enum(['cookie', 'bearer']).default('cookie'),
  }),
  answer: {
    status: 201,
    schema: z.object({
      user: userSchema,
      /** For the Authorization header; null when it went into the cookie. */
      token: z.string().nullable(),
      /** The session ends then at the latest, and earlier when it is idle for long. */
      expiresAt: z.iso.datetime(),
      /** Reservations whose window is open now: start or resume under them. */
      claimable: z.array(claimableSchema),
    }),
  },
});

export const logout = route({
  method: 'delete',
  path: '/sessions/current',
  summary: 'Log out: the session ends at once',
  action: 'authenticated',
  answer: { status: 204 },
});

export const getMe = route({
  method: 'get',
  path: '/me',
  summary: 'Who I am, and the groups I am in',
  action: 'authenticated',
  answer: { status: 200, schema: z.object({ user: userSchema, groups: z.array(groupSchema) }) },
});

export const editMe = route({
  method: 'patch',
  path: '/me',
  summary: 'Change my own name, mail address, SSH keys or password; a new password ends my other sessions',
  action: 'authenticated',
  body: z.object({
    displayName: displayNameSchema.optional(),
    /** Null: no notices by mail. */
    mail: mailSchema.nullable().optional(),
    sshPublicKeys: z.array(sshPublicKeySchema).max(20, 'at most 20 keys').optional(),
    password: z.object({ old: z.string().min(1, 'must not be empty').max(1000, 'at most 1000 characters'), new: passwordSchema }).optional(),
  }),
  answer: { status: 200, schema: userSchema },
});
