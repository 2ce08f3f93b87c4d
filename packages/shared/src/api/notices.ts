import { z } from 'zod';
import { noticeSchema } from '../domain/notice';
import { idSchema } from '../ids';
import { flagSchema } from './flag';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

export const listNotices = route({
  method: 'get',
  path: '/notices',
  summary: 'What happened to my instances and reservations without my asking, newest first',
  action: 'authenticated',
  query: pageQuerySchema.extend({
    /** Only those not marked as read. */
    unread: flagSchema.default(false),
  }),
  answer: { status: 200, schema: pageSchema(noticeSchema) },
});

export const readNotice = route({
  method: 'post',
  path: '/notices/:noticeId/read',
  summary: 'Mark one of my notices as read',
  action: 'authenticated',
  params: z.object({ noticeId: idSchema }),
  answer: { status: 200, schema: noticeSchema },
});
