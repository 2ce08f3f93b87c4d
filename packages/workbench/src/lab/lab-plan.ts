import { z } from 'zod';

/** What a lab is made from: handed from the command to the supervisor and into the lab. No secrets. */
export const labPlanSchema = z.strictObject({
  directory: z.string(),
  hosts: z.number().int().min(1).max(16),
  /** What each host lends to the lab. */
  cores: z.number().int().positive(),
  ramMiB: z.number().int().positive(),
  poolMiB: z.number().int().positive(),
  linkMbps: z.number().int().positive(),
  /** The wished port on 127.0.0.1. */
  port: z.number().int().min(1).max(65_535),
});
export type LabPlan = z.infer<typeof labPlanSchema>;

/** What a lab tells while it comes up, one JSON object a line. */
export const labEventSchema = z.union([z.object({ say: z.string() }), z.object({ ready: z.literal(true) })]);
export type LabEvent = z.infer<typeof labEventSchema>;
