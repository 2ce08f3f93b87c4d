import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';

/**
 * What the last `npm run test:system` found. `npm run bench -- control` reports its violations and its longest
 * convergence from here: they are counted once (DEFINITIONS, "Measuring").
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
    /** How often each rare path of recovery was taken. */
    paths: z.record(z.string(), z.int().nonnegative()),
  })
  .readonly();
export type RecoveryRecord = z.infer<typeof recoveryRecordSchema>;

export const recoveryRecordFile = resolve(__dirname, '..', '..', '..', '..', '.cache', 'recovery-record.json');

/** The record of the last run; null when there was none, or when another version of this schema wrote it. */
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
export async function writeRecoveryRecord(record: RecoveryRecord, file: string = recoveryRecordFile): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${String(process.pid)}`;
  await writeFile(draft, `${JSON.stringify(recoveryRecordSchema.parse(record), null, 2)}\n`);
  await rename(draft, file);
}
