import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';
import type { SchedulerWake } from '../services/ports';
import type { ReservationClock } from '../services/reservation-clock';
import type { ReservationRehoming } from '../services/reservation-rehoming';
import type { ReservationSeries } from '../services/reservation-series';

/** Where slots are booked follows the fleet, which is looked at less often than the clock. */
const fleetLookMs = 5_000;

export interface ReservationJobDeps {
  readonly unitOfWork: UnitOfWork;
  readonly reservationClock: ReservationClock;
  readonly series: ReservationSeries;
  readonly rehoming: ReservationRehoming;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
}

/**
 * Leads reservations through their life: begin, no-show, end; the next weeks of repeats; other slaves for what is booked
 * on those that were lost. It asks the books and the wall clock anew in every round and keeps nothing, so that a master
 * that was away for hours does in its first round what is still to be done, and a window that passed meanwhile just ends.
 */
export class ReservationJob {
  private lookedAtFleetMs: number | null = null;

  constructor(private readonly deps: ReservationJobDeps) {}

  /** One round; run it every second or so. `onFault` is told of what could not be done; the rest is, and it is tried again in the next round. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork: { read }, reservationClock, series, scheduler, clock } = this.deps;
    let changed = false;
    const attempt = async (step: () => Promise<boolean>): Promise<void> => {
      try {
        if (await step()) changed = true;
      } catch (error) {
        onFault(error);
      }
    };
    for (const { id } of await reservationClock.due(read, clock.now())) await attempt(() => this.follow(id));
    if (this.isTimeForFleet()) await attempt(() => this.deps.rehoming.run());
    for (const week of await series.due()) {
      await attempt(async () => {
        await series.admit(week);
        return true;
      });
    }
    if (changed) scheduler.wake();
  }

  /** What was seen before it was locked may have been extended, moved or claimed since: what is due is asked of the row itself. */
  private follow(id: string): Promise<boolean> {
    const { reservationClock, clock, unitOfWork } = this.deps;
    return unitOfWork.transaction(async (repositories) => {
      const reservation = await repositories.reservations.lock(id);
      return reservation !== null && (await reservationClock.follow(repositories, reservation, clock.now())) !== null;
    });
  }

  private isTimeForFleet(): boolean {
    const now = this.deps.clock.monotonicMs();
    if (this.lookedAtFleetMs !== null && now - this.lookedAtFleetMs < fleetLookMs) return false;
    this.lookedAtFleetMs = now;
    return true;
  }
}
