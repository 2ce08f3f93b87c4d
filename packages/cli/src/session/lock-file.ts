import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const againMs = 50;
/** What is done under a lock takes moments: an older one is of a program that was ended in between. */
const staleMs = 10_000;

/** Does work alone among all programs that take this lock: a file that is there meanwhile. Waits for its turn. */
export async function withLock<Answer>(lock: string, work: () => Promise<Answer>): Promise<Answer> {
  const mine = randomUUID();
  while (!(await takes(lock, mine))) {
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
  if (!(await isStale(aside))) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

async function isStale(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs >= staleMs;
}
