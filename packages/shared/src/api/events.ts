import { z } from 'zod';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

export const eventSubjectTypeSchema = z.enum(['slave', 'host-install', 'user', 'group', 'image', 'image-family', 'template', 'instance', 'deployment', 'snapshot', 'join-token', 'reservation', 'site']);

/** One line of the log of who did what to what. */
export const eventSchema = z.object({
  id: idSchema,
  at: z.iso.datetime(),
  /** noun.verb: slave.enrolled, user.login-failed */
  kind: z.string(),
  subject: z.object({ type: eventSubjectTypeSchema, id: idSchema.nullable() }),
  /** "user alice", "slave lab-pc-07", "master" */
  actor: z.string(),
  actorUserId: idSchema.nullable(),
  clientAddress: z.string().nullable(),
  sentence: z.string(),
});
export type SiteEvent = z.infer<typeof eventSchema>;

export const listEvents = route({
  method: 'get',
  path: '/events',
  summary: 'Who did what to what, newest first',
  action: 'event.list',
  query: pageQuerySchema.extend({
    /** The kind or its beginning: `user.` or `user.login-failed`. */
    kind: z
      .string()
      .max(60, 'at most 60 characters')
      .regex(/^[a-z.-]*$/, 'lower-case letters, dots and hyphens')
      .optional(),
    subjectId: idSchema.optional(),
    actorUserId: idSchema.optional(),
    since: z.iso.datetime({ offset: true }).optional(),
    until: z.iso.datetime({ offset: true }).optional(),
  }),
  answer: { status: 200, schema: pageSchema(eventSchema) },
});
