import { mkdtemp, rm } from 'node:fs/promises';
import { z } from 'zod';
import { figure } from '../multideploy/deploy-figures';
import { runBundled } from '../multisnapshot/bundled-program';
import { median, type Figure } from '../report';

export const placementsWishSchema = z
  .object({
    /** On a real disk: for the database, and it goes afterwards. */
    directory: z.string(),
    runs: z.int().positive(),
    /** Of each run. */
    seconds: z.number().positive(),
    slaves: z.int().positive(),
    /** Running in the books on each. */
    guests: z.int().nonnegative(),
    clients: z.int().positive(),
    /** How often the process with the service is killed in the middle of its work. */
    kills: z.int().nonnegative(),
    seed: z.int(),
  })
  .readonly();
export type PlacementsWish = z.infer<typeof placementsWishSchema>;

/** How the scheduler in SQL is asked. */
export const sqlArmSchema = z
  .object({
    clients: z.int().positive(),
    /** SELECT … FOR UPDATE SKIP LOCKED. */
    skipLocked: z.boolean(),
    /** Its statements in two round trips to the server instead of one after the other. */
    together: z.boolean(),
  })
  .readonly();
export type SqlArm = z.infer<typeof sqlArmSchema>;

export function armName({ clients, skipLocked, together }: SqlArm): string {
  return `SELECT … FOR UPDATE${skipLocked ? ' SKIP LOCKED' : ''}, ${String(clients)} client${clients === 1 ? '' : 's'}${together ? ', two round trips' : ''}`;
}

/** What the books say, by SQL alone, of what was promised and answered: every count must be 0. */
export const recountSchema = z
  .object({
    /** What had happened before. */
    after: z.string(),
    answered: z.int().nonnegative(),
    /** Slaves on which more is promised than they have. */
    overbooked: z.int().nonnegative(),
    /** Instances with more than one active placement, or with one on another slave than their own. */
    placedTwice: z.int().nonnegative(),
    /** Answered, but the instance is not there, or is elsewhere. */
    lost: z.int().nonnegative(),
    /** Answered, but without exactly one placement, one decision and one event. */
    incomplete: z.int().nonnegative(),
  })
  .readonly();
export type Recount = z.infer<typeof recountSchema>;

export const placementRateSchema = z.object({ perSecond: z.number(), unplaced: z.int().nonnegative(), processMs: z.number(), databaseMs: z.number() }).readonly();
/** Placements a second; how many were answered without a place, which count for nothing; and milliseconds of processor time each placement took in the process that asks and in the database. */
export type PlacementRate = z.infer<typeof placementRateSchema>;

export const httpRateSchema = placementRateSchema.unwrap().extend({ answeredPerSecond: z.number() }).readonly();
/** Launches over HTTP that were placed when they were answered, a second; all that were answered; and the processor time of each of these. */
export type HttpRate = z.infer<typeof httpRateSchema>;

export const placementsFoundSchema = z
  .object({
    ours: z.array(placementRateSchema).readonly(),
    /** The arms that were fastest when all were tried, measured in turns with ours. */
    sql: z.array(z.object({ arm: sqlArmSchema, rates: z.array(placementRateSchema).readonly() }).readonly()).readonly(),
    offeredPerSecond: z.number(),
    p99Ms: z.array(z.number()).readonly(),
    /** Launches that the master's app answered over a loopback socket. */
    http: z.array(httpRateSchema).readonly(),
    recounts: z.array(recountSchema).readonly(),
  })
  .readonly();
export type PlacementsFound = z.infer<typeof placementsFoundSchema>;

/** 5,000 slaves with 100,000 instances, and 32 who ask. */
const full = { seconds: 4, slaves: 5000, guests: 20, clients: 32, kills: 5, seed: 7 } as const;

/**
 * Placements that are there when they are answered: the master's scheduling service in a process with its callers, over a private MariaDB that
 * flushes every commit; an indexed scheduler in SQL over the same server, in turns; and what the books say afterwards, also when
 * the process or the database was killed in the middle.
 */
export async function durablePlacements(runs: number, say: (line: string) => void): Promise<readonly Figure[]> {
  const directory = await mkdtemp('/var/tmp/pvcl-placements-');
  try {
    return placementFigures(await runBundled({ of: 'master', source: 'bench/placements/durable-placements-program.ts', wish: { ...full, directory, runs }, found: placementsFoundSchema, say }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The best arm in SQL is the one with the highest median. */
export function placementFigures({ ours, sql, offeredPerSecond, p99Ms, http, recounts }: PlacementsFound): readonly Figure[] {
  const perSecond = median(ours.map((rate) => rate.perSecond));
  const processorMs = (rates: readonly PlacementRate[]): number => median(rates.map((rate) => rate.processMs + rate.databaseMs));
  const [best] = sql.map(({ arm, rates }) => ({ arm, perSecond: median(rates.map((rate) => rate.perSecond)), processorMs: processorMs(rates) })).sort((a, b) => b.perSecond - a.perSecond);
  if (best === undefined) throw new RangeError('There is nothing to compare with: no arm in SQL was measured.');
  const sum = (count: (recount: Recount) => number): number => recounts.map(count).reduce((a, b) => a + b, 0);
  const runs = ours.length;
  return [
    figure({ name: 'placements_per_s', value: perSecond, unit: 'placements/s', runs, baseline: { name: armName(best.arm), value: best.perSecond }, must: 5000, aim: 20_000, better: 'higher' }),
    figure({ name: 'placements_vs_sql', value: perSecond / best.perSecond, unit: '×', runs, must: 5, aim: null, better: 'higher' }),
    figure({ name: 'placement_p99_ms', value: median(p99Ms), unit: `ms, at ${String(Math.round(offeredPerSecond))} placements/s`, runs: p99Ms.length, must: 20, aim: 10, better: 'lower' }),
    figure({ name: 'placement_processor_ms', value: processorMs(ours), unit: 'ms of processor time each, of callers, service and database', runs, baseline: { name: armName(best.arm), value: best.processorMs }, must: null, aim: null, better: 'lower' }),
    figure({ name: 'placements_http_per_s', value: median(http.map((rate) => rate.perSecond)), unit: `launches/s over HTTP that were placed when answered, of ${median(http.map((rate) => rate.answeredPerSecond)).toFixed(1)} answered`, runs: http.length, must: null, aim: null, better: 'higher' }),
    figure({ name: 'double_bookings', value: sum(({ overbooked, placedTwice }) => overbooked + placedTwice), unit: `hosts and instances, in ${String(recounts.length)} recounts`, runs: 1, must: 0, aim: 0, better: 'lower' }),
    figure({ name: 'lost_placements', value: sum(({ lost, incomplete }) => lost + incomplete), unit: `of ${String(Math.max(0, ...recounts.map(({ answered }) => answered)))} answered ones`, runs: 1, must: 0, aim: 0, better: 'lower' }),
  ];
}
