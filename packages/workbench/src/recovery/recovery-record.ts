import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';

/**
 * What the last `npm run test:system` found. `npm run bench -- control` reports the violations and the longest
 * convergence of the last long one from here: they are counted once (DEFINITIONS, "Measuring").
 */
export const recoveryRecordSchema = z
  .object({
    /** When the run ended, UTC. */
    at: z.iso.datetime(),
    /** The commit that ran; `dirty` when the work tree had changes beside it. */
    commit: z.string(),
    dirty: z.boolean(),
    /** Everything random in the run follows from it: `npm run test:system -- --seed N`. */
    seed: z.int().nonnegative(),
    /** How many faults were really injected, not how many were asked for. */
    faults: z.int().nonnegative(),
    /** Faults by kind: kill-master, cut-link, … */
    byKind: z.record(z.string(), z.int().nonnegative()),
    /** Faults by the stage they were aimed at or met: preparing, suspending, … */
    byStage: z.record(z.string(), z.int().nonnegative()),
    /** A sentence each. Empty: the run passed. */
    violations: z.array(z.string()),
    /** Longest time from the last healed fault to everything being settled; null when it never was. */
    convergeS: z.number().nonnegative().nullable(),
    /** Calls whose answer was lost, so that the client could not know. */
    unknownCalls: z.int().nonnegative(),
    /** How what was acknowledged to the people at work ended. */
    ends: z.object({ done: z.int().nonnegative(), failed: z.int().nonnegative(), superseded: z.int().nonnegative() }).readonly(),
    /** How often each rare path of recovery was taken. */
    paths: z.record(z.string(), z.int().nonnegative()),
  })
  .readonly();
export type RecoveryRecord = z.infer<typeof recoveryRecordSchema>;

/** A run of so many faults meets every kind in every stage; a shorter one is not asked to, and is no figure. */
export const longRun = 200;

const cache = resolve(__dirname, '..', '..', '..', '..', '.cache');

/** Where the last long run is kept. It is removed when the next begins: one that is broken off does not hide behind the one before. */
export const recoveryRecordFile = join(cache, 'recovery-record.json');

/** Where a run that was asked for so many faults leaves its record: a short one never in the place of a long one. */
export function recordFileOf(faultsAsked: number): string {
  return faultsAsked >= longRun ? recoveryRecordFile : join(cache, 'recovery-record-short.json');
}

/** The record of the last long run; null when there was none, or when another version of this schema wrote it. */
export async function readRecoveryRecord(file: string = recoveryRecordFile): Promise<RecoveryRecord | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return recoveryRecordSchema.safeParse(parseJson(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Puts a record in the place of the one before, whole or not at all. */
export async function writeRecoveryRecord(record: RecoveryRecord, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${String(process.pid)}`;
  await writeFile(draft, `${JSON.stringify(recoveryRecordSchema.parse(record), null, 2)}\n`);
  await rename(draft, file);
}
