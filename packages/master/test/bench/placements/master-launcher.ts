import type { DatabaseAddress } from '../../../src/db/connection';
import { defaultScheduling } from '../../../src/services/instance-settings';
import type { Launcher } from './prepared-launches';
import { openRunningMaster, type RunningMaster } from './running-master';

/** The capacity of a host that the service promises, which the recount asks of the books by itself. */
export const limits = { hostRamMiB: defaultScheduling.hostRamMiB, coreOvercommit: defaultScheduling.coreOvercommit } as const;

/** The master's scheduling service over these books, called in its own process. */
export async function openMasterLauncher(address: DatabaseAddress, onFault: (error: unknown) => void): Promise<Launcher> {
  return launcherOf(await openRunningMaster(address, onFault));
}

export const launcherOf = ({ scheduler, stop }: RunningMaster): Launcher => ({ launch: (prepared) => scheduler.launch(prepared), stop });
