import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** A process that is found again after ids were used again: its id and when it started (proc(5), field 22 of stat, clock ticks since boot). */
export const processIdentitySchema = z.object({ pid: z.number().int().positive(), startTicks: z.string().regex(/^\d+$/) });
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Null when there is no such process; a zombie has ended. */
export function identityOf(pid: number): ProcessIdentity | null {
  const stat = statOf(pid);
  return stat === null || stat.state === 'Z' ? null : { pid, startTicks: stat.startTicks };
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.startTicks === identity.startTicks;
}

/** Whether it was stopped by a signal (SIGSTOP) and waits for the one that lets it go on; state T of proc(5). */
export function isStoppedBySignal(pid: number): boolean {
  return statOf(pid)?.state === 'T';
}

function statOf(pid: number): { readonly state: string; readonly startTicks: string } | null {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The program's name may hold spaces and parentheses: count from behind its last one. The state is field 3.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return null;
  }
}
