import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { ReservationRecord } from '../core/reservation-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { SchedulerWake } from '../services/ports';
import type { ReservationClock } from '../services/reservation-clock';
import type { ReservationRebooking } from '../services/reservation-rebooking';
import type { ReservationSeries } from '../services/reservation-series';

/** Where slots are booked follows the fleet, which is looked at less often than the clock. */
const fleetLookMs = 5_000;

export interface ReservationJobDeps {
  readonly unitOfWork: UnitOfWork;
  readonly reservationClock: ReservationClock;
  readonly series: ReservationSeries;
  readonly rebooking: ReservationRebooking;
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
    const { unitOfWork: { read }, series, scheduler } = this.deps;
    let changed = false;
    const attempt = async (step: () => Promise<boolean>): Promise<void> => {
      try {
        if (await step()) changed = true;
      } catch (error) {
        onFault(error);
      }
    };
    const open = (await read.reservations.holding()).filter(({ start }) => start <= this.deps.clock.now());
    const claimed = await this.claimedOf(open);
    for (const reservation of open) await attempt(() => this.step(reservation, claimed.get(reservation.id) ?? 0));
    if (this.isTimeForFleet()) await attempt(() => this.deps.rebooking.run());
    for (const week of await series.due()) {
      await attempt(async () => {
        await series.admit(week);
        return true;
      });
    }
    if (changed) scheduler.wake();
  }

  private async step(seen: ReservationRecord, claimed: number): Promise<boolean> {
    const { reservationClock, clock, unitOfWork } = this.deps;
    const now = clock.now();
    const due = reservationClock.due(seen, claimed, now);
    if (due === null) return false;
    return unitOfWork.transaction(async (repositories) => {
      // Locked, so that nobody claims from it meanwhile.
      const reservation = await repositories.reservations.lock(seen.id);
      if (reservation?.state !== seen.state) return false;
      const after = due === 'begin' ? await reservationClock.begin(repositories, reservation, now) : due === 'end' ? await reservationClock.end(repositories, reservation, now) : await this.noShow(repositories, reservation, now);
      return after !== null;
    });
  }

  private async noShow(repositories: Parameters<ReservationClock['noShow']>[0], reservation: ReservationRecord, now: EpochMs): Promise<ReservationRecord | null> {
    const claimed = (await repositories.bookings.ofReservations([reservation.id])).filter(({ instanceId }) => instanceId !== null).length;
    return this.deps.reservationClock.due(reservation, claimed, now) === 'no-show' ? this.deps.reservationClock.noShow(repositories, reservation, now) : null;
  }

  private async claimedOf(reservations: readonly ReservationRecord[]): Promise<ReadonlyMap<string, number>> {
    const claimed = new Map<string, number>();
    if (reservations.length === 0) return claimed;
    for (const { reservationId, instanceId } of await this.deps.unitOfWork.read.bookings.ofReservations(reservations.map(({ id }) => id))) {
      if (instanceId !== null) claimed.set(reservationId, (claimed.get(reservationId) ?? 0) + 1);
    }
    return claimed;
  }

  private isTimeForFleet(): boolean {
    const now = this.deps.clock.monotonicMs();
    if (this.lookedAtFleetMs !== null && now - this.lookedAtFleetMs < fleetLookMs) return false;
    this.lookedAtFleetMs = now;
    return true;
  }
}
