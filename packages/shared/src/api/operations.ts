import { z } from 'zod';
import { idSchema } from '../ids';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

/** Long work: what a 202 answer points at. Follow it until `state` is no longer `pending`. */
export const operationSchema = z.object({
  id: idSchema,
  kind: z.string(),
  subject: z.object({ type: z.string(), id: idSchema }),
  state: z.enum(['pending', 'done', 'failed', 'superseded']),
  /** Where it is, in words: "preparing on lab-pc-07: image 38 %". */
  sentence: z.string(),
  userId: idSchema,
  createdAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
});
export type Operation = z.infer<typeof operationSchema>;

export const listOperations = route({
  method: 'get',
  path: '/operations',
  summary: 'Long work, newest first',
  action: 'operation.list',
  query: pageQuerySchema.extend({ state: operationSchema.shape.state.optional() }),
  answer: { status: 200, schema: pageSchema(operationSchema) },
});

export const getOperation = route({
  method: 'get',
  path: '/operations/:operationId',
  summary: 'How one piece of long work stands',
  action: 'operation.see',
  params: z.object({ operationId: idSchema }),
  answer: { status: 200, schema: operationSchema },
});
