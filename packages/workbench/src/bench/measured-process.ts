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

/**
 * What a process holds in memory after a collection, bytes: its resident set without the pages that its heap keeps
 * for later. A process that has just started keeps many, and would seem to need nothing for what comes. It was
 * started with `collect-on-signal`.
 */
export async function heldBytes(pid: number, file: string): Promise<number> {
  await rm(file, { force: true });
  await delay(1000);
  process.kill(pid, 'SIGUSR2');
  const text = await eventually('the process to tell its memory', 60_000, () => readFile(file, 'utf8').catch(() => undefined));
  const { rss, heapTotal, heapUsed } = z.object({ rss: z.number(), heapTotal: z.number(), heapUsed: z.number() }).parse(parseJson(text));
  return rss - (heapTotal - heapUsed);
}
