import { z } from 'zod';
import { idSchema } from '../ids';
import { reasonCodeSchema } from './reasons';

export const decisionKindSchema = z.enum(['place', 'queue', 'preempt', 'reserve', 'move', 'refuse', 'resume']);
export type DecisionKind = z.infer<typeof decisionKindSchema>;

/** The parts of a priority and their sum (`shared/priority.ts`). */
export const priorityPartsSchema = z
  .object({
    pfv: z.number(),
    ras: z.union([z.literal(0), z.literal(1)]),
    mon: z.union([z.literal(0), z.literal(1)]),
    log2R: z.number(),
    lnE: z.number(),
    pf: z.number(),
    pi: z.number(),
    /** Added while waiting, for the order of the queue only. */
    aging: z.number().optional(),
    /** Taken away for past usage, for the order of the queue only. */
    usage: z.number().optional(),
  })
  .readonly();

/** What one may have instead: the same at another time, less at this time, or best-effort now. */
export const offerSchema = z
  .object({
    kind: z.enum(['time', 'size', 'best-effort']),
    start: z.iso.datetime(),
    end: z.iso.datetime(),
    count: z.int().positive().meta({ description: 'Machines, all of one size' }),
    vcpus: z.int().positive().meta({ description: 'Cores of all machines together; what a request calls `vcpus` is `vcpusEach` here' }),
    vcpusEach: z.int().positive().meta({ description: 'Cores of one machine, as a request asks for them' }),
  })
  .readonly();
export type Offer = z.infer<typeof offerSchema>;

/** One decision of the scheduler with everything it was made of, for people and for replay (DEFINITIONS, "Shapes"). */
export const decisionSchema = z
  .object({
    id: idSchema,
    at: z.iso.datetime(),
    kind: decisionKindSchema,
    /** A refused reservation was never made; its id is the one it would have had. */
    subject: z.object({ type: z.enum(['instance', 'reservation']), id: idSchema }),
    sentence: z.string(),
    priority: priorityPartsSchema.nullable(),
    chosen: z.object({ slaveId: idSchema }).optional(),
    candidates: z.object({
      /** How many slaves were asked. */
      considered: z.int().nonnegative(),
      reasons: z.array(z.object({ reason: reasonCodeSchema, count: z.int().positive() })),
      /** The best few that could take it, best first; `parts` is what the placement policy compared. */
      top: z.array(z.object({ slaveId: idSchema, score: z.number(), parts: z.record(z.string(), z.number()) })),
    }),
    victims: z.array(z.object({ instanceId: idSchema, pi: z.number(), saveSeconds: z.number() })).optional(),
    offers: z.array(offerSchema).optional(),
    /** Ordering and placement policy in force: "para/para". */
    policy: z.string(),
    /** SHA-256 of the inputs, which are kept beside it. */
    inputsHash: z.string(),
  })
  .readonly();
export type Decision = z.infer<typeof decisionSchema>;

/** One who waits: to be placed, or to come back where it is saved. */
export const queueEntrySchema = z
  .object({
    instanceId: idSchema,
    name: z.string(),
    /** 1 for the next to be served, counted over everybody's. */
    place: z.int().positive(),
    reason: z.object({ code: reasonCodeSchema, sentence: z.string() }).nullable(),
    /** What has to happen first, in words. */
    waitsFor: z.string(),
    /** When it fits at the latest if nobody extends or cancels; null when nobody can tell. */
    earliestStart: z.iso.datetime().nullable(),
    priority: priorityPartsSchema,
  })
  .readonly();
export type QueueEntry = z.infer<typeof queueEntrySchema>;
