import { z } from 'zod';
import { displayNameSchema } from '../domain/limits';
import { passwordSchema, userNameSchema, userSchema } from '../domain/people';
import { route } from './route';

export const createFirstAdmin = route({
  method: 'post',
  path: '/setup',
  summary: 'Make the first administrator with the setup token that the master printed at its first start or by "paravcl-master setup-token"; open to anybody because nobody can log in yet',
  action: 'public',
  body: z.object({
    token: z.string().trim().min(1, 'must not be empty').max(100, 'at most 100 characters'),
    name: userNameSchema,
    displayName: displayNameSchema,
    password: passwordSchema,
  }),
  answer: { status: 201, schema: userSchema },
});
