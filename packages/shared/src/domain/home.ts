import { z } from 'zod';
import { idSchema } from '../ids';

/**
 *   stored      all of it is in the store; whatever its person runs next gets it
 *   attached    an instance has it, or waits with it
 *   returning   its instance is off, and what it holds is on its way to the store
 */
export const homeStateSchema = z.enum(['stored', 'attached', 'returning']);
export type HomeState = z.infer<typeof homeStateSchema>;

/** A disk of a person's own that is attached to whatever they run, one instance at a time, and kept in the store between. */
export const homeSchema = z
  .object({
    userId: idSchema,
    /** 0: they have none. */
    sizeMiB: z.int().nonnegative(),
    state: homeStateSchema,
    /** The store has nothing of it: what guests wrote comes there when it returns. */
    blank: z.boolean(),
    /** Whose it is now, or was until it began to return. */
    instanceId: idSchema.nullable(),
    sentence: z.string(),
    changedAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type Home = z.infer<typeof homeSchema>;
