import { open, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const againMs = 50;
/** What is done under a lock takes moments: an older one is of a program that was ended in between. */
const staleMs = 10_000;

/** Does work alone among all programs that take this lock: a file that is there meanwhile. Waits for its turn. */
export async function withLock<Answer>(lock: string, work: () => Promise<Answer>): Promise<Answer> {
  while (!(await takes(lock))) {
    await dropStale(lock);
    await pause(againMs);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function takes(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Of several that find it, one renames it: the others have none to rename. */
async function dropStale(lock: string): Promise<void> {
  const stats = await stat(lock).catch(() => null);
  if (stats === null || Date.now() - stats.mtimeMs < staleMs) return;
  const aside = `${lock}.${randomUUID()}`;
  await rename(lock, aside).then(() => rm(aside), () => undefined);
}
