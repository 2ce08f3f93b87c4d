import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';

/**
 * Does `work` while nobody else on this machine does any under the lock of the same directory; null at once when somebody
 * does. The lock is the name of a socket in Linux's abstract namespace (unix(7)): it leaves no file behind, and is free
 * again as soon as its holder is dead, however it died.
 */
export async function withLockOf<T>(directory: string, work: () => Promise<T>): Promise<{ readonly answer: T } | null> {
  const lock = createServer((visitor) => visitor.destroy());
  lock.listen(`\0paravcl-lab-${createHash('sha256').update(resolve(directory)).digest('hex')}`);
  try {
    await once(lock, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
  try {
    return { answer: await work() };
  } finally {
    lock.close();
    await once(lock, 'close');
  }
}
