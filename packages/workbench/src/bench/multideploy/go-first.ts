import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

const first = -15;

/**
 * Gives a process with all its threads its turn before the mirrors, which share these processors: for the master, which has a machine of
 * its own, and for the one process that plays the guests of all hosts. Throws without the right to do so.
 */
export function goFirst(pid: number): void {
  for (const thread of readdirSync(`/proc/${String(pid)}/task`)) setPriority(Number(thread), first);
}
