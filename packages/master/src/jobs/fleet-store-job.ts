import type { UnitOfWork } from '../db/unit-of-work';
import type { FleetPulse } from '../services/fleet-pulse';

/** How often changed figures are written: what a heartbeat said can be read in the database within a second. */
export const fleetStoreEveryMs = 400;

/** Stores what heartbeats changed, so that the scheduler plans with it and a restarted master knows it. */
export class FleetStoreJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly pulse: FleetPulse,
  ) {}

  /** One round; run it every `fleetStoreEveryMs` and once when stopping. What could not be written is tried again by the next. */
  async run(): Promise<void> {
    const changed = this.pulse.takeChanged();
    if (changed.length === 0) return;
    try {
      await this.unitOfWork.read.fleet.storePulses(changed);
    } catch (error) {
      this.pulse.putBack(changed);
      throw error;
    }
  }
}
