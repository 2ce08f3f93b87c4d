import type { UnitOfWork } from '../db/unit-of-work';
import type { FleetPulse } from '../services/fleet-pulse';

/** How often changed figures of a slave are written, at most. */
export const fleetStoreEveryMs = 15_000;

/** Stores what heartbeats and describe frames changed, so that a restarted master knows it. */
export class FleetStoreJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly pulse: FleetPulse,
  ) {}

  /** One round; run it every `fleetStoreEveryMs` and once when stopping. */
  async run(): Promise<void> {
    for (const { slaveId, describe, heardAt } of this.pulse.takeChanged()) await this.unitOfWork.read.slaves.storeDescribe(slaveId, describe, heardAt);
  }
}
