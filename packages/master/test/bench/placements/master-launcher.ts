import { systemClock } from '@paravcl/shared/clock';
import { protocolVersion } from '@paravcl/shared/protocol/version';
import { connect, connectForGroups, type DatabaseAddress } from '../../../src/db/connection';
import { MysqlUnitOfWork } from '../../../src/db/mysql-unit-of-work';
import { CommittedChanges } from '../../../src/repositories/committed-changes';
import { defaultScheduling, type InstanceSettings } from '../../../src/services/instance-settings';
import { SchedulingService } from '../../../src/services/scheduling-service';
import { WorkingWorld } from '../../../src/services/working-world';
import type { Launcher } from './prepared-launches';

const dayMs = 86_400_000;

/** As a site has them that configures nothing. */
const settings: InstanceSettings = {
  network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.0.0.1', prefix: 8 },
  defaults: { vcpus: 1, ramMiB: 512 },
  minutes: { min: 60, max: 300, default: 120 },
  instancesPerUser: 100,
  guestUser: 'student',
  timeZone: 'UTC',
  homeMiB: 0,
  aging: { suspendedMs: 60 * dayMs, stoppedMs: 90 * dayMs, noticeMs: 7 * dayMs, recycleMs: 7 * dayMs },
  deadlinesMs: {},
};

/** The capacity of a host that the service promises, which the recount asks of the books by itself. */
export const limits = { hostRamMiB: defaultScheduling.hostRamMiB, coreOvercommit: defaultScheduling.coreOvercommit } as const;

/** Every host is connected, and takes what it is told. */
const agents = { isConnected: () => true, protocolOf: () => protocolVersion, pushDesired: () => undefined };

/**
 * The master's scheduling service over these books, started: it knows the whole pool and nobody waits. `onFault` is told what failed in it; a pool of no more
 * slaves than `readWholeUpTo` is not kept in memory, and launches there wait for a round.
 */
export async function openMasterLauncher(address: DatabaseAddress, onFault: (error: unknown) => void, readWholeUpTo?: number): Promise<Launcher> {
  const [db, together] = [connect(address), connectForGroups(address)];
  const changes = new CommittedChanges();
  const unitOfWork = new MysqlUnitOfWork(db, systemClock, null, changes, together);
  const world = new WorkingWorld({ read: unitOfWork.read, changes, agents, figures: { latest: () => null }, scheduling: defaultScheduling, onDrift: () => undefined, ...(readWholeUpTo === undefined ? {} : { readWholeUpTo }) });
  const scheduler = new SchedulingService({ unitOfWork, agents, clock: systemClock, settings, scheduling: defaultScheduling, world, onFault, onRecovery: () => undefined });
  scheduler.start();
  await scheduler.idle();
  if (!scheduler.hasPassed) throw new Error('The scheduling service could not make its first round; what it met stands above.');
  return {
    launch: (prepared) => scheduler.launch(prepared),
    stop: async () => {
      await scheduler.stop();
      world.close();
      await Promise.all([db.destroy(), together.destroy()]);
    },
  };
}
