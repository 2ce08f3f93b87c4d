import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { QueueEntry } from '@paravcl/shared/domain/decision';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Reason } from '@paravcl/shared/domain/reasons';
import { forecast } from '../core/forecast';
import { inOrder } from '../core/ordering';
import { plan, waitsInVain, type Decision } from '../core/plan';
import { tellMoment } from '../core/tell-time';
import type { UnitOfWork } from '../db/unit-of-work';
import { may } from './policy';
import type { SchedulingSettings } from './instance-settings';
import type { WorkingWorld } from './working-world';
import { waitingInstances } from './world-loader';

export interface QueueServiceDeps {
  readonly world: Pick<WorkingWorld, 'now'>;
  readonly scheduling: SchedulingSettings;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
}

/** Who waits, for what, and until when. */
export class QueueService {
  constructor(private readonly deps: QueueServiceDeps) {}

  /** The entries this person may see, with their places among everybody's: what the scheduler would say now, and nothing is changed. */
  async queue(principal: Principal): Promise<{ readonly length: number; readonly items: QueueEntry[] }> {
    const { unitOfWork: { read }, clock, scheduling } = this.deps;
    const at = clock.now();
    const queue = await read.instances.queue();
    if (queue.length === 0) return { length: 0, items: [] };
    const world = await this.deps.world.now(at, queue.map(({ id }) => id));
    const attempts = await read.placements.attempts(queue.map(({ id }) => id));
    const waiting = inOrder(waitingInstances(queue, attempts, world, scheduling, at), scheduling.ordering, scheduling.rules);
    const { decisions } = plan(world.snapshot, waiting, scheduling, at);
    const starts = forecast(world.snapshot, waiting, at);
    const groups = new Map(queue.map(({ id, groupId, userId }) => [id, { ownerUserId: userId, groupId }]));
    let ahead = 0;
    const items = decisions.flatMap((decision): readonly QueueEntry[] => {
      const { instance } = decision;
      const place = ahead + 1;
      if (!waitsInVain(decision)) ahead++;
      const subject = groups.get(instance.id);
      if (subject === undefined || !may(principal, 'queue.see', subject)) return [];
      const start = startInSight(decision, starts.get(instance.id) ?? null, at);
      const reason = reasonOf(decision);
      return [{
        instanceId: instance.id,
        name: instance.name,
        place,
        reason,
        waitsFor: `${reason?.sentence ?? 'It starts with the scheduler’s next look.'}${reason?.code === 'MakingRoom' ? '' : earliest(start, scheduling.rules.timeZone, at)}`,
        earliestStart: start === null ? null : new Date(start).toISOString(),
        priority: instance.priority,
      }];
    });
    return { length: decisions.length, items };
  }
}

/**
 * The forecast knows of running instances and reservations alone. Where it sees room now and the scheduler would not
 * take it (a critical limit, a clock that is wrong), nobody can tell when that ends.
 */
function startInSight(decision: Decision, forecasted: EpochMs | null, at: EpochMs): EpochMs | null {
  switch (decision.kind) {
    case 'place':
    case 'resume':
      return at;
    case 'preempt':
      return at + decision.victims.reduce((sum, { saveMs }) => sum + saveMs, 0);
    case 'queue':
      return forecasted !== null && forecasted <= at && decision.nominatedTo === null ? null : forecasted;
    case 'refuse':
      return null;
  }
}

/** For the end of a sentence about what is waited for. */
function earliest(start: EpochMs | null, timeZone: string, at: EpochMs): string {
  return start === null || start <= at ? '' : ` Earliest start: ${tellMoment(start, timeZone, at)}.`;
}

function reasonOf(decision: Decision): Reason | null {
  return decision.kind === 'place' || decision.kind === 'resume' ? null : decision.reason;
}
