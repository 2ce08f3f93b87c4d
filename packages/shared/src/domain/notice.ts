import { z } from 'zod';
import { idSchema } from '../ids';

/** What people are told of without asking: noun.verb, as events. */
export const noticeKindSchema = z.enum([
  'instance.deployed',
  'instance.preempted',
  'instance.resumed',
  'instance.moving',
  'instance.stayed',
  'instance.went-off',
  'instance.short-of-processor',
  'instance.time-ended',
  'instance.aging',
  'instance.recycled',
  'instance.deleted',
  'reservation.confirmed',
  'reservation.moved',
  'reservation.changed',
  'reservation.begun',
  'reservation.no-show',
  'reservation.ended',
  'reservation.replanned',
  'reservation.at-risk',
  'reservation.refused',
  'pledge.broken',
  'console.opened',
  'home.lost',
  'home.found',
]);
export type NoticeKind = z.infer<typeof noticeKindSchema>;

/** One thing that happened to what belongs to somebody: who, why, until when. */
export const noticeSchema = z
  .object({
    id: idSchema,
    at: z.iso.datetime(),
    kind: noticeKindSchema,
    subject: z.object({ type: z.enum(['instance', 'reservation', 'user']), id: idSchema }),
    sentence: z.string(),
    /** Why, in full: GET /decisions/{id}. */
    decisionId: idSchema.nullable(),
    readAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type Notice = z.infer<typeof noticeSchema>;
