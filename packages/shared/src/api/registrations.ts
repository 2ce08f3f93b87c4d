import { z } from 'zod';
import { displayNameSchema, sshPublicKeySchema } from '../domain/limits';
import { mailSchema, passwordSchema, userNameSchema, userSchema } from '../domain/people';
import { route } from './route';

export const register = route({
  method: 'post',
  path: '/registrations',
  summary: 'Register oneself as a student in the group whose enrolment code one was given; open to anybody because the code is the key',
  action: 'public',
  body: z.object({
    enrolmentCode: z.string().trim().min(1, 'must not be empty').max(40, 'at most 40 characters'),
    name: userNameSchema,
    displayName: displayNameSchema,
    password: passwordSchema,
    sshPublicKey: sshPublicKeySchema.optional(),
    /** For notices; none without. */
    mail: mailSchema.nullable().optional(),
  }),
  answer: { status: 201, schema: userSchema },
});
