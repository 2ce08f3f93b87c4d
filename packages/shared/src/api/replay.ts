import { z } from 'zod';
import { decisionKindSchema } from '../domain/decision';
import { idSchema } from '../ids';
import { route } from './route';

/** A policy by the names that the configuration gives it; policies that are left out are as they are in force, rules as they were. */
const triedPolicy = {
  ordering: z.string().max(60).optional().meta({ description: 'para or fifo, as placement.ordering has it' }),
  placement: z.string().max(60).optional().meta({ description: 'a placement policy of ParaVCL, or the name of the module in force' }),
  criticalLimitPercent: z.coerce.number().min(0).max(90).optional().meta({ description: 'as placement.criticalLimitPercent has it' }),
  agingPerHour: z.coerce.number().min(0).max(10).optional().meta({ description: 'as priority.aging.perHour has it' }),
};

const answerSchema = z.object({
  kind: decisionKindSchema,
  slaveId: idSchema.nullable(),
  slaveName: z.string().nullable(),
  /** In the order of service, of one that waits; null where nobody kept it. */
  place: z.int().positive().nullable(),
  victims: z.array(z.object({ instanceId: idSchema, name: z.string() })),
  sentence: z.string(),
});

/** One subject of a round, decided twice. */
export const replayedSchema = z.object({
  at: z.iso.datetime(),
  /** Of what was recorded; null where the round said of it what had been said before. */
  decisionId: idSchema.nullable(),
  subject: z.object({ type: z.enum(['instance', 'reservation']), id: idSchema }),
  name: z.string(),
  before: answerSchema.nullable(),
  after: answerSchema.nullable(),
  same: z.boolean(),
  sentence: z.string(),
});
export type ReplayedItem = z.infer<typeof replayedSchema>;

/** How long one waits in a forecast, in seconds, under the policies of the run and under the one that is tried. */
const waitsSchema = { waitsSeconds: z.number().nonnegative(), wouldWaitSeconds: z.number().nonnegative(), differenceSeconds: z.number() };

const spreadSchema = z.object({ medianSeconds: z.number().nonnegative(), p95Seconds: z.number().nonnegative(), preemptions: z.int().nonnegative() });

export const waitingForecastSchema = z.object({
  /** What it is, and what it assumes. */
  sentence: z.string(),
  assumptions: z.array(z.string()),
  instances: z.int().nonnegative(),
  longer: z.int().nonnegative(),
  shorter: z.int().nonnegative(),
  now: spreadSchema,
  tried: spreadSchema,
  /** Who would wait longer, the one with the greatest difference first. */
  people: z.array(z.object({ userId: idSchema, instances: z.int().positive(), ...waitsSchema })),
  machines: z.array(z.object({ instanceId: idSchema, name: z.string(), userId: idSchema, ...waitsSchema })),
});
export type WaitingForecast = z.infer<typeof waitingForecastSchema>;

export const replaySchema = z.object({
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  /** What was decided from here on was too much for one answer: ask again with this as `since`. Null: everything was looked at. */
  goOnAt: z.iso.datetime().nullable(),
  policy: z.object({ tried: z.string(), /** Those that were in force in this time. */ recorded: z.array(z.string()) }),
  rounds: z.int().nonnegative(),
  /** Whether what was recorded is what the same inputs give now, under the policies they were decided under. */
  recorded: z.object({
    decisions: z.int().nonnegative(),
    reproduced: z.int().nonnegative(),
    others: z.int().nonnegative(),
    /** The first of them. */
    items: z.array(replayedSchema),
    /** Those that could not be decided again, and why. */
    leftOut: z.array(z.object({ decisions: z.int().positive(), sentence: z.string() })),
  }),
  /** What every round says of each who waited, beside what it says under the policy that is tried. */
  compared: z.object({
    answers: z.int().nonnegative(),
    same: z.int().nonnegative(),
    differing: z.int().nonnegative(),
    /** The first of them. */
    items: z.array(replayedSchema),
  }),
  /** Who would wait longer; null where that is not told. */
  forecast: waitingForecastSchema.nullable(),
  /** Why not; null where it is told. */
  noForecast: z.string().nullable(),
});
export type Replay = z.infer<typeof replaySchema>;

export const getReplay = route({
  method: 'get',
  path: '/replay',
  summary: 'What was decided in a time, decided again under the policy in force or another: what differs, and who would wait longer; writes nothing',
  action: 'decision.replay',
  query: z.object({
    since: z.iso.datetime({ offset: true }),
    /** Absent: now. */
    until: z.iso.datetime({ offset: true }).optional(),
    rounds: z.coerce.number().int().min(1).max(5000).default(1000),
    ...triedPolicy,
  }),
  answer: { status: 200, schema: replaySchema },
});

export const decisionReplaySchema = z.object({
  at: z.iso.datetime(),
  policy: z.object({ recorded: z.string(), tried: z.string() }),
  /** What was recorded is what the same inputs give now. */
  reproduced: z.boolean(),
  /** The policy that is tried would change nothing for the decision's subject. */
  same: z.boolean(),
  sentence: z.string(),
  /** The subject first, then the others of its round that differ, as far as they fit. */
  items: z.array(replayedSchema),
});
export type DecisionReplay = z.infer<typeof decisionReplaySchema>;

export const getDecisionReplay = route({
  method: 'get',
  path: '/decisions/:decisionId/replay',
  summary: 'One decision made again from what it was made of, under the policy in force or another; for operators and admins, as long as its inputs are kept',
  action: 'decision.replay',
  params: z.object({ decisionId: idSchema }),
  query: z.object(triedPolicy),
  answer: { status: 200, schema: decisionReplaySchema },
});
