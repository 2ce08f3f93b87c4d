import type { Cancel, Clock } from '@paravcl/shared/clock';

const lookEveryMs = 2000;

export interface PoolWatchParts {
  readonly clock: Clock;
  readonly reserveMiB: number;
  space(): Promise<{ readonly availableMiB: number }>;
  onFull(availableMiB: number): void;
  onRoom(): void;
}

/** Looks at the room in the pool, and says when it falls below the reserve and when it is back. */
export class PoolWatch {
  private cancel: Cancel = () => undefined;
  private full = false;
  private stopped = false;

  constructor(private readonly parts: PoolWatchParts) {}

  start(): void {
    void this.look();
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private async look(): Promise<void> {
    const { clock, reserveMiB } = this.parts;
    // A pool that is not there is no full pool; who needs it says so.
    const availableMiB = (await this.parts.space().catch(() => null))?.availableMiB ?? null;
    if (this.stopped) return;
    if (availableMiB !== null && !this.full && availableMiB < reserveMiB) {
      this.full = true;
      this.parts.onFull(availableMiB);
    } else if (availableMiB !== null && this.full && availableMiB >= reserveMiB + this.marginMiB) {
      this.full = false;
      this.parts.onRoom();
    }
    this.cancel = clock.after(lookEveryMs, () => void this.look());
  }

  /** One guest that writes at the edge must not make trouble come and go with every look. */
  private get marginMiB(): number {
    return Math.ceil(this.parts.reserveMiB / 8);
  }
}
