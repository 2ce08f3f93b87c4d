import { readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import { eventually } from '../eventually';

/** Linux counts processor time in ticks of 1/100 s for programs to read (USER_HZ, proc(5)). */
const ticksPerSecond = 100;

/** User and system time from a line of /proc/PID/stat, in seconds. Its second field may hold blanks and brackets. */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export async function cpuSeconds(pid: number): Promise<number> {
  return cpuSecondsOf(await readFile(`/proc/${String(pid)}/stat`, 'utf8'));
}

export interface ProcessMemory {
  /** Resident set. */
  readonly rssBytes: number;
  /** Resident set without the pages that the heap keeps for later: how many these are depends on when it was collected last. */
  readonly heldBytes: number;
  /** Live objects, and buffers outside of the heap that Node accounts for. What OpenSSL and the allocator take is in neither. */
  readonly knownBytes: number;
}

/**
 * The memory of a process at rest, after a collection. It was started with `collect-on-signal`, which writes to `file`.
 * Throws when it does not answer.
 */
export async function memoryOf(pid: number, file: string): Promise<ProcessMemory> {
  await rm(file, { force: true });
  await delay(1000);
  process.kill(pid, 'SIGUSR2');
  const text = await eventually('the process to tell its memory', 60_000, () => readFile(file, 'utf8').catch(() => undefined));
  const { rss, heapTotal, heapUsed, external } = z.object({ rss: z.number(), heapTotal: z.number(), heapUsed: z.number(), external: z.number() }).parse(parseJson(text));
  return { rssBytes: rss, heldBytes: rss - (heapTotal - heapUsed), knownBytes: heapUsed + external };
}
