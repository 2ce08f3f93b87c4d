import { statfs } from 'node:fs/promises';
import type { Clock } from '@paravcl/shared/clock';
import { MiB } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import type { Logger } from 'pino';

/** Less than this, and the database cannot be sure of its next extension. */
const leastFreeMiB = 16;
/** A database that is not on our disk, or has a quota, tells of its room only by refusing. */
const refusalCountsMs = 5000;

/** Where the master keeps things, and whether there is room for more. Its full disk is told once, and once when it is over. */
export class StorageRoom {
  private lastRefusalMs = -Infinity;
  /** The directory without room, as last told. */
  private told: string | null = null;
  private since = 0;

  constructor(
    /** Of the database, or null when its server is not ours. */
    private readonly databaseDirectory: string | null,
    private readonly imagesDirectory: string,
    private readonly clock: Clock,
    private readonly log: Pick<Logger, 'error' | 'info'>,
  ) {}

  /** A write was refused for want of room; answers what to tell whoever asked for it. */
  refused(cause: unknown): ParavclError {
    this.lastRefusalMs = this.clock.monotonicMs();
    this.tell(this.databaseName);
    return storageFull(this.databaseDirectory, cause);
  }

  /** Whether something new can be kept now. */
  async isThere(): Promise<boolean> {
    const places = [this.databaseDirectory, this.imagesDirectory].filter((place) => place !== null);
    const free = await Promise.all(places.map(async (place) => ({ place, freeMiB: await freeMiB(place) })));
    const tight = free.find(({ freeMiB }) => freeMiB < leastFreeMiB)?.place ?? null;
    const refusedLately = this.clock.monotonicMs() - this.lastRefusalMs < refusalCountsMs;
    this.tell(tight ?? (refusedLately ? this.databaseName : null));
    return this.told === null;
  }

  private get databaseName(): string {
    return this.databaseDirectory ?? 'the database server';
  }

  private tell(now: string | null): void {
    const before = this.told;
    this.told = now;
    if (before === null && now !== null) {
      this.since = this.clock.monotonicMs();
      this.log.error({ directory: now, leastFreeMiB }, 'the master has no room: nothing new can be kept. Running guests and hosts go on; free some space there, and it goes on by itself');
    }
    if (before !== null && now === null) this.log.info({ directory: before, ms: Math.round(this.clock.monotonicMs() - this.since) }, 'the master has room again');
  }
}

/** The answer to who asked for something that could not be kept. `lack`: how much there is and has to be, where that is known. */
export function storageFull(directory: string | null, cause?: unknown, lack = ''): ParavclError {
  const where = directory === null ? 'in the master’s database' : `in ${directory} on the master`;
  return new ParavclError(
    'storage-full',
    `There is no room ${where}${lack}: nothing new can be kept, what runs goes on. An administrator must free some space there; then try again.`,
    { retryAfterSeconds: 30 },
    { cause },
  );
}

/** What cannot be looked at is not called full: who needs it says what is wrong. */
async function freeMiB(directory: string): Promise<number> {
  const found = await statfs(directory).catch(() => null);
  return found === null ? Infinity : Math.floor((found.bavail * found.bsize) / MiB);
}
