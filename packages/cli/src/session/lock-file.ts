import { link as linkFile, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Refusal } from '../errors/refusal';
import { line } from '../output/advice';

const againMs = 50;
/** What is done under a lock takes moments: an older one is of a program that was ended in between. */
const staleMs = 10_000;
const patienceMs = 20_000;

/** Does work alone among all programs that take this lock: a file that is there meanwhile. Waits for its turn. Throws Refusal when that does not come. */
export async function withLock<Answer>(lock: string, work: () => Promise<Answer>): Promise<Answer> {
  const mine = randomUUID();
  const until = Date.now() + patienceMs;
  while (!(await takes(lock, mine))) {
    if (Date.now() > until) throw new Refusal(`${lock} does not go away: another program works under it, or has left it.`, line`rm -r ${lock}, when no other paravcl runs`);
    await dropStale(lock);
    await pause(againMs);
  }
  try {
    return await work();
  } finally {
    if ((await readFile(lock, 'utf8').catch(() => '')) === mine) await rm(lock, { force: true });
  }
}

async function takes(lock: string, mine: string): Promise<boolean> {
  try {
    await writeFile(lock, mine, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Several may find it: who has moved one away that another has taken meanwhile puts it back. */
async function dropStale(lock: string): Promise<void> {
  if (!(await isStale(lock))) return;
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  if (!(await isStale(aside))) await linkFile(aside, lock).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

async function isStale(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => null);
  // Also of a clock that goes otherwise.
  return stats !== null && Math.abs(Date.now() - stats.mtimeMs) >= staleMs;
}
