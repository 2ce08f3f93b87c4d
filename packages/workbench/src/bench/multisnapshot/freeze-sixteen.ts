import { z } from 'zod';

/** What the program that freezes real guests together is told (packages/slave/test/bench). */
export const freezeWishSchema = z
  .object({
    /** Everything of it lies below; QEMU's user can walk there. */
    directory: z.string(),
    files: z.object({ disk: z.string(), kernel: z.string(), ramdisk: z.string() }).readonly(),
    /** Kernel command lines of the busy guest and of those that sleep. */
    busy: z.string(),
    idle: z.string(),
    guests: z.int().positive(),
    snapshots: z.int().positive(),
  })
  .readonly();
export type FreezeWish = z.infer<typeof freezeWishSchema>;

const latenciesSchema = z.array(z.number()).readonly();

const freezeRunSchema = z
  .object({
    /** From the request until all disks are frozen on the host, ms. */
    wallMs: z.number(),
    /** Of the busy guest's writes that were issued meanwhile, µs. */
    duringUs: latenciesSchema,
    /** The same of the seconds before the request. */
    beforeUs: latenciesSchema,
    /** By how much the guest's clock fell behind the host's meanwhile, ms: had it stood, its own latencies would say too little. */
    clockLostMs: z.number(),
  })
  .readonly();

export const freezeRunsSchema = z.object({ runs: z.array(freezeRunSchema).readonly(), /** What the pool's disk needs to make 4 KiB durable, ms. */ syncMs: z.number() }).readonly();
export type FreezeRuns = z.infer<typeof freezeRunsSchema>;
