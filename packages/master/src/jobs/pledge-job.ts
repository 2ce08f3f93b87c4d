import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';
import type { PledgeRecord } from '../repositories/pledge-repository';
import { tell } from '../services/notice-service';
import { brokenPledgeSentence } from '../services/pledge-standing';

export const pledgesEveryMs = 60_000;

export interface PledgeJobDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly contributingMs: number;
  readonly timeZone: string;
}

/**
 * Keeps and breaks promises of machines. One is kept when a machine of that person was heard of since: enrolled with the
 * promise's token, with another, or long before and switched on again. One whose time is over without is broken, and
 * its person is told.
 */
export class PledgeJob {
  constructor(private readonly deps: PledgeJobDeps) {}

  /** One round. `onFault` is told of a promise that could not be judged; the others are, and it is again in the next one. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    for (const pledge of await this.deps.unitOfWork.read.pledges.open()) {
      try {
        await this.judge(pledge);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async judge(pledge: PledgeRecord): Promise<void> {
    const { unitOfWork, clock, contributingMs, timeZone } = this.deps;
    const now = clock.now();
    const { items } = await unitOfWork.read.slaves.page({ ownerUserId: pledge.userId, kind: 'volunteer', limit: 200 });
    const came = items.some(({ admission, lastSeenAt }) => admission !== 'quarantined' && lastSeenAt !== null && lastSeenAt >= pledge.madeAt);
    if (came) {
      await unitOfWork.read.pledges.end(pledge.id, 'kept');
      return;
    }
    if (now < pledge.untilAt) return;
    await unitOfWork.transaction(async (repositories) => {
      if (!(await repositories.pledges.end(pledge.id, 'broken'))) return;
      const sentence = brokenPledgeSentence(pledge.untilAt, contributingMs, timeZone, now);
      await tell(repositories, { userId: pledge.userId, kind: 'pledge.broken', subjectType: 'user', subjectId: pledge.userId, sentence, decisionId: null }, now);
    });
  }
}
