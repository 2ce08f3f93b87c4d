import { systemClock } from '@paravcl/shared/clock';
import { protocolVersion } from '@paravcl/shared/protocol/version';
import { connect, connectForGroups, type DatabaseAddress } from '../../../src/db/connection';
import { MysqlUnitOfWork } from '../../../src/db/mysql-unit-of-work';
import { CommittedChanges } from '../../../src/repositories/committed-changes';
import { defaultScheduling, type InstanceSettings } from '../../../src/services/instance-settings';
import type { AgentPort, FleetFigures } from '../../../src/services/ports';
import { SchedulingService } from '../../../src/services/scheduling-service';
import { WorkingWorld } from '../../../src/services/working-world';

const dayMs = 86_400_000;

/** As a site has them that configures nothing, but for a network with room for all and a share that nobody uses up. */
export const settings: InstanceSettings = {
  network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.0.0.1', prefix: 8 },
  defaults: { vcpus: 1, ramMiB: 512 },
  minutes: { min: 60, max: 300, default: 120 },
  instancesPerUser: 1_000_000,
  guestUser: 'student',
  timeZone: 'UTC',
  homeMiB: 0,
  aging: { suspendedMs: 60 * dayMs, stoppedMs: 90 * dayMs, noticeMs: 7 * dayMs, recycleMs: 7 * dayMs },
  deadlinesMs: {},
};

/** Every host is connected, and takes what it is told; nobody asks one anything. */
export const agents: AgentPort = {
  isConnected: () => true,
  protocolOf: () => protocolVersion,
  pushDesired: () => undefined,
  forget: () => undefined,
  pushAdmission: () => undefined,
  command: () => Promise.reject(new Error('Nobody expected a command to a host.')),
  disconnect: () => undefined,
};

/** Of hosts nothing newer is known than what is in the books. */
export const figures: FleetFigures = { latest: () => null };

/** The master's scheduling service over these books with what it stands on. */
export interface RunningMaster {
  readonly unitOfWork: MysqlUnitOfWork;
  readonly world: WorkingWorld;
  readonly scheduler: SchedulingService;
  stop(): Promise<void>;
}

/**
 * Started: it knows the whole pool and nobody waits. `onFault` is told what failed in it; a pool of no more slaves than `readWholeUpTo` is not kept in
 * memory, and launches there wait for a round.
 */
export async function openRunningMaster(address: DatabaseAddress, onFault: (error: unknown) => void, readWholeUpTo?: number): Promise<RunningMaster> {
  const [db, together] = [connect(address), connectForGroups(address)];
  const changes = new CommittedChanges();
  const unitOfWork = new MysqlUnitOfWork(db, systemClock, null, changes, together);
  const world = new WorkingWorld({ read: unitOfWork.read, changes, agents, figures, scheduling: defaultScheduling, onDrift: () => undefined, ...(readWholeUpTo === undefined ? {} : { readWholeUpTo }) });
  const scheduler = new SchedulingService({ unitOfWork, agents, clock: systemClock, settings, scheduling: defaultScheduling, world, onFault, onRecovery: () => undefined });
  scheduler.start();
  await scheduler.idle();
  if (!scheduler.hasPassed) throw new Error('The scheduling service could not make its first round; what it met stands above.');
  return {
    unitOfWork, world, scheduler,
    stop: async () => {
      await scheduler.stop();
      world.close();
      await Promise.all([db.destroy(), together.destroy()]);
    },
  };
}
