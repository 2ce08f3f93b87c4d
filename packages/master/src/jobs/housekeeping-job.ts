import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';

const hourMs = 3_600_000;
/** A sender that has not repeated its request within a day has given up. */
const idempotencyKeysMs = 24 * hourMs;

export const housekeepingEveryMs = hourMs;

/** Removes what nobody will ask for again. */
export class HousekeepingJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly keep: { readonly sessionIdleMs: number; readonly loginFailuresMs: number },
  ) {}

  async run(): Promise<void> {
    const { read } = this.unitOfWork;
    const now = this.clock.now();
    await read.idempotencyKeys.deleteOlderThan(now - idempotencyKeysMs);
    await read.sessions.deleteEnded(now, now - this.keep.sessionIdleMs);
    await read.loginFailures.deleteBefore(now - this.keep.loginFailuresMs);
  }
}
