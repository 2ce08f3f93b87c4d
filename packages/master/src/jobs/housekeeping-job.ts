import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';

const hourMs = 3_600_000;
/** A sender that has not repeated its request within a day has given up. */
const idempotencyKeysMs = 24 * hourMs;

export const housekeepingEveryMs = hourMs;

/** How long entries are kept, from when nothing is left to do with them. */
export interface Retention {
  readonly sessionIdleMs: number;
  readonly loginFailuresMs: number;
  readonly commandsMs: number;
  readonly operationsMs: number;
  readonly oneTimeTokensMs: number;
  readonly eventsMs: number;
  readonly deletedInstancesMs: number;
}

/** One statement deletes at most this many rows, so that it holds few locks and short; then the next. */
const batchRows = 1000;
/** A round that would take longer is gone on with at the next one: the master must be able to stop. */
const batchesPerRound = 200;

/** Removes what nobody will ask for again. */
export class HousekeepingJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly keep: Retention,
    private readonly batch = batchRows,
  ) {}

  async run(): Promise<void> {
    const { keep, unitOfWork: { read } } = this;
    const now = this.clock.now();
    await this.inBatches((limit) => read.idempotencyKeys.deleteOlderThan(now - idempotencyKeysMs, limit));
    await this.inBatches((limit) => read.sessions.deleteEnded(now, now - keep.sessionIdleMs, limit));
    await this.inBatches((limit) => read.loginFailures.deleteBefore(now - keep.loginFailuresMs, limit));
    await this.inBatches((limit) => read.oneTimeTokens.deleteExpiredBefore(now - keep.oneTimeTokensMs, limit));
    await this.inBatches((limit) => read.commands.deleteBefore(now - keep.commandsMs, limit));
    await this.inBatches((limit) => read.operations.deleteEndedBefore(now - keep.operationsMs, limit));
    await this.inBatches((limit) => read.events.deleteBefore(now - keep.eventsMs, limit));
    await this.inBatches(async (limit) => {
      const instances = await read.transitions.instancesDeletedBefore(now - keep.deletedInstancesMs, limit);
      return instances.length === 0 ? 0 : read.transitions.deleteOf(instances, limit);
    });
  }

  /** Until a batch finds nothing more. */
  private async inBatches(deleteSome: (limit: number) => Promise<number>): Promise<void> {
    for (let batch = 0; batch < batchesPerRound; batch += 1) if ((await deleteSome(this.batch)) === 0) return;
  }
}
