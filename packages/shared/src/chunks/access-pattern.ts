import { z } from 'zod';

/**
 * `boot` until the guest took its address; `application` from then on; `shutdown` once it was asked to end.
 * After S4: a VM reads a small part of its image, in phases.
 */
export const readPhaseSchema = z.enum(['boot', 'application', 'shutdown']);
export type ReadPhase = z.infer<typeof readPhaseSchema>;

/** Of one version at most; a desktop reads some ten thousand chunks in its first hours. */
export const mostPatternChunks = 65_536;

const chunkListSchema = z.array(z.int().nonnegative()).max(mostPatternChunks);

/** What one guest read of its image, each chunk where it was first read, in that order. */
export const recordingSchema = z.object({ boot: chunkListSchema, application: chunkListSchema, shutdown: chunkListSchema }).readonly();
export type Recording = z.infer<typeof recordingSchema>;

/** What guests of a version usually read, in the usual order: merged from its first recordings. */
export const accessPatternSchema = z
  .object({
    /** Grows with each recording that was merged in. */
    revision: z.int().nonnegative(),
    boot: chunkListSchema,
    application: chunkListSchema,
    shutdown: chunkListSchema,
  })
  .readonly();
export type AccessPattern = z.infer<typeof accessPatternSchema>;

export const emptyPattern: AccessPattern = { revision: 0, boot: [], application: [], shutdown: [] };
