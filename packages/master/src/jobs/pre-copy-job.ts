import type { Clock } from '@paravcl/shared/clock';
import type { PreCopyService } from '../services/pre-copy-service';

/** How often it is asked whether to look again; run the job so often. */
export const preCopyEveryMs = 2_000;
/** Time alone brings starts nearer. */
const lookAgainMs = 30_000;

/** Has pre-copy planned anew when reservations, mirrors or patterns changed, at most once a round, and every 30 s anyway. Writes nothing. */
export class PreCopyJob {
  private changed = true;
  private lookedAtMs = 0;

  constructor(
    private readonly preCopy: Pick<PreCopyService, 'round'>,
    private readonly clock: Clock,
  ) {}

  /** Something may be wanted elsewhere now, or more is there. */
  wake(): void {
    this.changed = true;
  }

  /** A round that fails is made again. */
  async run(): Promise<void> {
    const now = this.clock.monotonicMs();
    if (!this.changed && now - this.lookedAtMs < lookAgainMs) return;
    // What changes while it plans is looked at in the next round.
    this.changed = false;
    try {
      await this.preCopy.round();
      this.lookedAtMs = now;
    } catch (error) {
      this.changed = true;
      throw error;
    }
  }
}
