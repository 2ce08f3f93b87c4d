import type { Clock } from '@paravcl/shared/clock';
import type { StoreService } from '../services/store-service';

/** How often it is asked whether a sweep is due; run the job so often. */
export const storeSweepLookMs = 60_000;

/** Sweeps the chunk store once in so many hours; the first time that long after the start, when mirrors and people have had theirs. */
export class StoreSweepJob {
  private lastMs: number;

  constructor(
    private readonly store: Pick<StoreService, 'dailySweep'>,
    private readonly clock: Clock,
    private readonly everyMs: number,
  ) {
    this.lastMs = clock.monotonicMs();
  }

  /** A sweep that fails is made again when the next one is due. */
  async run(): Promise<void> {
    const now = this.clock.monotonicMs();
    if (now - this.lastMs < this.everyMs) return;
    this.lastMs = now;
    await this.store.dailySweep();
  }
}
