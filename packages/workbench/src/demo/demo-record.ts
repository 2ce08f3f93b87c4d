import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';

/** What a demo needs to be found and ended again, however it ended. No secrets. */
const demoRecordSchema = z.object({
  /** `making` until the walk is over: a demo that was killed meanwhile is not one to use. */
  state: z.enum(['making', 'complete']),
  url: z.string(),
  startedAt: z.string(),
  driver: z.enum(['libvirt', 'simulated']),
  network: z.object({ name: z.string(), bridge: z.string(), cidr: z.string() }),
  /** libvirt's own daemons, when they were started for the demo because no systemd runs here. */
  hostDaemons: z.array(z.object({ name: z.string(), pid: z.number().int().positive() })),
});
export type DemoRecord = z.infer<typeof demoRecordSchema>;

export const recordFile = (stateDir: string): string => join(stateDir, 'demo.json');

/** The directory cannot be the demo's; the message says why and what to do. */
export class StateDirectoryError extends Error {
  override readonly name = 'StateDirectoryError';
}

/**
 * Makes a directory the demo's by writing the record into it. What the demo removes at its end lies there, so
 * a directory that holds anything already is refused.
 */
export async function claimStateDirectory(stateDir: string, record: DemoRecord): Promise<void> {
  try {
    // Not recursive: a mistyped path is told, not made. Guests run as another user and must be able to walk there.
    await mkdir(stateDir, { mode: 0o711 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new StateDirectoryError(`${stateDir} cannot be made: ${message}. Choose another directory with --state.`);
    const there = await readdir(stateDir).catch(() => null);
    if (there === null) throw new StateDirectoryError(`${stateDir} is not a directory. Choose another one with --state.`);
    if (there.length > 0) throw new StateDirectoryError(`${stateDir} is not empty, and what a demo uses it removes. Choose a new or empty directory with --state.`);
  }
  await writeDemoRecord(stateDir, record);
}

export async function writeDemoRecord(stateDir: string, record: DemoRecord): Promise<void> {
  const file = recordFile(stateDir);
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Null when there is no demo in the directory. Throws StateDirectoryError when there is one that cannot be read. */
export async function readDemoRecord(stateDir: string): Promise<DemoRecord | null> {
  const text = await readFile(recordFile(stateDir), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return demoRecordSchema.parse(parseJson(text));
  } catch (cause) {
    throw new StateDirectoryError(`${recordFile(stateDir)} cannot be read as this version's record of a demo. Look at ${stateDir}, and remove it by hand if it is an old demo's.`, { cause });
  }
}
