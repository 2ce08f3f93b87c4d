import type { Clock } from '@paravcl/shared/clock';

export interface PoolRoomOptions {
  readonly clock: Clock;
  /** Kept free for guests that grow. */
  readonly reserveBytes: number;
  freeBytes(): Promise<number>;
  /** Removes images that nothing here uses until `enough`, as far as there are any. */
  evict(enough: () => Promise<boolean>): Promise<void>;
  onChange(): void;
  onFault(error: unknown): void;
}

/** How long the answer of the file system serves. */
const lookEveryMs = 1000;
/** A full pool is tried again so often. */
const healEveryMs = 5000;

/**
 * Whether chunks may be kept. When room lacks, images that nothing here uses go; when that does not help, the pool is
 * *full*: nothing is kept until there is room again, which is looked for every few seconds. A guest's read needs no room.
 */
export class PoolRoom {
  private full = false;
  private left = 0;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  private making: Promise<boolean> | null = null;

  constructor(private readonly options: PoolRoomOptions) {}

  get isFull(): boolean {
    return this.full;
  }

  /** Writes so many bytes when there is room for them. False when there is none; throws what else the disk says. */
  async keep(bytes: number, write: () => Promise<void>): Promise<boolean> {
    if (this.full) return false;
    if (!(await this.takes(bytes)) && !(await this.make(bytes))) return this.isOut();
    this.left -= bytes;
    for (let again = false; ; again = true) {
      try {
        await write();
        return true;
      } catch (error) {
        if (!isOutOfRoom(error)) throw error;
        if (again || !(await this.make(bytes))) return this.isOut();
      }
    }
  }

  private async takes(bytes: number): Promise<boolean> {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.lookedAtMs >= lookEveryMs) {
      this.lookedAtMs = nowMs;
      this.left = (await this.options.freeBytes()) - this.options.reserveBytes;
    }
    return this.left >= bytes;
  }

  /** Shared by all who lack room at the same time. */
  private make(bytes: number): Promise<boolean> {
    const enough = (): Promise<boolean> => {
      this.lookedAtMs = Number.NEGATIVE_INFINITY;
      return this.takes(bytes);
    };
    this.making ??= this.options
      .evict(enough)
      .catch((error: unknown) => this.options.onFault(error))
      .then(enough)
      .finally(() => (this.making = null));
    return this.making;
  }

  private isOut(): false {
    if (!this.full) {
      this.full = true;
      this.options.onChange();
      this.options.clock.after(healEveryMs, () => void this.heal());
    }
    return false;
  }

  /** Also when the file system says that there is room: a quota shows only when something is written. */
  private async heal(): Promise<void> {
    if (await this.make(leastBytes).catch(() => false)) {
      this.full = false;
      this.options.onChange();
    } else this.options.clock.after(healEveryMs, () => void this.heal());
  }
}

/** Less than this is no room: it would be full again at once. */
const leastBytes = 1024 * 1024;

export function isOutOfRoom(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
