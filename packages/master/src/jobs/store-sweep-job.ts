import type { Clock } from '@paravcl/shared/clock';
import type { StoreService } from '../services/store-service';

/** How often it is asked whether a sweep is due; run the job so often. */
export const storeSweepLookMs = 60_000;
/** After the master's start nothing is swept for so long: mirrors and people come first. */
export const quietAfterStartMs = 10 * 60_000;

/** Sweeps the chunk store once in so many hours, over restarts of the master: its first sweep comes that long after the last one before it, or soon after the start when there is none known. */
export class StoreSweepJob {
  private readonly startedMs: number;
  /** When this master began its last sweep, monotonic; null before its first. */
  private begunMs: number | null = null;

  constructor(
    private readonly store: Pick<StoreService, 'dailySweep' | 'lastSweepAt'>,
    private readonly clock: Clock,
    private readonly everyMs: number,
  ) {
    this.startedMs = clock.monotonicMs();
  }

  /** A sweep that fails is made again when the next one is due, or after a restart. */
  async run(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.startedMs < quietAfterStartMs) return;
    if (this.begunMs !== null && nowMs - this.begunMs < this.everyMs) return;
    const last = await this.store.lastSweepAt();
    const sinceLast = last === null ? null : this.clock.now() - last;
    // A time to come was written while the clock was wrong.
    if (this.begunMs === null && sinceLast !== null && sinceLast >= 0 && sinceLast < this.everyMs) return;
    this.begunMs = nowMs;
    await this.store.dailySweep();
  }
}
