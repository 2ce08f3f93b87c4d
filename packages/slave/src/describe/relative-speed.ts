import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';

/**
 * Milliseconds one round of `benchmarkRound` takes on the reference machine, whose speed is 1: one
 * virtual core of a 2.6 GHz Xeon server with SHA extensions, Node 20; five runs gave 6.4 to 7.3.
 */
export const referenceRoundMs = 6.5;
/** Eleven take some 75 ms on the reference machine. */
const rounds = 11;
/** Slow machines stop early: no new round after this. */
const budgetMs = 120;
/** Of the work below and how it is measured: another number makes cached results void. */
const benchmarkVersion = 2;

const block = Buffer.alloc(256 * 1024, 7);

/** Fixed work, half integer arithmetic in JavaScript, half SHA-256, as guests and the agent mix them. */
export function benchmarkRound(): number {
  let x = 0x5eed;
  for (let step = 0; step < 3_000_000; step++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  const hash = createHash('sha256');
  for (let part = 0; part < 24; part++) hash.update(block);
  return x ^ hash.digest().readInt32LE(0);
}

/** Of this process, which other work on the machine does not add to. */
export const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Speed of one core, by the fastest of some rounds: what else runs on the machine can only slow one down. In time of the processor
 * at most 150 ms on anything not ten times slower.
 *
 * @param spentMs processor time of this process; it only grows
 */
export function measureRelativeSpeed(spentMs: () => number, round: () => number = benchmarkRound): number {
  round(); // Not counted: compiles the loop.
  const begun = spentMs();
  const took: number[] = [];
  while (took.length < rounds && (took.length === 0 || spentMs() - begun < budgetMs)) {
    const from = spentMs();
    round();
    took.push(spentMs() - from);
  }
  const speed = referenceRoundMs / Math.max(0.001, Math.min(...took));
  return Math.max(0.01, Math.round(speed * 100) / 100);
}

const cacheSchema = z.object({ version: z.literal(benchmarkVersion), cpuModel: z.string(), relativeSpeed: z.number().positive() });

/**
 * The measured speed, kept over restarts in `cacheFile` under the CPU's model: a slave that restarts
 * while its guests are busy would otherwise call itself slow. An unreadable cache is measured anew; one
 * that cannot be written is done without.
 */
export async function relativeSpeed(cacheFile: string, cpuModel: string, measure: () => number): Promise<number> {
  const cached = await readFile(cacheFile, 'utf8').then(
    (text) => {
      try {
        return cacheSchema.safeParse(parseJson(text)).data;
      } catch {
        return undefined;
      }
    },
    () => undefined,
  );
  if (cached?.cpuModel === cpuModel) return cached.relativeSpeed;
  const measured = measure();
  const record = { version: benchmarkVersion, cpuModel, relativeSpeed: measured } satisfies z.infer<typeof cacheSchema>;
  try {
    await mkdir(dirname(cacheFile), { recursive: true });
    await writeFile(`${cacheFile}.new`, JSON.stringify(record));
    await rename(`${cacheFile}.new`, cacheFile);
  } catch {
    // Read-only state directory: doctor reports it, describing goes on.
  }
  return measured;
}
