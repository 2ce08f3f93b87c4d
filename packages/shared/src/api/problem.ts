import { z } from 'zod';
import { offerSchema } from '../domain/decision';
import { idSchema } from '../ids';
import { errorCodes, type ErrorCode } from '../errors';

/** Error answer, `application/problem+json` (RFC 9457). */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string(),
  field: z.string().optional(),
  limit: z.string().optional(),
  retryAfterSeconds: z.number().optional(),
  /** Every fault of the input, the first of which is in `field` and `limit`. */
  faults: z.array(z.object({ field: z.string(), limit: z.string() })).optional(),
  /** What one can have instead of a refused reservation. */
  offers: z.array(offerSchema).optional(),
  decisionId: idSchema.optional(),
  /** What keeps a thing from being deleted: the first of it, and how much there is in all. */
  dependents: z.array(z.object({ type: z.enum(['instance', 'image', 'reservation', 'template']), id: idSchema, name: z.string(), how: z.string() })).optional(),
  dependentCount: z.int().positive().optional(),
  /** What is under way at that host already. */
  hostInstallId: idSchema.optional(),
  trace: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;
