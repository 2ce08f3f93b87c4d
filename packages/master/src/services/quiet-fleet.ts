import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { UnitOfWork } from '../db/unit-of-work';
import { Batches } from './batches';
import { isLastingFault } from './lasting-fault';
import type { AgentReports, SchedulerWake } from './ports';

/** Slaves asked about in one query. */
const slavesPerQuery = 100;
/** Ids that wait for a query: as many as there are connections at most. */
const mostWaiting = 12_000;

/**
 * Most slaves of a fleet that comes back have nothing on them, and nothing follows from that but that the scheduler
 * may look: they are told apart from the others many at a time, and only the others are handed on.
 * Asked after the session is registered: what is placed on the slave from then on is pushed to it.
 */
export class QuietFleet implements AgentReports {
  private readonly batches: Batches<string, boolean>;

  constructor(
    private readonly reports: AgentReports,
    private readonly scheduler: SchedulerWake,
    unitOfWork: UnitOfWork,
  ) {
    this.batches = new Batches(
      async (slaveIds) => {
        const busy = await unitOfWork.read.fleet.withInstances(slaveIds);
        return slaveIds.map((slaveId) => busy.has(slaveId));
      },
      { most: slavesPerQuery, atOnce: 1, keyOf: (slaveId) => slaveId, mostWaiting, isWanted: () => true, isFaultOfOne: isLastingFault },
    );
  }

  async connected(slaveId: string, inventory: readonly ObservedInstance[], complete: boolean): Promise<readonly DesiredInstance[]> {
    if (inventory.length > 0 || (await this.batches.add(slaveId)) !== false) return this.reports.connected(slaveId, inventory, complete);
    this.scheduler.wake();
    return [];
  }

  observed(slaveId: string, instances: readonly ObservedInstance[]): Promise<void> {
    return this.reports.observed(slaveId, instances);
  }

  fleetChanged(slaveId: string): Promise<void> {
    return this.reports.fleetChanged(slaveId);
  }
}
