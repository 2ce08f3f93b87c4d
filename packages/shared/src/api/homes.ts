import { z } from 'zod';
import { homeSchema } from '../domain/home';
import { mostHomeMiB } from '../domain/limits';
import { idSchema } from '../ids';
import { route } from './route';

const one = z.object({ userId: idSchema });
const answer = { status: 200, schema: homeSchema } as const;

export const getMyHome = route({ method: 'get', path: '/home', summary: 'My home volume: the disk that goes with whatever I run', action: 'home.see', answer });

export const getHome = route({ method: 'get', path: '/users/:userId/home', summary: 'The home volume of a user', action: 'home.see', params: one, answer });

export const setHome = route({
  method: 'put',
  path: '/users/:userId/home',
  summary: 'Give a user a home volume of another size than the site’s, or none; it takes effect when it is attached next',
  action: 'home.edit',
  params: one,
  body: z.object({
    /** At least what it was attached with, which the answer to less names: a disk does not shrink. 0: none from now on; what it holds stays until it is deleted. */
    sizeMiB: z.int().max(mostHomeMiB),
  }),
  answer,
});

export const deleteHome = route({
  method: 'delete',
  path: '/users/:userId/home',
  summary: 'Delete what a home volume holds; refused while an instance has it',
  action: 'home.edit',
  params: one,
  query: z.object({
    /** The user's name, for what goes is the only copy. */
    confirm: z.string().max(100).optional(),
  }),
  answer: { status: 204 },
});
