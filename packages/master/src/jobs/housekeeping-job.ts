import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';
import { longestChainMs } from '../services/inputs-chain';
import { finishIfClean } from '../services/instance-changes';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A sender that has not repeated its request within a day has given up. */
const idempotencyKeysMs = dayMs;
/** Whether a slave contributes is seen by its last seven days, the one that is a week old as a whole. */
const presenceMs = 8 * dayMs;
/** Expired ones are still listed for so long: whoever wonders why a program is refused finds the reason. */
const apiTokensMs = 30 * dayMs;

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
  readonly joinTokensMs: number;
  readonly decisionsMs: number;
  /** What they were made of, counted from the newest that was made of it. */
  readonly decisionInputsMs: number;
  readonly noticesMs: number;
}

/** One statement deletes at most this many rows, so that it holds few locks and short; then the next. */
const batchRows = 1000;
/** A round that would take longer is gone on with at the next one: the master must be able to stop. */
const batchesPerRound = 200;

/** Removes what nobody will ask for again, and ends deletions that nobody is left to end. */
export class HousekeepingJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly keep: Retention,
    private readonly batch = batchRows,
  ) {}

  /** One round. `onFault` is told of a deletion that could not be ended; the others are. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { keep, unitOfWork: { read } } = this;
    const now = this.clock.now();
    await this.inBatches((limit) => read.idempotencyKeys.deleteOlderThan(now - idempotencyKeysMs, limit));
    await this.inBatches((limit) => read.sessions.deleteEnded(now, now - keep.sessionIdleMs, limit));
    await this.inBatches((limit) => read.loginFailures.deleteBefore(now - keep.loginFailuresMs, limit));
    await this.inBatches((limit) => read.oneTimeTokens.deleteExpiredBefore(now - keep.oneTimeTokensMs, limit));
    await this.inBatches((limit) => read.apiTokens.deleteExpiredBefore(now - apiTokensMs, limit));
    await this.inBatches((limit) => read.commands.deleteBefore(now - keep.commandsMs, limit));
    await this.inBatches((limit) => read.operations.deleteEndedBefore(now - keep.operationsMs, limit));
    await this.inBatches((limit) => read.evacuations.deleteEndedBefore(now - keep.operationsMs, limit));
    await this.inBatches((limit) => read.hostInstalls.deleteEndedBefore(now - keep.operationsMs, limit));
    await this.inBatches((limit) => read.liveMigrations.deleteEndedBefore(now - keep.operationsMs, limit));
    await this.inBatches((limit) => read.slaViolations.deleteEndedBefore(now - keep.eventsMs, limit));
    await this.inBatches((limit) => read.events.deleteBefore(now - keep.eventsMs, limit));
    await this.inBatches((limit) => read.joinTokens.deleteEndedBefore(now - keep.joinTokensMs, limit));
    await this.inBatches((limit) => read.decisions.deleteBefore(now - keep.decisionsMs, limit));
    // Inputs lead back to others that were kept up to that long before.
    await this.inBatches((limit) => read.decisions.deleteInputsBefore(now - keep.decisionInputsMs - longestChainMs, limit));
    await this.inBatches((limit) => read.notices.deleteBefore(now - keep.noticesMs, limit));
    await this.inBatches((limit) => read.presence.deleteBefore(new Date(now - presenceMs).toISOString().slice(0, 10), limit));
    await this.inBatches((limit) => this.forgetInstances(now - keep.deletedInstancesMs, limit));
    await this.finishDeletions(now, onFault);
  }

  /**
   * A deletion ends in the transaction that settles its last proof. Masters once did that in two, and one that was
   * killed between them left an instance that no slave owes anything of and that nobody looks at any more.
   */
  private async finishDeletions(now: number, onFault: (error: unknown) => void): Promise<void> {
    for (const id of await this.unitOfWork.read.instances.unendedDeletions(batchRows)) {
      try {
        await this.unitOfWork.transaction(async (repositories) =>
          // It ends in a state without a deadline, so none is needed here.
          finishIfClean(repositories, await repositories.instances.lock(id), { by: 'housekeeping', now, slaveName: null, settings: { deadlinesMs: {} } }),
        );
      } catch (error) {
        onFault(error);
      }
    }
  }

  /** Their history first and they last, so that a round that was cut off is gone on with. */
  private async forgetInstances(deletedBefore: number, limit: number): Promise<number> {
    const { read } = this.unitOfWork;
    const instances = await read.instances.deletedBefore(deletedBefore, limit);
    if (instances.length === 0) return 0;
    const transitions = await read.transitions.deleteOf(instances, limit);
    if (transitions > 0) return transitions;
    const violations = await read.slaViolations.deleteOf(instances, limit);
    if (violations > 0) return violations;
    const placements = await read.placements.deleteOf(instances, limit);
    return placements > 0 ? placements : read.instances.remove(instances);
  }

  /** Until a batch finds nothing more. */
  private async inBatches(deleteSome: (limit: number) => Promise<number>): Promise<void> {
    for (let batch = 0; batch < batchesPerRound; batch += 1) if ((await deleteSome(this.batch)) === 0) return;
  }
}
