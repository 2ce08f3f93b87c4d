import { readFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';

/** What a demo that was left running needs to be found and ended again. No secrets. */
const demoRecordSchema = z.object({
  url: z.string(),
  startedAt: z.string(),
  driver: z.enum(['libvirt', 'simulated']),
  network: z.object({ name: z.string(), bridge: z.string(), cidr: z.string() }),
  processes: z.array(z.object({ name: z.string(), pid: z.number().int().positive() })),
  /** libvirt's own daemons, when they were started for the demo because no systemd runs here. */
  hostDaemons: z.array(z.object({ name: z.string(), pid: z.number().int().positive() })),
});
export type DemoRecord = z.infer<typeof demoRecordSchema>;

const recordFile = (stateDir: string): string => join(stateDir, 'demo.json');

export async function writeDemoRecord(stateDir: string, record: DemoRecord): Promise<void> {
  await writeFile(recordFile(stateDir), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}

/** Null when there is no demo in the directory. */
export async function readDemoRecord(stateDir: string): Promise<DemoRecord | null> {
  const text = await readFile(recordFile(stateDir), 'utf8').catch(() => null);
  return text === null ? null : demoRecordSchema.parse(parseJson(text));
}

/** True when the process lives and is still the one that was started: process ids are used again. */
export function runsFor(pid: number, stateDir: string): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(stateDir);
  } catch {
    return false;
  }
}
