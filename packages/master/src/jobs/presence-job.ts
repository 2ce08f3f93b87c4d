import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';
import { presenceDay } from '../services/contributing-slaves';

export const presenceEveryMs = 60_000;

/** Longer than this since the round before, the master slept or could not work: nobody knows who was online then. */
const mostPerRoundMs = 2 * presenceEveryMs;

/** Adds up for how long volunteers are online; an hour in a week makes one contribute. */
export class PresenceJob {
  private countedMs: number;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {
    this.countedMs = clock.monotonicMs();
  }

  /** One round; run it every minute. `onFault` is told of a slave that could not be counted; the others are. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { slaves, presence } = this.unitOfWork.read;
    const nowMs = this.clock.monotonicMs();
    const onlineMs = Math.min(nowMs - this.countedMs, mostPerRoundMs);
    this.countedMs = nowMs;
    if (onlineMs <= 0) return;
    const day = presenceDay(this.clock.now());
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await slaves.page({ kind: 'volunteer', admission: 'approved', liveness: 'online', limit: 200, cursor });
      for (const { id } of page.items) {
        try {
          await presence.add(id, day, onlineMs);
        } catch (error) {
          onFault(error);
        }
      }
      cursor = page.next;
    }
  }
}
