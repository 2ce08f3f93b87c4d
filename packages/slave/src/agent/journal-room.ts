import { randomBytes } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';

/** The journal has no room: what was to be kept is refused for now, and nothing of it is in force. It goes on by itself. */
export class JournalFullError extends Error {
  override readonly name = 'JournalFullError';
}

/** A full disk, or a full quota. */
export function isNoRoom(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Room put aside while there was some, given up when there is none: so that the orders that make room, stops
 * and deletions, can still be kept. Making it anew is also how the agent learns that there is room again:
 * what can be written is the truth, where statfs(2) knows nothing of quotas.
 */
export class JournalReserve {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly bytes: number,
  ) {}

  /** True when the reserve is whole; false when the disk has no room for it. */
  make(): Promise<boolean> {
    return this.inOrder(async () => {
      if ((await stat(this.path).catch(() => null))?.size === this.bytes) return true;
      try {
        const file = await open(this.path, 'w', 0o600);
        try {
          // Random: a file system that compresses would put no room aside for zeros.
          await file.writeFile(randomBytes(this.bytes));
          await file.sync();
        } finally {
          await file.close();
        }
        return true;
      } catch (error) {
        await rm(this.path, { force: true }).catch(() => undefined);
        if (isNoRoom(error)) return false;
        throw error;
      }
    });
  }

  /** True when there was something to give up. */
  giveUp(): Promise<boolean> {
    return this.inOrder(async () => {
      const there = (await stat(this.path).catch(() => null)) !== null;
      await rm(this.path, { force: true });
      return there;
    });
  }

  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}
