import { ParavclError } from '@paravcl/shared/errors';

/**
 * What one slave told that could not be written for want of room on the master's disk. An agent tells a thing once on a
 * connection: hanging up would have it dial again and tell the same to the same full disk, over and over. So it is kept,
 * the newest under each key, and written when there is room. One thing is written at a time, so that what is retried
 * never overtakes what is newer.
 */
export class AwaitingRoom {
  private readonly waiting = new Map<string, () => Promise<void>>();
  private turn: Promise<unknown> = Promise.resolve();
  private retrying = false;

  constructor(
    /** Keys kept; beyond it a write that finds no room throws. */
    private readonly most: number,
    /** Told once of a time without room. */
    private readonly onKept: () => void,
  ) {}

  /** Writes, in the place of what waits under these keys. Without room, each part is kept under its key; other faults are thrown. */
  write(parts: ReadonlyMap<string, () => Promise<void>>, together: () => Promise<void>): Promise<void> {
    return this.inTurn(async () => {
      for (const key of parts.keys()) this.waiting.delete(key);
      try {
        await together();
      } catch (error) {
        if (!isWithoutRoom(error) || this.waiting.size + parts.size > this.most) throw error;
        if (this.waiting.size === 0) this.onKept();
        for (const [key, part] of parts) this.waiting.set(key, part);
      }
    });
  }

  /** One thing of its own. */
  writeOne(key: string, part: () => Promise<void>): Promise<void> {
    return this.write(new Map([[key, part]]), part);
  }

  /** Tries what waits, oldest first, until there is no room again. Throws what another fault threw; that part is dropped. */
  async retry(): Promise<void> {
    if (this.retrying || this.waiting.size === 0) return;
    this.retrying = true;
    try {
      await this.inTurn(async () => {
        for (const [key, part] of [...this.waiting]) {
          try {
            await part();
          } catch (error) {
            if (isWithoutRoom(error)) return;
            this.waiting.delete(key);
            throw error;
          }
          this.waiting.delete(key);
        }
      });
    } finally {
      this.retrying = false;
    }
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

/** As the unit of work says it. */
function isWithoutRoom(error: unknown): boolean {
  return error instanceof ParavclError && error.code === 'storage-full';
}
